export interface Runbook {
  /** File name without `.md`. */
  name: string;
  /** The first heading, else the name. */
  title: string;
}

/** The configured folder of Markdown runbooks. */
export interface Runbooks {
  list(): Promise<Runbook[]>;
  /** null when there is none of that name. Of a longer file the beginning, and then more than `MAX_RUNBOOK_BYTES` in all. */
  read(name: string): Promise<string | null>;
  /** Where a runbook of that name is, or would be written; for the plan. */
  pathOf(name: string): string;
}

/** Changing runbooks; exists only in a WriteContext. */
export interface RunbookWriter {
  /** Replaces the whole text atomically. Errors: `STORE`, `CONFLICT` for more than `MAX_RUNBOOK_BYTES`. */
  write(name: string, text: string): Promise<void>;
}
