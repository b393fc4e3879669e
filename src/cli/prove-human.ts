import { type Config, userName } from '../config.ts';
import type { Approval } from '../domain/approval.ts';
import { maskText } from '../domain/mask.ts';
import { oneLine } from '../domain/text.ts';
import { forbidden } from '../errors.ts';
import { type Decider, deciderOf, samePerson, secretWasKnown } from '../policy/people.ts';
import type { KnownSecret } from '../ports/humans.ts';
import { type Env, systemClock } from './compose.ts';
import { createHumans } from './humans.ts';
import { ask, askSecret, secretFromStdin } from './terminal.ts';

export interface HumanFlags {
  secret_stdin?: boolean;
  /** Who it is, as given by a flag. */
  claimed?: string | undefined;
}

/** A plan or an incident that pins the secrets that its server knew; `what` names it in messages. */
export interface Pinned {
  what: string;
  secret_id: Approval['secret_id'] | undefined;
}

/**
 * Takes an approver's secret, which only the human has, and says who that is: whose secret it is, else who they say they are. Wrong ones are counted
 * across processes. Errors: `FORBIDDEN` (wrong, locked for a while, another person's, or not known to the server that made what is `pinned`),
 * `INVALID_INPUT` (none given), `NOT_CONFIGURED` (none set).
 */
export async function proveHuman(
  config: Config,
  env: Env,
  doing: string,
  { secret_stdin, claimed }: HumanFlags,
  pinned?: Pinned,
): Promise<Decider> {
  const humans = createHumans(config, systemClock);
  await humans.mayTry();
  if (pinned) mustBeKnown(pinned, await humans.secretId(), config);
  const secret = secret_stdin ? await secretFromStdin() : await askSecret(`Approver's secret to ${doing}: `);
  const known = await humans.bySecret(secret);
  if (pinned) mustBeKnown(pinned, known.id, config);
  return whoIs(known, claimed, await humans.named(), () =>
    secret_stdin ? userName(env) : ask(`Your name [${userName(env)}]: `).then((typed) => typed || userName(env)),
  );
}

/** The person behind a right secret. `typed` is asked only where the secret does not say. Errors: `FORBIDDEN`. */
export async function whoIs(
  known: Pick<KnownSecret, 'person'>,
  claimed: string | undefined,
  named: readonly string[],
  typed: () => Promise<string> | string,
): Promise<Decider> {
  const said = maskText(oneLine(claimed ?? '', 100));
  if (known.person !== null && said !== '' && !samePerson(said, known.person))
    throw forbidden(
      `this secret is not that of ${said}; nothing was written.`,
      'leave the name away: a secret of your own says who you are.',
    );
  if (known.person !== null) return deciderOf(known.person, '', named);
  return deciderOf(null, said || maskText(oneLine(await typed(), 100)), named);
}

/** Or whoever has a shell could bring a configuration with a secret of its own, or add a line to the file. */
function mustBeKnown(pinned: Pinned, ids: string | null, config: Config): void {
  if (ids === null || secretWasKnown(pinned, ids)) return;
  throw forbidden(
    pinned.secret_id === null
      ? `no approver's secret was set when ${pinned.what} was made; nothing was done.`
      : `${pinned.what} was made by a server that did not know this approver's secret (another one than in ${config.secret_file}, or set since); nothing was done.`,
    'use the configuration of that server, a secret that it knew, or begin anew.',
  );
}
