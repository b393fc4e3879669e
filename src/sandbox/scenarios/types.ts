import type { ScenarioName } from '../options.ts';
import type { ReleaseSpec } from '../platform/releases.ts';

export const ENVIRONMENT = 'prod';
export const CONTEXT = 'pulsestream-sandbox';
export const CORE = { release: 'pulsestream-core', namespace: 'pulsestream-core-prod' } as const;
export const AGENT = { release: 'pulsestream-agent', namespace: 'pulsestream-agent-prod' } as const;

export const SERVICES = [
  'control-plane',
  'analysis-engine',
  'ingest-gateway',
  'web-ui',
  'postgres',
  'agent-gateway',
  'agent-relay',
] as const;

export type Service = (typeof SERVICES)[number];

/**
 * What is wrong with a pod.
 * crash-at-start: exits before it is ready. crash-under-load: becomes ready, then exits when work reaches it.
 * oom: ready until it is killed for its memory, again and again. stuck: runs, never ready, never exits.
 * drops-agents: ready, but loses the agents connected to it. disk-full: exits, its volume has no space left.
 * dependency: runs, not ready as long as the database is away.
 */
export type PodFault =
  | 'crash-at-start'
  | 'crash-under-load'
  | 'oom'
  | 'stuck'
  | 'drops-agents'
  | 'disk-full'
  | 'dependency';

export interface PodFacts {
  service: Service;
  /** Tag of the image it runs. */
  tag: string;
  /** Its number among the pods of its workload that were there at the start; null for one made later. */
  original: number | null;
}

/** What the faults of a scenario may depend on, read from the state of the cluster. */
export interface PlatformFacts {
  /** Pods wanted of each service now. */
  desired: Readonly<Record<Service, number>>;
  /** Pods ready of each service now. */
  ready: Readonly<Record<Service, number>>;
  /** Whether each service has had a ready pod at any moment since the start. */
  readySinceStart: Readonly<Record<Service, boolean>>;
  /** Something is wrong: a service is not well, or a customer is impaired. */
  impaired: boolean;
}

export interface RightMove {
  tool: 'rollback_release' | 'restart_service' | 'scale_down';
  arguments: Record<string, string | number>;
}

export interface Scenario {
  name: ScenarioName;
  /** The cause in one sentence, as the truth URL tells it. */
  cause: string;
  severity: 'none' | 'SEV1' | 'SEV2' | 'SEV3' | 'SEV4';
  rightMove: RightMove | null;
  /** Seconds before the start at which the trouble began; null where there is none. */
  onset: number | null;
  releases: () => ReleaseSpec[];
  /** The fault of a pod, from what it runs and from the state of the platform; null for a sound one. */
  faultOf: (pod: PodFacts, platform: PlatformFacts) => PodFault | null;
  /** How many customers' agents are gone for reasons of the customers' own. */
  customersOffline: number;
  /** The outage of the LLM provider: seconds before the start that it began, and how long it lasts in all. */
  providerOutage: { began: number; lasts: number } | null;
  /** Whether the trouble is over. */
  recovered: (platform: PlatformFacts) => boolean;
}

/** What `pulsar scale down` takes to zero: all but the database, and but the relay, a DaemonSet, which has no scale. */
export const SCALED_DOWN: readonly Service[] = SERVICES.filter((name) => name !== 'postgres' && name !== 'agent-relay');
