import { userInfo } from 'node:os';
import type { Config } from '../config.ts';
import { forbidden, invalidInput } from '../errors.ts';
import { checkSecret } from './approver-secret.ts';
import { Attempts } from './attempts.ts';
import { type Env, systemClock } from './compose.ts';
import { askSecret, secretFromStdin } from './terminal.ts';

/**
 * Takes the approver's secret, which only the human has. Wrong ones are counted across processes. Errors: `FORBIDDEN` (wrong, or locked for a while),
 * `INVALID_INPUT` (none given), `NOT_CONFIGURED` (none set).
 */
export async function proveHuman(config: Config, what: string, fromStdin: boolean): Promise<void> {
  const attempts = new Attempts(config.data_dir, systemClock);
  await attempts.mayTry();
  const secret = fromStdin ? await secretFromStdin() : await askSecret(`Approver's secret to ${what}: `);
  if (secret === '')
    throw invalidInput('no secret was given.', "give the approver's secret at the prompt or by --secret-stdin.");
  // Counted before it is checked: guesses that are made at once must not all pass the look at the count.
  await attempts.failed();
  if (!(await checkSecret(secret, config.secret_file))) {
    throw forbidden(
      "the approver's secret is wrong; nothing was written.",
      'try again; after 5 wrong ones there is a pause.',
    );
  }
  await attempts.succeeded();
}

/** Name of the person who is signed in on this machine. */
export function userName(env: Env): string {
  try {
    return userInfo().username;
  } catch {
    return env.USER ?? 'unknown';
  }
}
