import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SECOND, toInstant } from '../../domain/instant.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Delivery, Notice } from '../../ports/notifier.ts';
import { backoff, GIVE_UP_AFTER, waitFor } from './backoff.ts';
import type { Attempt, Channel } from './channels.ts';
import { type Lock, tryLock } from './lock.ts';
import type { Entry } from './schema.ts';
import { createSpool } from './spool.ts';

/** For the operator's log; the facts are clean of secrets. */
export type OutboxLog = (message: string, facts?: Record<string, unknown>) => void;

export interface Timing {
  /** Milliseconds that `send` takes at the most; default 2 s. A try that is under way then goes on. */
  send_ms: number;
  /** Milliseconds of one try; default 10 s. */
  attempt_ms: number;
  /** The first back-off; default 1 s. */
  first_retry_ms: number;
}

export interface LaneSettings {
  channel: Channel;
  folder: string;
  clock: Clock;
  log: OutboxLog | undefined;
  timing: Timing;
  random: () => number;
}

/** The outbox of one channel. Only the holder of the folder's lock delivers; whoever it is delivers everybody's messages. */
export interface Lane {
  /** Writes the notice down, tries at once, and tells how it stands after `send_ms` at the latest. */
  send(notice: Notice): Promise<Delivery>;
  /** Delivers what is queued until it is empty or a try fails. In a hurry, does not wait for the back-off (but for Retry-After). */
  drain(hurry: boolean): Promise<void>;
  pending(): Promise<number>;
  close(): Promise<void>;
}

const LOCK_POLL_MS = 40;

