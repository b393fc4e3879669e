export interface Runbook {
  /** File name without `.md`. */
  name: string;
  /** The first heading, else the name. */
  title: string;
}

/** The configured folder of Markdown runbooks. */
export interface Runbooks {
  list(): Promise<Runbook[]>;
  /** null when there is none of that name. */
  read(name: string): Promise<string | null>;
}
