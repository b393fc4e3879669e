import { openPage } from './approval-page.ts';
import { configure, type Env, openStore, systemClock } from './compose.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { createHumans } from './humans.ts';
import { complain, print } from './output.ts';

/** The approval page alone, until it is interrupted: for a client that has died, or a human who wants it open all the time. */
export async function page(flags: { config?: string; data_dir?: string }, env: Env): Promise<ExitCode> {
  const config = configure(flags, env);
  const warn = (message: string): void => complain(message);
  const opened = await openPage({
    config,
    store: openStore(config, systemClock, warn),
    clock: systemClock,
    humans: createHumans(config, systemClock),
    warn,
  });
  print(opened.origin);
  await new Promise<void>((resolve) => {
    // The page alone does not keep a process alive.
    const alive = setInterval(() => undefined, 60_000);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.once(signal, () => {
        clearInterval(alive);
        resolve();
      });
    }
  });
  await opened.close();
  return EXIT.ok;
}
