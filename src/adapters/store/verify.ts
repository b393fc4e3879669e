import { ChainWalk } from '../../domain/chain.ts';
import { notFound } from '../../errors.ts';
import type { ChainProblem, DamagedDocument } from '../../ports/store.ts';
import { JOURNAL } from '../../ports/store.ts';
import { isErrno } from './failure.ts';
import { entriesOf, isRealFolder, openIfThere, READ } from './files.ts';
import type { Heads } from './heads.ts';
import { IDS } from './heads.ts';
import type { Layout } from './layout.ts';
import { incidentId, incidentNumber, isDamagedCopy, TIMELINE } from './layout.ts';
import { readLines } from './lines.ts';
import { foldTail, readEvent } from './reader.ts';
import { gapOf } from './repair.ts';
import { StreamState } from './state.ts';

export interface Verdict {
  streams: number;
  events: number;
  problems: ChainProblem[];
}

export interface Verifier {
  verify(stream?: string): Promise<Verdict>;
  /** Streams whose timeline does not parse to its end, and the copies that were set aside. */
  damaged(): Promise<DamagedDocument[]>;
}

/** Reads the files anew, without lock and without what was folded before; changes nothing. */
export function createVerifier(layout: Layout, heads: Heads, key: Uint8Array | null): Verifier {
  const scanned = new Map<string, { stamp: string; problem: string | null }>();

  async function folders(): Promise<string[]> {
    const there = (await isRealFolder(layout.incidents)) ? await entriesOf(layout.incidents) : [];
    return there.filter((name) => incidentNumber(name) !== null);
  }

  /** Every stream that is there, that a head speaks of, or that must have been there by the ids given out. */
  async function allStreams(): Promise<string[]> {
    const names = new Set([...(await folders()), ...(await heads.streams())]);
    const ids = await heads.read(IDS);
    const last = ids === null || ids === 'altered' ? 0 : ids.seq;
    for (let n = 1; n <= last; n += 1) names.add(incidentId(n));
    const journal = layout.stream(JOURNAL);
    if (journal !== null && (await isRealFolder(journal))) names.add(JOURNAL);
    return [...names].sort();
  }

  async function verifyOne(stream: string, folder: string): Promise<{ events: number; problems: ChainProblem[] }> {
    const problems: ChainProblem[] = [];
    const say = (problem: string, line: number | null = null, event_id: string | null = null): void => {
      problems.push({ stream, line, event_id, problem });
    };
    // The head first: it never runs ahead of the timeline, so what is read afterwards has at least as much.
    const head = await heads.read(stream);
    const there = await isRealFolder(folder);
    const handle = there ? await openIfThere(`${folder}/${TIMELINE}`, READ) : null;
    if (head === 'altered') say('altered: the record of its newest event does not fit its seal');
    const known = head === 'altered' ? null : head;
    if (!handle) {
      // An empty folder is what a declaration leaves that was killed before its event was written.
      const wasThere = known !== null ? known.seq > 0 : head === 'altered' || (!there && stream !== JOURNAL);
      if (wasThere) say(`removed: the whole timeline is missing${known ? `, E${known.seq} was acknowledged` : ''}`);
      return { events: 0, problems };
    }
    const walk = new ChainWalk(key);
    try {
      let unit: string[] = [];
      await readLines(handle, 0, (line) => {
        unit.push(line.text);
        if (!line.closes) return true;
        for (const text of unit) {
          walk.push(text);
          const read = readEvent(text);
          const gap = 'event' in read ? gapOf(read.event) : null;
          if (gap && 'event' in read) {
            const kept = gap.file === null ? '' : `; the damaged file was kept as ${gap.file}`;
            say(`${gap.reason}: the record goes on after a gap${kept}`, walk.length, read.event.id);
          }
        }
        unit = [];
        return true;
      });
    } finally {
      await handle.close();
    }
    if (head === null && walk.length > 0) say('altered: the record of its newest event is missing');
    const faults = walk.finish(known);
    const all = walk.length > 1 && faults.filter((fault) => fault.kind === 'altered').length >= walk.length;
    if (all) say('no line fits the key: was it written with another key, or with none?');
    for (const fault of faults) say(fault.problem, fault.line, fault.event_id);
    problems.sort((a, b) => (a.line ?? Number.POSITIVE_INFINITY) - (b.line ?? Number.POSITIVE_INFINITY));
    return { events: walk.length, problems };
  }

  async function guardedOne(stream: string, folder: string): Promise<{ events: number; problems: ChainProblem[] }> {
    try {
      return await verifyOne(stream, folder);
    } catch (cause) {
      return { events: 0, problems: [{ stream, line: null, event_id: null, problem: unopenable(cause) }] };
    }
  }

  /** What is wrong with a timeline that does not parse to its end; null when it does. */
  async function scan(stream: string, folder: string): Promise<string | null> {
    const handle = (await isRealFolder(folder)) ? await openIfThere(`${folder}/${TIMELINE}`, READ) : null;
    if (!handle) return null;
    try {
      const stat = await handle.stat();
      const stamp = `${stat.ino}:${stat.size}:${stat.mtimeMs}`;
      const known = scanned.get(stream);
      if (known?.stamp === stamp) return known.problem;
      const state = new StreamState(stream, stat.ino);
      await foldTail(handle, state, stat.size);
      const problem = state.damage ? `line ${state.damage.line}: ${state.damage.problem}` : null;
      scanned.set(stream, { stamp, problem });
      return problem;
    } finally {
      await handle.close();
    }
  }

  return {
    async verify(stream) {
      const names = stream === undefined ? await allStreams() : [stream];
      const verdict: Verdict = { streams: 0, events: 0, problems: [] };
      for (const name of names) {
        const folder = layout.stream(name);
        const unknown = folder === null || (stream !== undefined && !(await allStreams()).includes(name));
        if (folder === null || (unknown && name !== JOURNAL)) {
          throw notFound(`There is no stream ${name.slice(0, 40)}.`, `give an incident's id or ${JOURNAL}.`);
        }
        const one = await guardedOne(name, folder);
        verdict.streams += 1;
        verdict.events += one.events;
        verdict.problems.push(...one.problems);
      }
      return verdict;
    },
    async damaged() {
      const found: DamagedDocument[] = [];
      for (const stream of [...(await folders()), JOURNAL]) {
        const folder = layout.stream(stream);
        if (folder === null) continue;
        const shown = stream === JOURNAL ? 'journal' : `incidents/${stream}`;
        try {
          const problem = await scan(stream, folder);
          if (problem !== null) found.push({ name: `${shown}/${TIMELINE}`, problem });
          for (const name of (await entriesOf(folder)).filter(isDamagedCopy)) {
            found.push({
              name: `${shown}/${name}`,
              problem: 'was damaged and set aside; the record goes on without it',
            });
          }
        } catch (cause) {
          found.push({ name: shown, problem: unopenable(cause) });
        }
      }
      return found;
    },
  };
}

/** For what stands where a folder or file of the record should be; rethrows what says nothing about the record itself. */
function unopenable(cause: unknown): string {
  if (isErrno(cause, 'EMFILE', 'ENFILE', 'EIO')) throw cause;
  if (cause instanceof Error) return `cannot be read: ${cause.message}`;
  throw cause;
}
