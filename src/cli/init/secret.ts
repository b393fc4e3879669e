import { AppError, forbidden, invalidInput } from '../../errors.ts';
import { checkSecret } from '../approver-secret.ts';
import { Attempts } from '../attempts.ts';
import { systemClock } from '../compose.ts';
import { complain } from '../output.ts';
import { askSecret } from '../terminal.ts';
import { exists } from './files.ts';

const MIN_CHARACTERS = 8;
const MAX_BYTES = 1_024;
const MAX_STDIN = 8_192;
const TRIES = 3;

export interface SecretPlace {
  secret_file: string;
  data_dir: string;
}

/** null: nothing was given, what is there stays. */
export type NewSecret = { secret: string; present: string | null } | null;

/** From stdin: the new secret on the first line, the present one, where there is one, on the second. */
export async function secretFromPipe(): Promise<NewSecret> {
  let text = '';
  for await (const chunk of process.stdin) {
    text += String(chunk);
    if (text.length > MAX_STDIN) throw invalidInput('what came on stdin is too long.', 'pipe only the secret.');
  }
  const [secret = '', present] = text.split('\n').map((line) => line.trim());
  checkStrength(secret);
  return { secret, present: present || null };
}

/** Asked twice, without echo. Empty leaves things as they are. */
export async function secretFromTerminal(place: SecretPlace): Promise<NewSecret> {
  const set = await exists(place.secret_file);
  const question = set
    ? "New approver's secret (empty: keep the present one): "
    : `Approver's secret, at least ${MIN_CHARACTERS} characters (empty: set it later): `;
  for (let left = TRIES; left > 0; left--) {
    const secret = await askSecret(question);
    if (secret === '') return null;
    try {
      checkStrength(secret);
    } catch (error) {
      complain(`  ${(error as AppError).message}`);
      continue;
    }
    if ((await askSecret('Once more: ')) === secret)
      return { secret, present: set ? await askSecret('The present secret: ') : null };
    complain('  The two are not the same.');
  }
  throw invalidInput('no secret was set.', 'start again; nothing was written.');
}

/**
 * Whether the new secret has to be written. Who replaces a secret must know the present one, or an assistant with a shell could make itself the
 * approver; a lost one has to be deleted by hand. Errors: `FORBIDDEN`.
 */
export async function mayReplace(place: SecretPlace, { secret, present }: NonNullable<NewSecret>): Promise<boolean> {
  if (!(await exists(place.secret_file))) return true;
  const attempts = new Attempts(place.data_dir, systemClock);
  await attempts.mayTry();
  try {
    if (present !== null && (await checkSecret(present, place.secret_file))) {
      await attempts.succeeded();
      return present !== secret;
    }
    if (present === null && (await checkSecret(secret, place.secret_file))) return false;
  } catch (error) {
    // Damaged: it lets nobody in, so there is nothing to protect.
    if (error instanceof AppError && error.code === 'NOT_CONFIGURED') return true;
    throw error;
  }
  await attempts.failed();
  throw forbidden(
    `an approver's secret is set already and the present one was ${present === null ? 'not given' : 'wrong'}; nothing was written.`,
    `give it at the terminal, or on the second line of stdin; if it is lost, delete ${place.secret_file} yourself.`,
  );
}

function checkStrength(secret: string): void {
  const characters = [...secret.normalize('NFC')].length;
  if (characters < MIN_CHARACTERS)
    throw invalidInput(
      `the secret has ${characters} characters; at least ${MIN_CHARACTERS} are needed.`,
      'take a longer one, such as three words.',
    );
  if (Buffer.byteLength(secret) > MAX_BYTES)
    throw invalidInput(`the secret has more than ${MAX_BYTES} bytes.`, 'take a shorter one.');
}
