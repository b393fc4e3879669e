/** File in the data folder in which `serve --sandbox` leaves the address of the truth for `score`; the server itself never reads it. */
export const TRUTH_FILE = 'sandbox-truth';
