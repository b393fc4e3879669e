import { EXIT, type ExitCode } from './exit.ts';
import { print } from './output.ts';
import { startSandbox } from './sandbox-process.ts';

/** Starts the simulated platform alone, prints its one JSON line, and stays until it is ended. */
export async function sandbox(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<ExitCode> {
  const running = await startSandbox(args, env);
  print(running.line);
  let asked = false;
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.once(signal, () => {
      asked = true;
      void running.stop();
    });
  }
  const code = await running.exited;
  return asked || code === 0 ? EXIT.ok : EXIT.no;
}