export function createLane({ channel, folder, clock, log, timing, random }: LaneSettings): Lane {
  const spool = createSpool(folder);
  const closing = new AbortController();
  let timer: NodeJS.Timeout | null = null;
  let current: Promise<void> = Promise.resolve();
  let waiting: { promise: Promise<void>; hurry: boolean } | null = null;
  let writing: Promise<unknown> = Promise.resolve();

  const now = (): number => clock.now().getTime();

  const wakeIn = (ms: number): void => {
    if (closing.signal.aborted) return;
    if (timer) clearTimeout(timer);
    timer = setTimeout(() => void drain(false), Math.max(20, ms));
    timer.unref();
  };

  const tryOnce = (entry: Pick<Entry, 'notice' | 'created_at'>): Promise<Attempt> =>
    channel.deliver(entry.notice, {
      deadline_ms: timing.attempt_ms,
      signal: closing.signal,
      now: clock.now(),
      created_at: entry.created_at,
    });

  const giveUp = async (name: string, entry: Entry, error: string): Promise<void> => {
    await spool.setAside(name, { ...entry, last_error: error });
    log?.('a notice was not delivered and is set aside', { channel: channel.name, key: entry.notice.key, error });
  };

  /** One entry; false when the queue has to wait. */
  const handle = async (name: string, hurry: boolean): Promise<boolean> => {
    const entry = await spool.read(name);
    if (entry === null) return true;
    if (entry === 'damaged') {
      await spool.setAside(name);
      log?.('a queued notice does not parse and is set aside', { channel: channel.name, file: name });
      return true;
    }
    if (now() - entry.created_at > GIVE_UP_AFTER) {
      const since = toInstant(new Date(entry.created_at));
      await giveUp(name, entry, `given up after 24 h (queued ${since}): ${entry.last_error ?? 'never tried'}`);
      return true;
    }
    const wait = waitFor(entry, now(), hurry);
    if (wait > 0) {
      wakeIn(wait);
      return false;
    }
    const attempt = await tryOnce(entry);
    const attempts = entry.attempts + 1;
    if (attempt.result === 'sent') {
      await spool.remove(name);
      return true;
    }
    if (attempt.result === 'rejected') {
      await giveUp(name, { ...entry, attempts }, attempt.error);
      return true;
    }
    // An attempt that closing cut short says nothing about the receiver.
    if (closing.signal.aborted) return false;
    const pause = backoff(attempts, random(), timing.first_retry_ms);
    await spool.update(name, {
      ...entry,
      attempts,
      next_attempt_at: now() + pause,
      not_before: attempt.retry_after_ms > 0 ? now() + attempt.retry_after_ms : 0,
      last_error: attempt.error,
    });
    log?.('a notice is queued and will be tried again', { channel: channel.name, attempts, error: attempt.error });
    wakeIn(Math.max(pause, attempt.retry_after_ms));
    return false;
  };

  const acquire = async (): Promise<Lock | null> => {
    const until = performance.now() + timing.send_ms;
    for (;;) {
      const lock = await tryLock(join(folder, 'lock'));
      if (lock || closing.signal.aborted || performance.now() > until) return lock;
      await sleep(LOCK_POLL_MS);
    }
  };

  const run = async (hurry: boolean): Promise<void> => {
    try {
      if (closing.signal.aborted || (await spool.names()).length === 0) return;
      const lock = await acquire();
      // Another process is delivering; look again in case it dies over it.
      if (!lock) return wakeIn(SECOND);
      try {
        await spool.sweep(Date.now());
        for (;;) {
          // The list is read anew each time: others may have added to it meanwhile.
          const name = (await spool.names())[0];
          if (name === undefined || closing.signal.aborted) return;
          if (!(await lock.refresh())) return wakeIn(SECOND);
          if (!(await handle(name, hurry))) return;
        }
      } finally {
        await lock.release();
      }
    } catch (error) {
      const code = (error as { code?: unknown }).code;
      log?.('the outbox could not be read or written', { channel: channel.name, code: String(code ?? 'unknown') });
      wakeIn(5 * SECOND);
    }
  };

  const drain = (hurry: boolean): Promise<void> => {
    // One run at a time, and at most one more that has not begun: it will see everything written until then.
    if (waiting) {
      waiting.hurry ||= hurry;
      return waiting.promise;
    }
    const next = { promise: current, hurry };
    next.promise = current.then(() => {
      waiting = null;
      return run(next.hurry);
    });
    waiting = next;
    current = next.promise;
    return next.promise;
  };

  const enqueue = (notice: Notice): Promise<string> => {
    const created_at = now();
    const entry: Entry = { notice, created_at, attempts: 0, next_attempt_at: 0, not_before: 0, last_error: null };
    // In the order of the calls, also when the disk is slow.
    const name = writing.then(() => spool.add(entry, created_at));
    writing = name.catch(() => undefined);
    return name;
  };

  const report = (status: Delivery['status'], error: string | null): Delivery => ({
    channel: channel.name,
    status,
    ...(error === null || status === 'sent' ? {} : { error }),
  });

  const withinSend = async (work: Promise<unknown>, started: number): Promise<void> => {
    const enough = new AbortController();
    const rest = Math.max(1, timing.send_ms - (performance.now() - started));
    await Promise.race([work, sleep(rest, undefined, { signal: enough.signal })]).catch(() => undefined);
    enough.abort();
  };

  return {
    async send(notice) {
      const started = performance.now();
      let name: string;
      try {
        name = await enqueue(notice);
      } catch {
        // A full disk must not silence the page: one try without the net.
        const last = await channel.deliver(notice, {
          deadline_ms: timing.send_ms,
          now: clock.now(),
          created_at: now(),
        });
        if (last.result === 'sent') return report('sent', null);
        return report('failed', `not kept for a retry, the outbox could not be written; ${last.error}`);
      }
      if (closing.signal.aborted) return report('queued', 'the outbox is closed');
      await withinSend(drain(true), started);
      const { state, error } = await spool.state(name);
      if (state === 'gone') return report('sent', null);
      return report(state, error ?? 'no answer yet');
    },
    drain,
    pending: async () => (await spool.names()).length,
    async close() {
      if (timer) clearTimeout(timer);
      await withinSend(current, performance.now());
      closing.abort();
      if (timer) clearTimeout(timer);
      await current;
    },
  };
}
