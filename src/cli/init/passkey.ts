import { PasskeyFile } from '../../adapters/passkeys/index.ts';
import { type Config, userName } from '../../config.ts';
import { invalidInput } from '../../errors.ts';
import type { Decider } from '../../policy/people.ts';
import { type Env, openStore, systemClock } from '../compose.ts';
import { enrolPasskey } from '../enrol.ts';
import { createHumans } from '../humans.ts';
import { complain, print } from '../output.ts';
import { proveHuman, whoIs } from '../prove-human.ts';
import { recordPeople } from '../record-people.ts';
import { ask } from '../terminal.ts';
import { exists } from './files.ts';
import type { InitFlags } from './flags.ts';
import type { Whose } from './secret.ts';

/** Whose secret was given in this very run; null where none was. */
type Given = { person: Whose } | null;

/** Before anything is written: a passkey takes a human who can be asked for the secret, or who piped it in. Errors: `INVALID_INPUT`. */
export function checkPasskeyFlags(flags: InitFlags): void {
  if (!flags.passkey || flags.secret_stdin || process.stdin.isTTY) return;
  throw invalidInput(
    'a passkey is enrolled only for who gives the secret, and there is no terminal to ask at.',
    'run it in a terminal, or pipe the secret in with --secret-stdin.',
  );
}

/** Enrols a passkey at the end of `init`: with `--passkey` at once, at a terminal where the human says yes and nobody has one yet. */
export async function afterwards(
  flags: InitFlags,
  config: Config,
  env: Env,
  interactive: boolean,
  given: Given,
): Promise<void> {
  const set = await exists(config.secret_file);
  if (!flags.passkey && !(interactive && set && (await wanted(config)))) return;
  if (!set) {
    complain('A passkey is enrolled only for who gives the secret, and none is set: incident-mcp init --secret-only');
    return;
  }
  const typed = (): Promise<string> | string => (interactive ? askName(env) : userName(env));
  const humans = createHumans(config, systemClock);
  const who: Decider =
    given === null
      ? await proveHuman(config, env, 'enrol a passkey', { claimed: flags.approver })
      : await whoIs(given, flags.approver, await humans.named(), typed);
  const warn = (message: string): void => complain(message);
  const store = openStore(config, systemClock, warn);
  await enrolPasskey({ config, store, clock: systemClock, humans, warn }, who.approver);
  await recordPeople(
    config,
    `a passkey of ${who.approver} was enrolled, allowed by ${who.name_proven ? 'their own' : "the approver's"} secret`,
  );
}

const askName = async (env: Env): Promise<string> => (await ask(`Your name [${userName(env)}]: `)) || userName(env);

async function wanted(config: Config): Promise<boolean> {
  const enrolled = await new PasskeyFile(config.passkeys_file).all().catch(() => null);
  if (enrolled === null || enrolled.length > 0) return false;
  print();
  print('A passkey (fingerprint, face or PIN of this machine) proves that you are there, and who you are.');
  return /^y(es)?$/i.test(await ask('Enrol one now in a browser? [no]: '));
}
