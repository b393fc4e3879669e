import { PasskeyFile } from '../adapters/passkeys/index.ts';
import { shortInstant } from '../domain/instant.ts';
import { thumbprint } from '../domain/passkey.ts';
import { notFound } from '../errors.ts';
import type { Decider } from '../policy/people.ts';
import { configure, type Env, openStore, systemClock } from './compose.ts';
import { enrolPasskey } from './enrol.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { createHumans } from './humans.ts';
import { complain, print } from './output.ts';
import { proveHuman } from './prove-human.ts';
import { recordPeople } from './record-people.ts';

export interface PasskeyFlags {
  config?: string;
  data_dir?: string;
  secret_stdin?: boolean;
  person?: string;
}

const allowed = ({ name_proven }: Decider): string => (name_proven ? 'a secret of their own' : "the approver's secret");

/** As people see a passkey: enough of its thumbprint to tell it from others. */
const SHORT = 12;

/** Enrols, lists or removes passkeys. Enrolling and removing take the approver's secret. Exit 1: the secret is wrong. */
export async function passkey(
  what: 'add' | 'list' | 'remove',
  name: string | undefined,
  flags: PasskeyFlags,
  env: Env,
): Promise<ExitCode> {
  const config = configure(flags, env);
  const file = new PasskeyFile(config.passkeys_file);
  if (what === 'list') {
    const all = await file.all();
    for (const one of all)
      print(`${thumbprint(one).slice(0, SHORT)}  ${one.person}, enrolled ${shortInstant(one.added_at)}`);
    if (all.length === 0) print('No passkey is enrolled. Enrol one: incident-mcp passkey add');
    return EXIT.ok;
  }
  const doing = what === 'add' ? 'enrol a passkey' : 'remove a passkey';
  const secret_stdin = flags.secret_stdin === true;
  const who = await proveHuman(config, env, doing, { secret_stdin, claimed: flags.person });
  if (what === 'add') {
    const warn = (message: string): void => complain(message);
    const parts = {
      config,
      store: openStore(config, systemClock, warn),
      clock: systemClock,
      humans: createHumans(config, systemClock),
      warn,
    };
    await enrolPasskey(parts, who.approver);
    await recordPeople(config, `a passkey of ${who.approver} was enrolled, allowed by ${allowed(who)}`);
    return EXIT.ok;
  }
  const found = (await file.all()).filter((one) => name && thumbprint(one).startsWith(name));
  if (found.length !== 1 || !found[0])
    throw notFound(`no single passkey is ${name ?? 'named'}.`, 'take its first column of `incident-mcp passkey list`.');
  await file.remove(found[0].id);
  await recordPeople(
    config,
    `a passkey of ${found[0].person} was removed by ${who.approver}, allowed by ${allowed(who)}`,
  );
  print(`The passkey of ${found[0].person} is removed.`);
  return EXIT.ok;
}
