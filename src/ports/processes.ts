/** Which process it is, such that a later process with the same pid is not taken for it. */
export interface ProcessIdentity {
  pid: number;
  /** Start time as the operating system tells it, else a random word. */
  token: string;
}

export interface Processes {
  self(): ProcessIdentity;
  /** False only when it is sure that the process is gone. */
  alive(identity: ProcessIdentity): boolean;
}
