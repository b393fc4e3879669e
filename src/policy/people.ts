import type { Approval, Decision } from '../domain/approval.ts';
import { forbidden } from '../errors.ts';

// Fillers and variation selectors are letters or marks to Unicode, and are drawn as nothing all the same.
const NOT_DRAWN = /[\p{C}\p{Default_Ignorable_Code_Point}]/gu;

/** The form in which names of people are compared: case, spaces, invisible characters and Unicode forms do not make another person. */
export const personKey = (name: string): string =>
  name.normalize('NFKC').replace(NOT_DRAWN, '').replace(/\s+/gu, ' ').trim().toLowerCase().normalize('NFKC');

export const samePerson = (one: string, other: string): boolean => personKey(one) === personKey(other);

/** A name is proven by a passkey and by a secret of one's own. Who has the shared secret, or fills in a client's form, types a name. */
export const nameIsProven = ({ way, name_proven }: Pick<Decision, 'way' | 'name_proven'>): boolean =>
  way === 'passkey' || (way !== 'client_form' && name_proven === true);

/** Who decides, and whether more than their word says so. */
export interface Decider {
  approver: string;
  name_proven: boolean;
}

/**
 * Who decides with a secret: the person whose secret it is, whatever name was typed; with the shared secret the typed name. Errors: `FORBIDDEN` where the
 * shared secret is to speak for somebody who has a secret of their own (`named`).
 */
export function deciderOf(person: string | null, typed: string, named: readonly string[]): Decider {
  if (person !== null) return { approver: person, name_proven: true };
  const own = named.find((name) => samePerson(name, typed));
  if (own === undefined) return { approver: typed, name_proven: false };
  throw forbidden(
    `${own} has a secret of their own; the shared one does not speak for them, and nothing was written.`,
    'use that secret, or give your own name.',
  );
}

/** Ids of secrets as `Approval.secret_id` holds them: joined by commas. */
const idsOf = (joined: string | null): string[] => joined?.split(',').filter((id) => id !== '') ?? [];

/**
 * Whether the server that made a plan knew this secret, or any of these where `ids` are joined by commas. Or whoever has a shell could bring a file with a
 * secret of their own. A plan that was made while no secret was set knows none.
 */
export function secretWasKnown(
  { secret_id }: { secret_id?: Approval['secret_id'] | undefined },
  ids: string | null,
): boolean {
  if (secret_id === undefined) return true;
  const known = new Set(idsOf(secret_id));
  return idsOf(ids).some((id) => known.has(id));
}
