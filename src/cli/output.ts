/** The terminal side's only way to stdout and stderr. `serve` never uses `print`: its stdout belongs to the protocol. */
export const print = (line = ''): void => {
  process.stdout.write(`${line}\n`);
};
export const complain = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

/** From here on a window that was closed costs what would have been written to it, and not the work. */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
}
