import { userInfo } from 'node:os';
import type { Config } from '../config.ts';
import { type Env, systemClock } from './compose.ts';
import { createHumans } from './humans.ts';
import { askSecret, secretFromStdin } from './terminal.ts';

/**
 * Takes the approver's secret, which only the human has. Wrong ones are counted across processes. Errors: `FORBIDDEN` (wrong, or locked for a while),
 * `INVALID_INPUT` (none given), `NOT_CONFIGURED` (none set).
 */
export async function proveHuman(config: Config, what: string, fromStdin: boolean): Promise<void> {
  const humans = createHumans(config, systemClock);
  await humans.mayTry();
  await humans.bySecret(fromStdin ? await secretFromStdin() : await askSecret(`Approver's secret to ${what}: `));
}

/** Name of the person who is signed in on this machine. */
export function userName(env: Env): string {
  try {
    return userInfo().username;
  } catch {
    return env.USER ?? 'unknown';
  }
}
