import { randomInt } from 'node:crypto';
import { createStore } from '../../src/adapters/store/index.ts';
import type { Approval } from '../../src/domain/approval.ts';
import type { NewEvent } from '../../src/domain/timeline.ts';
import type { Store } from '../../src/ports/store.ts';

const LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** An approved plan that waits for its run. */
export const sampleApproval = (): Approval => ({
  approval_id: `APR-${Array.from({ length: 10 }, () => LETTERS[randomInt(LETTERS.length)]).join('')}`,
  tool: 'restart_service',
  arguments_hash: 'f'.repeat(64),
  incident_id: null,
  plan: {
    action: 'restart_service',
    environment: 'prod',
    cluster: 'https://127.0.0.1:6443 (prod)',
    target: 'core',
    namespace: 'core-prod',
    from: '3 pods',
    to: '3 new pods',
    command: ['kubectl', 'rollout', 'restart', 'deployment/core'],
    changes: [],
    changes_total: 0,
    blast_radius: { pods: 3, customers: null },
    warnings: [],
    risk: 'low',
    reason: 'stuck process',
    digest: 'a'.repeat(64),
    expires_at: '2026-03-01T14:40:00.000Z',
  },
  world: {},
  status: 'approved',
  ways: ['client_form', 'terminal'],
  approvers_needed: 1,
  decisions: [{ decision: 'approve', way: 'terminal', approver: 'Ada', note: null, at: '2026-03-01T14:31:00.000Z' }],
  requested_by: 'chaos 1.0',
  created_at: '2026-03-01T14:30:00.000Z',
  expires_at: '2026-03-01T14:40:00.000Z',
  runner: null,
  outcome: null,
});

/** The key of the chain of every record of this suite. */
export const KEY = Buffer.from('the key of this suite, 32 bytes!');

export const openRecord = (dir: string): Promise<Store> =>
  createStore({ dir, clock: { now: () => new Date() }, key: KEY });

/** The first event of an incident of severity 2. */
export const sampleDeclaration = (id: string): NewEvent => ({
  kind: 'declared',
  message: 'Declared: analyses fail',
  actor: { type: 'assistant', name: 'chaos 1.0' },
  change: {
    declared: {
      id,
      title: 'Analyses fail',
      severity: 'SEV2',
      environment: 'prod',
      summary: null,
      components: [],
      drill: false,
      declared_at: new Date().toISOString(),
      detected_at: new Date().toISOString(),
      detected_by: { source: 'grafana', reference: null },
      impact_started_at: null,
    },
  },
});
