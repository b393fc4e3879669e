import { type Incident, isOpen } from '../domain/incident.ts';
import { oneLine } from '../domain/text.ts';
import type { NewEvent } from '../domain/timeline.ts';
import { conflict, notFound } from '../errors.ts';
import { incidentById, lineOfState } from '../mcp/incidents.ts';
import type { Store } from '../ports/store.ts';
import { configure, type Env, systemClock } from './compose.ts';
import { existingRecord } from './existing-record.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { print } from './output.ts';
import { proveHuman } from './prove-human.ts';

export interface AckFlags {
  config?: string;
  data_dir?: string;
  person?: string;
  commander?: boolean;
  secret_stdin?: boolean;
}

/**
 * A human says "I have it", proven by the approver's secret: that stops the first-response clock, and with `commander` the person takes the role.
 * Saying again what is on record changes nothing. Errors: `NOT_FOUND`, `CONFLICT` (closed, or several are open), `FORBIDDEN`, `NOT_CONFIGURED`, `STORE`.
 */
export async function ack(id: string | undefined, flags: AckFlags, env: Env): Promise<ExitCode> {
  const config = configure(flags, env);
  const store = await existingRecord(config);
  if (store === null) throw notFound('the record is empty.', 'check --config and --data-dir: it may be another one.');
  const before = await pick(store, id);
  const context = { config, clock: systemClock };
  print(lineOfState(context, before));
  print(oneLine(before.title, 200));
  const { approver: person } = await proveHuman(
    config,
    env,
    `acknowledge ${before.id}`,
    { secret_stdin: flags.secret_stdin === true, claimed: flags.person },
    { what: before.id, secret_id: await knownTo(store, before) },
  );
  const { incident, events } = await store.append(before.id, (current) =>
    acknowledgement(current ?? before, person, flags.commander === true),
  );
  const after = incident ?? before;
  if (events.length === 0) print(`${person} has ${after.id} already; nothing was written.`);
  for (const event of events) print(`${event.id}: ${event.message}`);
  print(lineOfState(context, after));
  return EXIT.ok;
}

/** The secrets that the declaring server knew; where none was set, any of this machine may acknowledge. */
async function knownTo(store: Store, incident: Incident): Promise<string | undefined> {
  const [declared] = await store.timeline(incident.id, { limit: 1 });
  const known = declared?.data?.secret_id;
  return typeof known === 'string' ? known : undefined;
}

/** The events of one acknowledgement; none where all of it is on record already. Runs under the store's lock. */
function acknowledgement(incident: Incident, person: string, commander: boolean): NewEvent[] {
  if (!isOpen(incident))
    throw conflict(`${incident.id} is ${incident.status}.`, 'only an open incident can be acknowledged.');
  const actor = { type: 'human', name: person } as const;
  const response = incident.first_response;
  const events: NewEvent[] = [];
  if (response?.by !== person || response.known_by !== 'terminal') {
    events.push({
      kind: 'acknowledged',
      message: `${person} has it, known by the approver's secret at the terminal`,
      actor,
      change: { human_response: { by: person, known_by: 'terminal' } },
    });
  }
  const holder = incident.roles.commander;
  if (commander && (holder?.person !== person || holder.known_by !== 'terminal')) {
    const instead = holder && holder.person !== person ? ` (before: ${holder.person})` : '';
    events.push({
      kind: 'role_assigned',
      message: `commander: ${person}${instead}, known by the approver's secret at the terminal`,
      actor,
      change: { role: { role: 'commander', person, known_by: 'terminal' } },
    });
  }
  return events;
}

async function pick(store: Store, id: string | undefined): Promise<Incident> {
  if (id !== undefined) {
    const incident = await incidentById({ record: store }, oneLine(id, 40));
    if (isOpen(incident)) return incident;
    throw conflict(`${incident.id} is ${incident.status}.`, 'only an open incident can be acknowledged.');
  }
  const open = (await store.incidents()).filter(isOpen);
  if (open.length === 1) return open[0] as Incident;
  if (open.length === 0)
    throw notFound(
      'no incident is open.',
      'name one, or check --config and --data-dir: the record may be another one.',
    );
  throw conflict(
    `${open.length} incidents are open: ${open.map(({ id, title }) => `${id} (${oneLine(title, 40)})`).join(', ')}.`,
    'name one: incident-mcp ack INC-....',
  );
}
