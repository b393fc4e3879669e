import type { AccessAnswer, AccessQuestion, Inspector } from '../../adapters/kubernetes/index.ts';
import { fail, ok, type Said, SOURCE_MS, warn } from './check.ts';

type Right = Omit<AccessQuestion, 'namespace'> & {
  /** What is lost without it. */
  lost: string;
  /** The product goes on without it, and says so. */
  optional?: boolean;
};

const HEALTH = 'get_system_health is blind';
const DEPLOYS = 'check_recent_deploys and rollbacks see no history';
const WORKLOADS = ['deployments', 'statefulsets', 'daemonsets'] as const;

/** What the read tools ask the API server. */
const READ: readonly Right[] = [
  { verb: 'list', group: '', resource: 'pods', lost: HEALTH },
  ...WORKLOADS.flatMap((resource): Right[] => [
    { verb: 'list', group: 'apps', resource, lost: HEALTH },
    { verb: 'get', group: 'apps', resource, lost: HEALTH },
  ]),
  { verb: 'list', group: '', resource: 'secrets', lost: DEPLOYS },
  { verb: 'get', group: '', resource: 'secrets', lost: DEPLOYS },
  { verb: 'list', group: '', resource: 'events', lost: 'warnings of the cluster are missing', optional: true },
  {
    verb: 'list',
    group: 'autoscaling',
    resource: 'horizontalpodautoscalers',
    lost: 'plans do not warn of autoscalers',
    optional: true,
  },
  {
    verb: 'list',
    group: 'policy',
    resource: 'poddisruptionbudgets',
    lost: 'plans do not warn of disruption budgets',
    optional: true,
  },
];

/** What the gated tools need. Helm also needs whatever the chart holds, which only its dry run can tell. */
const ACT: readonly Right[] = [
  ...WORKLOADS.map(
    (resource): Right => ({ verb: 'patch', group: 'apps', resource, lost: 'restart_service and rollbacks fail' }),
  ),
  ...(['deployments', 'statefulsets'] as const).map(
    (resource): Right => ({ verb: 'patch', group: 'apps', resource, subresource: 'scale', lost: 'scale_down fails' }),
  ),
  ...(['create', 'update', 'delete'] as const).map(
    (verb): Right => ({ verb, group: '', resource: 'secrets', lost: 'helm rollback cannot write its history' }),
  ),
];

export async function mayRead(inspector: Inspector, namespaces: readonly string[]): Promise<Said> {
  const denied = await deniedOf(inspector, READ, namespaces);
  const found = `${READ.length} rights in each of ${namespaces.join(', ')}`;
  if (denied.length === 0) return ok(`all ${found}`);
  const essential = denied.some(({ right }) => !right.optional);
  const next = 'give the account of this context a Role with these verbs in that namespace.';
  return essential ? fail(inWords(denied), next) : warn(inWords(denied), next);
}

/** Rights to change are missed with a warning: looking alone is a set-up that works. */
export async function mayAct(inspector: Inspector, namespaces: readonly string[]): Promise<Said> {
  const denied = await deniedOf(inspector, ACT, namespaces);
  if (denied.length === 0) return ok(`all ${ACT.length} rights in each of ${namespaces.join(', ')}`);
  return warn(inWords(denied), 'give these verbs too, or start the server with --read-only if it shall only look.');
}

interface Denied {
  answer: AccessAnswer;
  right: Right;
}

async function deniedOf(
  inspector: Inspector,
  rights: readonly Right[],
  namespaces: readonly string[],
): Promise<Denied[]> {
  const asked = namespaces.flatMap((namespace) => rights.map((right) => ({ right, namespace })));
  const questions = asked.map(({ right, namespace }): AccessQuestion => {
    const { lost: _lost, optional: _optional, ...question } = right;
    return { ...question, namespace };
  });
  const answers = await inspector.canI(questions, { deadline_ms: SOURCE_MS });
  return answers.flatMap((answer, i) => {
    const right = asked[i]?.right;
    return answer.allowed || right === undefined ? [] : [{ answer, right }];
  });
}

function inWords(denied: readonly Denied[]): string {
  const lines = denied.map(({ answer, right }) => {
    const { verb, group, resource, subresource, namespace, problem } = answer;
    const what = `${resource}${group === '' ? '' : `.${group}`}${subresource === undefined ? '' : `/${subresource}`}`;
    return `${namespace}: not allowed to ${verb} ${what}, so ${right.lost}${problem === null ? '' : ` (${problem})`}`;
  });
  return lines.join('\n');
}
