import { readFile } from 'node:fs/promises';
import type { Config } from '../../config.ts';
import { AppError, conflict, forbidden, invalidInput } from '../../errors.ts';
import { samePerson } from '../../policy/people.ts';
import { type ApproverSecret, approverSecrets, hashSecret, MOST_SECRETS, whichSecret } from '../approver-secret.ts';
import { systemClock } from '../compose.ts';
import { createHumans } from '../humans.ts';
import { complain } from '../output.ts';
import { askSecret } from '../terminal.ts';
import { exists } from './files.ts';

const MIN_CHARACTERS = 8;
const MAX_BYTES = 1_024;
const MAX_STDIN = 8_192;
const TRIES = 3;

/** Whose secret is set; null: the one without a name, that all share. */
export type Whose = string | null;

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
export async function secretFromTerminal(config: Config, whose: Whose): Promise<NewSecret> {
  const { secrets } = await presentOf(config);
  const own = secretOf(secrets, whose);
  const name = whose === null ? "approver's secret" : `secret of ${whose}`;
  const question = own
    ? `New ${name} (empty: keep the present one): `
    : `${whose === null ? "Approver's secret" : `Secret of ${whose}`}, at least ${MIN_CHARACTERS} characters (empty: set it later): `;
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
      return { secret, present: secrets.length > 0 ? await askSecret(presentQuestion(own, secrets)) : null };
    complain('  The two are not the same.');
  }
  throw invalidInput('no secret was set.', 'start again; nothing was written.');
}

const presentQuestion = (own: ApproverSecret | undefined, secrets: readonly ApproverSecret[]): string =>
  own || secrets.length === 1 ? 'The present secret: ' : 'The present secret of any approver: ';

/** What the file will hold, and who vouched for the change. */
export interface SecretChange {
  text: string;
  /** The approver whose secret allowed it, null for the shared one; absent where none was needed. */
  allowed_by?: Whose;
}

/**
 * The file with the new secret in it; null where it stays as it is. A secret is replaced by whose it is, and a person is added by whoever may approve
 * already, or an assistant with a shell could make itself the approver; a lost one has to be taken out by hand. Errors: `FORBIDDEN`, `CONFLICT` (too many).
 */
export async function changedSecrets(
  config: Config,
  whose: Whose,
  { secret, present }: NonNullable<NewSecret>,
): Promise<SecretChange | null> {
  const { secrets } = await presentOf(config);
  const own = secretOf(secrets, whose);
  let allowed_by: Whose | undefined;
  if (secrets.length > 0) {
    // Without the present one: saying again what is set changes nothing.
    const known = await createHumans(config, systemClock)
      .bySecret(present ?? secret)
      .catch((error: unknown) => refused(error, present, config));
    const mine = known.id === own?.id;
    if (mine && (present === null || present === secret)) return null;
    if ((own && !mine) || present === null) {
      throw forbidden(
        own
          ? `${whose ?? 'the shared secret'} has another secret than the one given; nothing was written.`
          : 'the secret given is the present one of somebody else; nothing was written.',
        `give the present secret that is to be replaced; if it is lost, take its line out of ${config.secret_file} yourself.`,
      );
    }
    await mustBeNew(config, secret);
    allowed_by = known.person;
  }
  if (!own && secrets.length >= MOST_SECRETS)
    throw conflict(`${MOST_SECRETS} people have a secret already.`, `take a line out of ${config.secret_file} first.`);
  const hash = await hashSecret(secret);
  const line = whose === null ? hash : `${whose} ${hash}`;
  const lines = secrets.map((one) => (one.id === own?.id ? line : one.line));
  const text = `${(own ? lines : [...lines, line]).join('\n')}\n`;
  return { text, ...(allowed_by === undefined ? {} : { allowed_by }) };
}

/** Those that are set. A file of one damaged line lets nobody in, so there is nothing to protect; one of several may hold other people's. */
async function presentOf({ secret_file }: Config): Promise<{ secrets: ApproverSecret[] }> {
  if (!(await exists(secret_file))) return { secrets: [] };
  try {
    return { secrets: await approverSecrets(secret_file) };
  } catch (error) {
    const lines = (await readFile(secret_file, 'utf8')).split('\n').filter((line) => line.trim() !== '');
    if (lines.length <= 1) return { secrets: [] };
    throw error;
  }
}

const secretOf = (secrets: readonly ApproverSecret[], whose: Whose): ApproverSecret | undefined =>
  secrets.find(({ person }) => (whose === null || person === null ? person === whose : samePerson(person, whose)));

function refused(error: unknown, present: string | null, { secret_file }: Config): never {
  if (!(error instanceof AppError) || error.code !== 'FORBIDDEN' || error.message.includes('locked')) throw error;
  throw forbidden(
    `an approver's secret is set already and the present one was ${present === null ? 'not given' : 'wrong'}; nothing was written.`,
    `give it at the terminal, or on the second line of stdin; if it is lost, delete its line in ${secret_file} yourself.`,
  );
}

/** A secret that somebody has already would not say who it is. */
async function mustBeNew(config: Config, secret: string): Promise<void> {
  if ((await whichSecret(secret, config.secret_file)) === null) return;
  throw forbidden('this secret cannot be taken; nothing was written.', 'think of another one.');
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
