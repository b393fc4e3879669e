import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Incident } from '../../domain/incident.ts';
import { isOpen } from '../../domain/incident.ts';
import { GENESIS_HASH } from '../../domain/timeline.ts';
import { AppError, invalidInput, notFound, storeFailed } from '../../errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Store } from '../../ports/store.ts';
import { JOURNAL } from '../../ports/store.ts';
import { createApprovals } from './approvals.ts';
import { guarded, isErrno } from './failure.ts';
import { entriesOf, isRealFolder, readIfThere, replaceFile } from './files.ts';
import { createHeads, IDS } from './heads.ts';
import { incidentId, incidentNumber, isDocumentName, layoutOf } from './layout.ts';
import { createFolderLock } from './lock.ts';
import { mapSome } from './serial.ts';
import type { StreamState } from './state.ts';
import type { StoreLog } from './streams.ts';
import { createStreams } from './streams.ts';
import { createVerifier } from './verify.ts';
import { watchHeads } from './watch.ts';

export type { StoreLog } from './streams.ts';

export interface StoreOptions {
  /** The data folder. Made on the first write, never by a read. */
  dir: string;
  clock: Clock;
  /** Seals events, heads and approvals by HMAC-SHA256; without one SHA-256 shows accidents, but not a careful forger. */
  key?: Uint8Array | null;
  log?: StoreLog;
  /** How long a writer waits for the others, ms; default 10 s. */
  lockDeadlineMs?: number;
}

const SILENT: StoreLog = { warn: () => undefined };
const NOT_WRITTEN = 'The record could not be written; nothing was done';
const NOT_READ = 'The record could not be read';

/**
 * The record in a folder of this machine. Cheap to create: the disk is touched on first use.
 *
 *     incidents/INC-0001/timeline.jsonl    append-only, one canonical JSON event a line; the only truth about the incident
 *     incidents/INC-0001/state.json        its fold, a cache
 *     incidents/INC-0001/<document>        texts beside it, such as the post-mortem
 *     journal/timeline.jsonl               events that belong to no incident
 *     approvals/APR-....json               one sealed document an approval
 *     heads/<stream>.json, heads/ids.json  the newest event of each stream and the highest id, so that a cut end is noticed
 *     lock                                 who is writing
 *
 * Decisions:
 * - One lock for the folder: ids, approvals and timelines are consistent with one another, and an append holds it for some ms.
 * - A write that was cut short (no newline at the end, or not the last line of its unit) was never acknowledged: reads ignore it,
 *   the next append moves it to `timeline.torn-<n>`.
 * - A line that does not parse damages the stream: reads give what is good before it, `damaged()` and `verify` name it. The next
 *   append sets the whole file aside as `timeline.damaged-<n>.jsonl` and goes on from the good part with a note of the
 *   system, chained on the last good event: nothing is overwritten, nothing is lost, and an open incident stays usable.
 *   When not even the first line is good, reads give no incident and appends are refused.
 * - A timeline that ends before its known head gets such a note too, so that an append cannot cover up what was cut off.
 * - What a process has folded already it does not read again: tampering with it is for `verify` to find, which reads all anew.
 */
