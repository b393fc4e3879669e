/** The only source of the present; tests and replays give their own. */
export interface Clock {
  now(): Date;
}
