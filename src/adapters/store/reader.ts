import type { FileHandle } from 'node:fs/promises';
import type { TimelineEvent } from '../../domain/timeline.ts';
import { AppError } from '../../errors.ts';
import { readLines } from './lines.ts';
import { Misfit, parseEvent } from './schema.ts';
import type { StreamState } from './state.ts';

/** The event of one line, or what is wrong with it. */
export function readEvent(text: string): { event: TimelineEvent } | { problem: string } {
  try {
    return { event: parseEvent(JSON.parse(text)) };
  } catch (cause) {
    if (cause instanceof SyntaxError) return { problem: 'the line is not JSON' };
    if (cause instanceof Misfit) return { problem: `the line is not an event: ${cause.message}` };
    throw cause;
  }
}

/**
 * Folds what the file has after `state.offset`, whole units only. At a line that does not parse it stops: what is good before it is
 * in the state, and `state.damage` says where and what. `size` is the file's size when the reading began.
 *
 * False when the tail does not follow from what was folded before: then it is another file, and has to be read from its start.
 */
export async function foldTail(handle: FileHandle, state: StreamState, size: number): Promise<boolean> {
  const { seq, hash } = state;
  let follows = true;
  let events: TimelineEvent[] = [];
  let starts: number[] = [];
  const take = (end: number): boolean => {
    try {
      state.apply(events, starts, end);
    } catch (cause) {
      if (!(cause instanceof AppError)) throw cause;
      state.damage = { line: state.lines + 1, problem: cause.message };
    }
    events = [];
    starts = [];
    return state.damage === null;
  };
  // A bad line damages the stream only when its unit was finished: an unfinished one was never acknowledged.
  let bad: { line: number; start: number; problem: string } | null = null;
  await readLines(handle, state.offset, (line) => {
    const read = readEvent(line.text);
    if ('problem' in read) bad ??= { line: state.lines + events.length + 1, start: line.start, problem: read.problem };
    if (bad !== null) {
      if (!line.closes) return true;
      if (events.length > 0) take(bad.start);
      state.damage ??= { line: bad.line, problem: bad.problem };
      return false;
    }
    if ('problem' in read) return false;
    if (seq > 0 && starts.length === 0 && state.seq === seq && read.event.prev_hash !== hash) {
      follows = false;
      return false;
    }
    events.push(read.event);
    starts.push(line.start);
    return line.closes ? take(line.end) : true;
  });
  state.tail = state.damage === null ? Math.max(0, size - state.offset) : 0;
  return follows;
}

/** Events with `seq > since`, at most `limit`, of what the state has folded. Lines that do not parse are passed over. */
export async function eventsAfter(
  handle: FileHandle,
  state: StreamState,
  since: number,
  limit: number,
): Promise<TimelineEvent[]> {
  const events: TimelineEvent[] = [];
  if (limit <= 0 || since >= state.seq) return events;
  await readLines(handle, state.offsetBefore(since), (line) => {
    if (line.end > state.offset) return false;
    const read = readEvent(line.text);
    if ('event' in read && read.event.seq > since) events.push(read.event);
    return events.length < limit;
  });
  return events;
}
