import type { PodFault } from '../scenarios/types.ts';
import type { KubeObject } from './types.ts';

type Line = readonly [level: string, message: string];

const SOUND: readonly Line[] = [
  ['info', 'listening'],
  ['info', 'connected to control-plane'],
  ['info', 'heartbeat ok'],
];

const FAULTS: Readonly<Record<PodFault, readonly Line[]>> = {
  'crash-at-start': [
    ['info', 'starting'],
    ['fatal', 'config: analysis.batchSize: unknown key "batchSize"; expected "batch"'],
  ],
  'crash-under-load': [
    ['info', 'listening'],
    ['info', 'took 200 items from the queue with 32 workers'],
    ['fatal', 'SIGSEGV in tokenizer worker 17 (native module): address not mapped'],
  ],
  oom: [
    ['warn', 'spool /var/spool/ingest holds 611 MiB of 640 MiB'],
    ['warn', 'rss 742 MiB of a limit of 768 MiB'],
  ],
  stuck: [
    ['info', 'listening'],
    ['warn', 'session table: waiting for lock held by worker 3 for 1800 s'],
    ['warn', 'request timed out after 10 s: POST /v3/heartbeat'],
  ],
  'drops-agents': [
    ['warn', 'handshake: agent offers version 3, version 4 required: closing session'],
    ['warn', 'dropped 214 sessions in the last minute'],
  ],
  'disk-full': [
    ['log', 'database system was not properly shut down; automatic recovery in progress'],
    ['PANIC', 'could not write to file "pg_wal/xlogtemp.29": No space left on device'],
  ],
  dependency: [
    ['error', 'database: connect postgres:5432: connection refused'],
    ['warn', 'readiness: not ready: database unavailable'],
  ],
};

/** The log of a pod: what its program would have written last. Honours `tailLines` and `timestamps`. */
export function podLog(pod: KubeObject, fault: PodFault | null, nowMs: number, query: URLSearchParams): string {
  const lines = fault === null ? SOUND : FAULTS[fault];
  const service = pod.metadata.labels?.['app.kubernetes.io/name'] ?? pod.metadata.name;
  const stamped = query.get('timestamps') === 'true';
  const written = lines.map(([level, message], i) => {
    const at = new Date(nowMs - (lines.length - i) * 1_500).toISOString();
    const line = JSON.stringify({ time: at, level, service, message });
    return stamped ? `${at} ${line}` : line;
  });
  const tail = query.get('tailLines');
  const kept = tail === null ? written : written.slice(Math.max(0, written.length - Number(tail)));
  return kept.map((line) => `${line}\n`).join('');
}
