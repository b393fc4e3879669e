import type { AccessAnswer, AccessQuestion, Inspector } from '../../adapters/kubernetes/index.ts';
import { fail, ok, type Said, SOURCE_MS, warn } from './check.ts';
import { ACT, READ, type Right } from './rights.ts';

/** Which rights are asked for where. */
type Wanted = ReadonlyMap<string, readonly Right[]>;

export async function mayRead(inspector: Inspector, namespaces: readonly string[]): Promise<Said> {
  if (namespaces.length === 0) return wholeCluster();
  const wanted = new Map(namespaces.map((namespace) => [namespace, READ]));
  const denied = await deniedOf(inspector, wanted);
  if (denied.length === 0) return ok(`to look: all ${READ.length} rights in each of ${namespaces.join(', ')}`);
  const essential = denied.some(({ right }) => !right.optional);
  const found = inWords(denied, wanted, 'to look');
  const next =
    'apply docs/rbac/reader.yaml in that namespace, or give the account of this context these verbs otherwise.';
  return essential ? fail(found, next) : warn(found, next);
}

/** Rights to change are missed with a warning: looking alone is a set-up that works. `released`: where Helm acts. */
export async function mayAct(
  inspector: Inspector,
  namespaces: readonly string[],
  released: readonly string[],
): Promise<Said> {
  if (namespaces.length === 0) return ok('there is no namespace to act in');
  const plain = ACT.filter(({ helm }) => !helm);
  const wanted = new Map(
    namespaces.map((namespace) => [namespace, released.includes(namespace) ? ACT : plain] as const),
  );
  const denied = await deniedOf(inspector, wanted);
  if (denied.length === 0) {
    return ok(
      `to act: all rights in each of ${namespaces.join(', ')}\nfor the usual kinds of a chart; what else yours hold was not asked`,
    );
  }
  return warn(
    inWords(denied, wanted, 'to act'),
    'apply docs/rbac/operator.yaml in that namespace too, or start the server with --read-only if it shall only look.',
  );
}

const wholeCluster = (): Said =>
  warn(
    'no release and no namespace is configured, so the whole cluster is read; the rights for that were not asked.',
    'name the namespaces in the configuration: docs/rbac grants rights by namespace.',
  );

interface Denied {
  answer: AccessAnswer;
  right: Right;
}

async function deniedOf(inspector: Inspector, wanted: Wanted): Promise<Denied[]> {
  const asked = [...wanted].flatMap(([namespace, rights]) => rights.map((right) => ({ right, namespace })));
  const questions = asked.map(({ right, namespace }): AccessQuestion => {
    const { lost: _lost, optional: _optional, helm: _helm, ...question } = right;
    return { ...question, namespace };
  });
  const answers = await inspector.canI(questions, { deadline_ms: SOURCE_MS });
  return answers.flatMap((answer, i) => {
    const right = asked[i]?.right;
    return answer.allowed || right === undefined ? [] : [{ answer, right }];
  });
}

/** One line for each namespace that lacks everything, else for each resource and what is lost without it. */
function inWords(denied: readonly Denied[], wanted: Wanted, purpose: string): string {
  const lines = new Map<string, { head: string; verbs: string[]; tail: string }>();
  for (const { answer, right } of denied) {
    const { verb, group, resource, subresource, namespace, problem } = answer;
    const doubt = problem === null ? '' : ` (${problem})`;
    const rights = wanted.get(namespace)?.length ?? 0;
    if (denied.filter((one) => one.answer.namespace === namespace).length === rights) {
      const head = `${namespace}: none of the ${rights} rights ${purpose}${doubt}`;
      lines.set(namespace, { head, verbs: [], tail: '' });
      continue;
    }
    const what = `${resource}${group === '' ? '' : `.${group}`}${subresource === undefined ? '' : `/${subresource}`}`;
    const tail = ` ${what}, so ${right.lost}${doubt}`;
    const line = lines.get(namespace + tail) ?? { head: `${namespace}: not allowed to `, verbs: [], tail };
    line.verbs.push(verb);
    lines.set(namespace + tail, line);
  }
  return [...lines.values()].map(({ head, verbs, tail }) => `${head}${verbs.join(', ')}${tail}`).join('\n');
}
