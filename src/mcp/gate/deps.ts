import type { Decision } from '../../domain/approval.ts';
import type { NewEvent } from '../../domain/timeline.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Processes, ProcessIdentity } from '../../ports/processes.ts';
import { JOURNAL, type Store } from '../../ports/store.ts';
import type { EnvironmentActuators } from '../context.ts';

/** What went wrong without stopping the work, for the operator's log. */
export type Warn = (message: string, facts?: Record<string, unknown>) => void;

export interface GateDeps {
  store: Store;
  clock: Clock;
  processes: Processes;
  /** This process, as the runner of what it runs. */
  self(): Promise<ProcessIdentity>;
  /** The only way to something that changes production. */
  actuators(environment: string): Promise<EnvironmentActuators>;
  newApprovalId(): string;
  /** Which approver's secret this server knows; null while none is set. Absent where nobody can decide at a terminal. */
  secretId?(): Promise<string | null>;
  /** Thumbprints of the passkeys that may approve here. */
  passkeys?(): Promise<string[]>;
  warn: Warn;
}

/** An approval's events go to its incident, and to the journal where there is none. */
export async function appendTo(store: Store, incidentId: string | null, event: NewEvent): Promise<string> {
  const { events } = await store.append(incidentId ?? JOURNAL, () => [event]);
  return events[0]?.id ?? '';
}

export const SYSTEM = { type: 'system', name: 'incident-mcp' } as const;

export const decider = (decision: Decision) => ({ type: 'human', name: decision.approver }) as const;