export async function createStore(options: StoreOptions): Promise<Store> {
  const { clock, key = null, log = SILENT } = options;
  const root = resolve(options.dir);
  const layout = layoutOf(root);
  const lock = createFolderLock(
    root,
    options.lockDeadlineMs === undefined ? {} : { deadlineMs: options.lockDeadlineMs },
  );
  const heads = createHeads(layout, key);
  const streams = createStreams({ layout, heads, clock, key, log });
  const approvals = createApprovals(layout, key);
  const verifier = createVerifier(layout, heads, key);
  let prepared = false;

  const reading = <T>(work: () => Promise<T>): Promise<T> => guarded(NOT_READ, work);
  const writing = <T>(work: () => Promise<T>): Promise<T> =>
    guarded(NOT_WRITTEN, async () => {
      if (!prepared) {
        await mkdir(root, { recursive: true, mode: 0o700 });
        prepared = true;
      }
      return lock.run(work);
    });

  /** All readable incidents, newest first. */
  async function allStates(): Promise<(StreamState & { incident: Incident })[]> {
    const names = (await isRealFolder(layout.incidents)) ? await entriesOf(layout.incidents) : [];
    const ids = names.filter((name) => incidentNumber(name) !== null);
    ids.sort((a, b) => (incidentNumber(b) ?? 0) - (incidentNumber(a) ?? 0));
    const states = await mapSome(ids, 16, async (id) => {
      try {
        return await streams.current(id);
      } catch (cause) {
        // A link or a file in its place: `damaged` names it, the others must not suffer.
        if (cause instanceof AppError || isErrno(cause, 'ELOOP', 'EISDIR', 'ENOTDIR')) return null;
        throw cause;
      }
    });
    return states.filter((state): state is StreamState & { incident: Incident } => Boolean(state?.incident));
  }

  async function nextNumber(): Promise<number> {
    const names = (await isRealFolder(layout.incidents)) ? await entriesOf(layout.incidents) : [];
    const ids = await heads.read(IDS);
    const given = ids === null || ids === 'altered' ? 0 : ids.seq;
    return 1 + Math.max(given, ...names.map((name) => incidentNumber(name) ?? 0));
  }

  const documentPath = async (id: string, name: string): Promise<string | null> => {
    const folder = incidentNumber(id) === null ? null : layout.stream(id);
    if (!isDocumentName(name)) {
      throw invalidInput(
        `"${name.slice(0, 40)}" is no name for a document.`,
        'use letters, digits and an ending: postmortem.md.',
      );
    }
    if (folder === null || !(await isRealFolder(layout.incidents)) || !(await isRealFolder(folder))) return null;
    return join(folder, name);
  };

  return {
    declare: (build, idempotencyKey) =>
      writing(async () => {
        const states = await allStates();
        const known = idempotencyKey === undefined ? undefined : states.find((s) => s.declareKey === idempotencyKey);
        if (known) {
          const [event] = await streams.events(known.stream, 0, 1);
          if (event) return { incident: known.incident, event, repeated: true };
        }
        const number = await nextNumber();
        const id = incidentId(number);
        const event = build(
          id,
          states.map((state) => state.incident).filter((incident) => isOpen(incident)),
        );
        if (event.change?.declared?.id !== id) {
          throw storeFailed(
            `The first event of ${id} does not declare it.`,
            'this is a fault of the server: report it.',
          );
        }
        const made = await streams.create(id, event, idempotencyKey ?? event.idempotency_key);
        await heads.write(IDS, { seq: number, hash: GENESIS_HASH }).catch((cause: unknown) => {
          log.warn({ id, cause: String(cause) }, 'the highest id could not be written');
        });
        return { incident: made.state.incident as Incident, event: made.event, repeated: false };
      }),

    append: (stream, decide, idempotencyKey) =>
      writing(() =>
        streams.write(stream, async ({ state, commit, events }) => {
          const again = async (idempotency: string | undefined) => {
            const seqs = idempotency === undefined ? undefined : state.keys.get(idempotency);
            if (!seqs?.length) return null;
            const first = await events((seqs[0] ?? 1) - 1, seqs.length);
            return { incident: state.incident, events: first, repeated: true };
          };
          const before = await again(idempotencyKey);
          if (before) return before;
          const next = decide(state.incident);
          if (idempotencyKey === undefined) {
            const same = await again(next.find((event) => event.idempotency_key !== undefined)?.idempotency_key);
            if (same) return same;
          }
          const written = await commit(next, idempotencyKey);
          return { incident: state.incident, events: written, repeated: false };
        }),
      ),

    incident: (id) => reading(async () => (id === JOURNAL ? null : ((await streams.current(id))?.incident ?? null))),
    incidents: () => reading(async () => (await allStates()).map((state) => state.incident)),
    timeline: (stream, page = {}) =>
      reading(() => streams.events(stream, page.since_seq ?? 0, page.limit ?? Number.POSITIVE_INFINITY)),
    head: (stream) =>
      reading(async () => {
        const state = await streams.current(stream);
        return { seq: state?.seq ?? 0, hash: state?.hash ?? GENESIS_HASH };
      }),

    createApproval: (approval) => writing(() => approvals.create(approval)),
    approval: (id) => reading(() => approvals.read(id)),
    approvals: (filter = {}) =>
      reading(async () => {
        const { incident_id, pending, limit } = filter;
        const all = (await approvals.list()).approvals.filter(
          (approval) =>
            (incident_id === undefined || approval.incident_id === incident_id) &&
            (pending === undefined || (approval.status === 'pending') === pending),
        );
        return limit === undefined ? all : all.slice(0, limit);
      }),
    updateApproval: (id, change) => writing(() => approvals.update(id, change)),

    writeDocument: (incidentId_, name, text) =>
      writing(async () => {
        const path = await documentPath(incidentId_, name);
        if (path === null) {
          throw notFound(
            `There is no incident ${incidentId_.slice(0, 40)}.`,
            'list_incidents shows those that there are.',
          );
        }
        await replaceFile(path, text, { durable: true });
        return path;
      }),
    readDocument: (incidentId_, name) =>
      reading(async () => {
        const path = await documentPath(incidentId_, name);
        return path === null ? null : readIfThere(path);
      }),

    damaged: () => reading(async () => [...(await verifier.damaged()), ...(await approvals.list()).damaged]),
    verify: (stream) => reading(() => verifier.verify(stream)),
    watch: (onChange) => watchHeads(layout, log, onChange),
  };
}
