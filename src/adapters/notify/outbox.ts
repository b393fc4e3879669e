import { join } from 'node:path';
import { SECOND } from '../../domain/instant.ts';
import { maskText } from '../../domain/mask.ts';
import { cleanText, oneLine } from '../../domain/text.ts';
import { notConfigured } from '../../errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Delivery, Notice, Notifier } from '../../ports/notifier.ts';
import type { Channel } from './channels.ts';
import { createLane, type OutboxLog, type Timing } from './lane.ts';

/** The channels that `send` always reports on. */
export const KNOWN_CHANNELS = ['slack', 'pagerduty', 'webhook'] as const;

export interface OutboxSettings {
  /** Folder of the queue; each channel gets its own folder in it. Shared by all processes on the same data. */
  dir: string;
  channels: readonly Channel[];
  clock: Clock;
  log?: OutboxLog | undefined;
  timing?: Partial<Timing> | undefined;
  /** 0..1, for the jitter. */
  random?: (() => number) | undefined;
}

export interface Outbox extends Notifier {
  /** Tries everything that is queued once more, now, without waiting for the back-off; Retry-After is still honoured. */
  flush(): Promise<void>;
  /** Stops trying; what is queued stays on disk for the next start. */
  close(): Promise<void>;
  /** Queued messages of all configured channels. */
  pending(): Promise<number>;
}

const TIMING: Timing = { send_ms: 2 * SECOND, attempt_ms: 10 * SECOND, first_retry_ms: SECOND };

/** Made safe before it is written down, so neither the files nor a receiver ever see more. */
const tidy = (notice: Notice): Notice => ({
  ...notice,
  title: maskText(oneLine(notice.title, 500)),
  text: maskText(cleanText(notice.text, 20_000)),
});

/**
 * Notices are on disk before the first try, in order per channel, delivered at least once: by this process, another one on the
 * same folder, or the next start. Receivers can tell a double by the notice's key. `sent` means that the receiver said so.
 */
export function createOutbox(settings: OutboxSettings): Outbox {
  const { dir, channels, clock, log } = settings;
  const timing = { ...TIMING, ...settings.timing };
  const random = settings.random ?? Math.random;
  const names = channels.map(({ name }) => name);
  const unusable = names.find((name, index) => !/^[a-z][a-z0-9-]{0,40}$/.test(name) || names.indexOf(name) !== index);
  if (unusable !== undefined) {
    throw notConfigured(
      `The notification channel "${oneLine(unusable, 40)}" has an unusable name or is given twice.`,
      'name each channel once.',
    );
  }
  const lanes = channels.map((channel) => ({
    channel,
    lane: createLane({ channel, folder: join(dir, channel.name), clock, log, timing, random }),
  }));
  const absent = KNOWN_CHANNELS.filter((name) => !names.includes(name));
  // What an earlier process left behind.
  for (const { lane } of lanes) void lane.drain(false);
  return {
    async send(notice) {
      const safe = tidy(notice);
      const wanted = lanes.filter(({ channel }) => channel.accepts(notice));
      const deliveries = await Promise.all(wanted.map(({ lane }) => lane.send(safe)));
      const missing = absent.map((channel): Delivery => ({ channel, status: 'not_configured' }));
      return [...deliveries, ...missing];
    },
    async flush() {
      await Promise.all(lanes.map(({ lane }) => lane.drain(true)));
    },
    async close() {
      await Promise.all(lanes.map(({ lane }) => lane.close()));
    },
    async pending() {
      const counts = await Promise.all(lanes.map(({ lane }) => lane.pending()));
      return counts.reduce((sum, count) => sum + count, 0);
    },
  };
}
