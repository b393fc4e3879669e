import type { Config, EnvironmentConfig } from '../config.ts';
import type { Approval } from '../domain/approval.ts';
import type { Audience, Incident, SentUpdate } from '../domain/incident.ts';
import type { Plan } from '../domain/plan.ts';
import type { Clock } from '../ports/clock.ts';
import type { HelmActuator, HelmReader } from '../ports/helm.ts';
import type { KubernetesActuator, KubernetesReader } from '../ports/kubernetes.ts';
import type { Delivery, Notice } from '../ports/notifier.ts';
import type { PlatformActuator, PlatformReader } from '../ports/platform.ts';
import type { Runbooks, RunbookWriter } from '../ports/runbooks.ts';
import type { AlertsPort, FleetPort, HealthPort, LlmStatusPort, MetricsPort } from '../ports/signals.ts';
import type { Store } from '../ports/store.ts';

/** Everything that can be read of one environment. Null: not configured. */
export interface EnvironmentReaders {
  readonly name: string;
  readonly config: EnvironmentConfig;
  /** Namespaces of the releases and the configured extra ones; never guessed. */
  readonly namespaces: readonly string[];
  kubernetes(): Promise<KubernetesReader>;
  helm(): Promise<HelmReader>;
  readonly platform: PlatformReader;
  alerts(): Promise<AlertsPort | null>;
  metrics(): Promise<MetricsPort | null>;
  health(): Promise<HealthPort | null>;
  fleet(): Promise<FleetPort | null>;
  llm(): Promise<LlmStatusPort | null>;
}

export interface EnvironmentActuators {
  readonly kubernetes: KubernetesActuator;
  readonly helm: HelmActuator;
  readonly platform: PlatformActuator;
  readonly runbooks: RunbookWriter;
  readonly messenger: Messenger;
}

/** Sends an approved message of an incident to its audience, and records it. */
export interface Messenger {
  send(
    incidentId: string,
    audience: Audience,
    message: string,
  ): Promise<{ update: SentUpdate; deliveries: Delivery[] }>;
}

/** Who calls, as the client itself says; a later sign-in replaces the word by a proof. */
export interface Caller {
  /** `claude-code 2.1`, for the timeline's actor. */
  name: string;
  /** Whether the client can show its user a form. */
  can_ask: boolean;
  /** Whether the client can open an address for its user. */
  can_open?: boolean;
}

/** The part of the record that only tells. */
export type RecordReader = Pick<
  Store,
  'incident' | 'incidents' | 'timeline' | 'head' | 'approval' | 'approvals' | 'readDocument' | 'damaged'
>;

export interface ReadContext {
  readonly config: Config;
  readonly clock: Clock;
  readonly caller: Caller;
  /** Aborted when the client cancels or goes away. */
  readonly signal: AbortSignal;
  readonly record: RecordReader;
  readonly runbooks: Runbooks;
  /** Throws `NOT_CONFIGURED` with the names there are. */
  environment(name?: string): EnvironmentReaders;
  /** Where a human decides this plan in a browser; null where the page is not a way for it. Absent where no human is served. */
  approvalPage?(approval: Approval): Promise<string | null>;
  /** MCP progress; without a token it does nothing. */
  progress(message: string): void;
}

/** What a record tool has on top: the record itself and the notifier. Production is out of its reach. */
export interface RecordContext extends ReadContext {
  readonly store: Store;
  /** What the client sent for the tool's own question, after the server's sealed state was verified; untrusted. */
  readonly answer: unknown;
  /** Which approver's secret this server knows (not the secret); null while none is set. */
  secretId(): Promise<string | null>;
  notify(notice: Notice): Promise<Delivery[]>;
  /** Work that goes on after the answer; it is bounded, awaited at shutdown, and its failures are logged. */
  background(name: string, work: (context: RecordContext) => Promise<void>): void;
}

/** Exists only after approval, for one plan. */
export interface WriteContext extends ReadContext {
  readonly approval: Approval;
  readonly actuators: EnvironmentActuators;
}

export type RunResult = {
  status: 'executed' | 'failed' | 'outcome_unknown';
  summary: string;
  details: Record<string, string | number | boolean | null>;
};

export type { Approval, Incident, Plan };
