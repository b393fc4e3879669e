/** Exit codes of the contract. */
export const EXIT = {
  /** Done. */
  ok: 0,
  /** The thing asked about is not so. */
  no: 1,
  /** Wrong usage or configuration. */
  usage: 2,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
