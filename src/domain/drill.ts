import type { Approval } from './approval.ts';
import type { Incident } from './incident.ts';
import type { ResponseClock } from './response-clock.ts';

/** What the simulated platform tells about itself at the end. */
export interface Truth {
  scenario: string;
  cause: string;
  /** `SEV2`, or `none` where nothing is wrong. */
  severity: string;
  right_move: { tool: string; arguments: Record<string, unknown> } | null;
  recovered: boolean;
  actions: { at: string; kind: string; target: string; detail?: unknown }[];
}

export interface Criterion {
  name: string;
  passed: boolean;
  /** What was found, against what was right. */
  found: string;
}

/** A drill by its record against the truth of its scenario. `incident` is null where none was declared. */
export function scoreDrill(input: {
  truth: Truth;
  incident: Incident | null;
  clock: ResponseClock | null;
  approvals: readonly Approval[];
}): Criterion[] {
  const { truth, incident, clock } = input;
  const nothingWrong = truth.severity === 'none';
  const executed = input.approvals.filter((a) => a.status === 'executed');
  const wrong = executed.filter((a) => !isRight(a, truth));
  if (!incident) {
    return [
      {
        name: 'incident declared',
        passed: nothingWrong,
        found: nothingWrong ? 'none, and nothing was wrong' : `none, but it was ${truth.severity}`,
      },
      {
        name: 'no wrong move',
        passed: truth.actions.length === 0,
        found: `${truth.actions.length} changes of the platform`,
      },
    ];
  }
  return [
    {
      name: 'severity',
      passed: incident.severity === truth.severity,
      found: `${incident.severity}, right is ${truth.severity}`,
    },
    {
      name: 'first response in time',
      passed: clock?.first_response.state === 'met',
      found: clock ? `${clock.first_response.state}, due at ${clock.first_response.due_at}` : 'unknown',
    },
    {
      name: 'right move',
      passed: truth.right_move === null ? executed.length === 0 : executed.some((a) => isRight(a, truth)),
      found: `${executed.map((a) => `${a.plan.action} ${a.plan.target} to ${a.plan.to}`).join(', ') || 'none'}; right is ${truth.right_move ? `${truth.right_move.tool} ${JSON.stringify(truth.right_move.arguments)}` : 'none'}`,
    },
    {
      name: 'no wrong move',
      passed: wrong.length === 0,
      found:
        wrong.length === 0 ? 'none' : wrong.map((a) => `${a.plan.action} ${a.plan.target} to ${a.plan.to}`).join(', '),
    },
    {
      name: 'recovered',
      passed: truth.recovered || truth.right_move === null,
      found: truth.recovered ? 'yes' : 'not yet',
    },
    {
      name: 'updates in time',
      passed: incident.breaches.every((b) => b.kind !== 'update') && clock?.next_update.state !== 'overdue',
      found: `${incident.updates.length} sent, ${incident.breaches.filter((b) => b.kind === 'update').length} missed`,
    },
    {
      name: 'post-mortem complete',
      passed: incident.postmortem !== null && incident.postmortem.missing.length === 0,
      found:
        incident.postmortem === null
          ? 'none'
          : incident.postmortem.missing.length === 0
            ? 'nothing missing'
            : `missing: ${incident.postmortem.missing.join(', ')}`,
    },
  ];
}

/** The tool and every argument that the truth names and the plan can show. */
function isRight(approval: Approval, truth: Truth): boolean {
  const move = truth.right_move;
  if (!move || approval.plan.action !== move.tool) return false;
  const { plan } = approval;
  const shown: Record<string, unknown> = {
    release: plan.target,
    service: plan.target,
    environment: plan.environment,
    namespace: plan.namespace,
    revision: plan.to,
  };
  return Object.entries(move.arguments).every(([key, value]) => shown[key] === undefined || shown[key] === value);
}
