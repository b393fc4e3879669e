/** Which process it is, such that a later process with the same pid is not taken for it. */
export interface ProcessIdentity {
  pid: number;
  /** Host and start time as the operating system tells them; opaque. */
  token: string;
}

export interface Processes {
  /** False only when it is sure that the process is gone. */
  alive(identity: ProcessIdentity): Promise<boolean>;
}
