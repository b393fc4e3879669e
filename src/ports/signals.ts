import type { Alert, FleetReading, HealthProbe, ServiceSignals } from '../domain/observe.ts';
import type { ReadOptions } from './kubernetes.ts';

/** Alerts that fire now. Errors: `UNAVAILABLE`, `TIMEOUT`, `FORBIDDEN`. */
export interface AlertsPort {
  readonly name: string;
  list(options: ReadOptions): Promise<Alert[]>;
}

/** Figures by service and of the analysis queue. */
export interface MetricsPort {
  services(options: ReadOptions & { at?: Date }): Promise<ServiceSignals>;
  /** null where the series is absent. */
  queue(options: ReadOptions): Promise<{ depth: number | null; oldest_seconds: number | null }>;
}

/** Every endpoint is probed on its own; a dead one is a probe with `ok: false`, never a throw. */
export interface HealthPort {
  probe(options: ReadOptions): Promise<HealthProbe[]>;
}

export interface FleetPort {
  read(options: ReadOptions): Promise<FleetReading>;
}

export interface ProviderStatus {
  provider: string;
  indicator: 'none' | 'minor' | 'major' | 'critical' | 'unknown';
  /** Untrusted text. */
  description: string;
  /** Start of the oldest unresolved incident, ISO 8601. */
  outage_started_at: string | null;
}

export interface LlmStatusPort {
  read(options: ReadOptions): Promise<ProviderStatus>;
}
