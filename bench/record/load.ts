import { join } from 'node:path';
import { createStore } from '../../src/adapters/store/index.ts';
import { recordKey } from '../../src/cli/record-key.ts';
import type { NewEvent, RecordableKind } from '../../src/domain/timeline.ts';
import type { Store } from '../../src/ports/store.ts';

/** Long incidents, written through the real store: what the bench and the tests of scale measure on. */

const MINUTE_MS = 60_000;
const BATCH = 1_000;
const KINDS: readonly RecordableKind[] = ['observation', 'note', 'hypothesis', 'communication', 'decision', 'action'];

/** The record of a server whose user's configuration folder (`XDG_CONFIG_HOME`) and data folder are these. */
export const openRecord = (configHome: string, data: string): Promise<Store> =>
  createStore({
    dir: data,
    clock: { now: () => new Date() },
    key: recordKey(join(configHome, 'incident-mcp', 'record.key')),
  });

export type TextOf = (i: number) => string;

/** What people write: a sentence, now and then a page. */
export const usualText: TextOf = (i) =>
  `look ${i}: error rate of the analysis engine is ${i % 40} %, ${i % 3} pods restart. `.repeat(i % 50 === 0 ? 30 : 2);

/** An incident with `total` events over its last hours, the first of them the declaration; gives its id. */
export async function longIncident(store: Store, total: number, textOf: TextOf, title = 'Analyses fail') {
  const began = Date.now() - total * 1_000 - 60 * MINUTE_MS;
  const at = (i: number): string => new Date(began + i * 1_000).toISOString();
  const { incident } = await store.declare((id) => declaration(id, title, at(0)));
  for (let i = 1; i < total; i += BATCH) {
    const size = Math.min(BATCH, total - i);
    await store.append(incident.id, () => Array.from({ length: size }, (_, k) => event(i + k, textOf, at(i + k))));
  }
  return incident.id;
}

function event(i: number, textOf: TextOf, occurred_at: string): NewEvent {
  const actor = { type: 'assistant', name: 'bench 1' } as const;
  return { kind: KINDS[i % KINDS.length] ?? 'note', message: textOf(i), actor, occurred_at, evidence: [`E${i}`] };
}

function declaration(id: string, title: string, at: string): NewEvent {
  return {
    kind: 'declared',
    message: `${id} declared as SEV2 in prod: ${title}`,
    actor: { type: 'assistant', name: 'bench 1' },
    occurred_at: at,
    change: {
      declared: {
        id,
        title,
        severity: 'SEV2',
        environment: 'prod',
        summary: null,
        components: ['analysis-engine'],
        drill: false,
        declared_at: at,
        detected_at: at,
        detected_by: { source: 'grafana', reference: null },
        impact_started_at: at,
      },
    },
  };
}

export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** Milliseconds of one append (medians) to a short and to a long stream, in turns, so that other work meets both alike. */
export async function appendTimes(store: Store, streams: { short: string; long: string }, rounds: number) {
  const times = { short: [] as number[], long: [] as number[] };
  for (let i = 0; i < rounds; i += 1) {
    for (const which of ['short', 'long'] as const) {
      const began = performance.now();
      await store.append(streams[which], () => [event(i, usualText, new Date().toISOString())]);
      times[which].push(performance.now() - began);
    }
  }
  return { short_ms: median(times.short), long_ms: median(times.long) };
}
