import { SERVICES, type Service } from '../scenarios/types.ts';
import type { Customer } from './customers.ts';
import { type Effects, type Signals, signalsOf } from './effects.ts';

/** What a service has served since long before the start; fractions are kept, so that rates come out even. */
export interface Served {
  total: number;
  failed: number;
  /** Sum of the request durations. */
  seconds: number;
  /** Requests within each limit of `BUCKETS`. */
  buckets: readonly number[];
}

/** Upper bounds of the duration histogram, in seconds; the last is unbounded. */
export const BUCKETS: readonly number[] = [
  0.01,
  0.025,
  0.05,
  0.1,
  0.25,
  0.5,
  1,
  2.5,
  5,
  10,
  25,
  Number.POSITIVE_INFINITY,
];

/** The platform from one simulated second until the next entry. */
interface Segment {
  from: number;
  effects: Effects;
  signals: Signals;
  /** Requests each service had served when the segment began, and how many of them had failed. */
  requests: Readonly<Record<Service, Served>>;
  queueDepth: number;
  /** The simulated second since which the queue has been stuck; null while it moves. */
  queueStuckSince: number | null;
}

/** A reading of the platform at an instant; counters are totals since long before the start. */
export interface Reading {
  effects: Effects;
  signals: Signals;
  requests: Readonly<Record<Service, Served>>;
  queueDepth: number;
  /** Age of the oldest item of the queue, in seconds. */
  queueOldest: number;
}

export interface EffectsTimeline {
  /** Notes that the platform changed at a simulated second, not before the last one noted. */
  note(at: number, effects: Effects): void;
  at(second: number): Reading;
  current(): Effects;
  currentSignals(): Signals;
}

const IDLE_DEPTH = 12;
/** A backlog is worked off within this many seconds, whatever its size, as every window here is compressed. */
const DRAIN_SECONDS = 3;
const MAX_SEGMENTS = 5_000;

export function createTimeline(customers: readonly Customer[], past: Effects, from: number): EffectsTimeline {
  const signals = signalsOf(past, customers);
  const empty = {} as Record<Service, Served>;
  for (const name of SERVICES) empty[name] = { total: 0, failed: 0, seconds: 0, buckets: BUCKETS.map(() => 0) };
  const segments: Segment[] = [
    { from, effects: past, signals, requests: empty, queueDepth: IDLE_DEPTH, queueStuckSince: null },
  ];

  const read = (segment: Segment, second: number): Reading => {
    const duration = Math.max(0, second - segment.from);
    const requests = {} as Record<Service, Served>;
    for (const name of SERVICES) {
      const { requestsPerSecond, errorRatio, p95 } = segment.signals.services[name];
      const before = segment.requests[name];
      const served = requestsPerSecond * duration;
      requests[name] = {
        total: before.total + served,
        failed: before.failed + served * errorRatio,
        seconds: before.seconds + served * meanFromP95(p95),
        buckets: BUCKETS.map((limit, i) => (before.buckets[i] ?? 0) + served * shareWithin(limit, p95)),
      };
    }
    const growing = segment.signals.queueGrowth > 0;
    const drained = Math.max(0, 1 - duration / DRAIN_SECONDS);
    const queueDepth = growing
      ? segment.queueDepth + segment.signals.queueGrowth * duration
      : IDLE_DEPTH + (segment.queueDepth - IDLE_DEPTH) * drained;
    const stuck = segment.queueStuckSince;
    const queueOldest =
      stuck === null ? 4 : growing ? Math.max(4, second - stuck) : 4 + (segment.from - stuck) * drained;
    const { effects } = segment;
    return { effects, signals: segment.signals, requests, queueDepth: Math.round(queueDepth), queueOldest };
  };
  const segmentAt = (second: number): Segment => {
    let low = 0;
    let high = segments.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((segments[middle] as Segment).from <= second) low = middle;
      else high = middle - 1;
    }
    return segments[low] as Segment;
  };
  const last = (): Segment => segments[segments.length - 1] as Segment;

  return {
    note(at, effects) {
      const before = last();
      const reading = read(before, at);
      const next = signalsOf(effects, customers);
      const wasGrowing = before.signals.queueGrowth > 0;
      const stuckSince = next.queueGrowth > 0 ? (wasGrowing ? before.queueStuckSince : at) : before.queueStuckSince;
      segments.push({
        from: at,
        effects,
        signals: next,
        requests: reading.requests,
        queueDepth: reading.queueDepth,
        // A drained queue forgets how long it was stuck.
        queueStuckSince: next.queueGrowth <= 0 && reading.queueDepth <= IDLE_DEPTH ? null : stuckSince,
      });
      if (segments.length > MAX_SEGMENTS) segments.splice(1, MAX_SEGMENTS / 2);
    },
    at: (second) => read(segmentAt(second), second),
    current: () => last().effects,
    currentSignals: () => last().signals,
  };
}

/** Request durations are taken as exponential, so one figure gives the mean and every bucket. */
export function meanFromP95(p95: number): number {
  return p95 / Math.log(20);
}

/** Share of requests that take at most `limit` seconds. */
export function shareWithin(limit: number, p95: number): number {
  return limit === Number.POSITIVE_INFINITY ? 1 : 1 - Math.exp(-limit / meanFromP95(p95));
}
