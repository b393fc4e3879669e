import type { Way } from '../domain/approval.ts';
import type { Demands } from './approval-policy.ts';
import { personKey } from './people.ts';

/** Who could approve at this moment. */
export interface Enrolled {
  /** Whether the secret without a name is set. */
  shared: boolean;
  /** People with a secret of their own. */
  named: readonly string[];
  /** People with a passkey. */
  passkeys: readonly string[];
  /** Whose assistant asks here. */
  operator: string;
}

/** What of a policy can be met by those who are enrolled. */
export interface Reach {
  /** Ways that somebody can go now. */
  open: Way[];
  /** Ways that nobody can go now, each with the reason and what to do. */
  closed: { way: Way; why: string; next: string }[];
  /** How many different people could approve; null where names are only typed, and so nobody can say. */
  people: number | null;
}

const ADD_SECRET = 'set one: `incident-mcp init --secret-only`, with `--approver NAME` for a person';
const ADD_NAMED = 'give people secrets of their own: `incident-mcp init --secret-only --approver NAME`';
const ADD_PASSKEY = 'enrol one: `incident-mcp passkey add`';

export function reachOf(demands: Pick<Demands, 'ways' | 'exclude_requester' | 'proven_names'>, who: Enrolled): Reach {
  const reach: Reach = { open: [], closed: [], people: 0 };
  const people = new Set<string>();
  let typed = false;
  for (const way of demands.ways) {
    const closed = closedFor(way, demands, who);
    if (closed !== null) {
      reach.closed.push({ way, ...closed });
      continue;
    }
    reach.open.push(way);
    if (way === 'passkey') for (const person of who.passkeys) people.add(personKey(person));
    if (way === 'terminal' || way === 'page_secret') {
      for (const person of who.named) people.add(personKey(person));
      typed ||= who.shared && !demands.proven_names;
    }
  }
  if (demands.exclude_requester) people.delete(personKey(who.operator));
  reach.people = typed ? null : people.size + (reach.open.includes('client_form') ? 1 : 0);
  return reach;
}

function closedFor(
  way: Way,
  demands: Pick<Demands, 'exclude_requester' | 'proven_names'>,
  who: Enrolled,
): { why: string; next: string } | null {
  if (way === 'client_form') {
    if (demands.exclude_requester)
      return { why: 'it is the form of the one whose assistant asked', next: 'take client_form out of the rule' };
    if (demands.proven_names) return { why: 'a name in it is only typed', next: 'take client_form out of the rule' };
    return null;
  }
  if (way === 'passkey') return who.passkeys.length > 0 ? null : { why: 'no passkey is enrolled', next: ADD_PASSKEY };
  if (who.named.length > 0) return null;
  if (!who.shared) return { why: 'no secret is set', next: ADD_SECRET };
  return demands.proven_names ? { why: 'only the shared secret is set', next: ADD_NAMED } : null;
}
