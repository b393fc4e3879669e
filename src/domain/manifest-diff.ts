import { parseAllDocuments } from 'yaml';
import { unavailable } from '../errors.ts';
import { isSecretKey, MASK, maskText } from './mask.ts';
import type { Change } from './plan.ts';
import type { Tree } from './rollback-patch.ts';

/** Identity of an object in a manifest; `namespace` is null where the manifest leaves it to the release. */
export interface ObjectRef {
  kind: string;
  namespace: string | null;
  name: string;
}

/** One object of a manifest, whole. It may hold credentials: it never leaves the server but to the API server itself. */
export interface ManifestObject extends ObjectRef {
  tree: Tree;
}
/** `value` is compared, `show` is printed; `hidden` ones are compared but never printed. */
interface Leaf {
  value: string;
  show?: string;
  hidden: boolean;
}

const WORKLOADS = new Set(['Deployment', 'StatefulSet', 'DaemonSet']);
/** Longest value in a change, characters. */
const CUT = 120;
const CHANGED = `${MASK} (changed)`;

/**
 * What a human should see of the step from one manifest to another: objects by kind, namespace and name, fields by readable
 * path, the most telling first, secrets masked. `names` is how an error calls the two sides. Throws `UNAVAILABLE` when one of
 * them is not YAML.
 */
export function diffManifests(
  from: string,
  to: string,
  names: { from: string; to: string } = { from: 'the present revision', to: 'the target revision' },
): Change[] {
  const [oldDocs, newDocs] = [splitDocuments(from), splitDocuments(to)];
  // Documents that are the same text in both need no parsing, which is nearly all of the cost.
  const [oldSet, newSet] = [new Set(oldDocs), new Set(newDocs)];
  const before = byIdentity(
    parse(
      oldDocs.filter((doc) => !newSet.has(doc)),
      names.from,
    ),
  );
  const after = byIdentity(
    parse(
      newDocs.filter((doc) => !oldSet.has(doc)),
      names.to,
    ),
  );
  const ranked: { rank: number; change: Change }[] = [];
  for (const [id, object] of new Map([...before, ...after])) {
    const [a, b] = [before.get(id), after.get(id)];
    if (a && b) {
      ranked.push(...compare(a, b).map((change) => ({ rank: rankOf(change), change })));
    } else {
      const sides = a ? { from: 'present', to: isKept(a) ? KEPT : 'deleted' } : { from: null, to: 'created' };
      const change = { kind: object.kind, name: object.name, field: 'object', ...sides };
      ranked.push({ rank: WORKLOADS.has(object.kind) ? 2 : 6, change });
    }
  }
  const text = (c: Change): string => `${c.kind}\0${c.name}\0${c.field}`;
  return ranked
    .sort((x, y) => x.rank - y.rank || (text(x.change) < text(y.change) ? -1 : 1))
    .map(({ change }) => change);
}

/** Helm leaves an object with this annotation in the cluster when it drops out of the manifest. */
export const isKept = ({ tree }: ManifestObject): boolean => {
  const annotations = isTree(tree.metadata) ? tree.metadata.annotations : undefined;
  return isTree(annotations) && String(annotations['helm.sh/resource-policy']).toLowerCase() === 'keep';
};
const KEPT = 'kept, no longer part of the release (helm.sh/resource-policy: keep)';

/** Every object of a manifest with its content. Throws `UNAVAILABLE` when it is not YAML; `revision` is how the error calls it. */
export const manifestObjects = (manifest: string, revision = 'the revision'): ManifestObject[] =>
  parse(splitDocuments(manifest), revision);

/** The same object in two revisions, or in the cluster now and then: what differs, in the words of `diffManifests`. */
export const diffObjects = (before: ManifestObject, after: ManifestObject): Change[] => compare(before, after);

/** Every object of a manifest. Throws `UNAVAILABLE` when it is not YAML; `revision` is how the error calls it. */
export function objectsIn(manifest: string, revision = 'the revision'): ObjectRef[] {
  return parse(splitDocuments(manifest), revision).map(({ kind, namespace, name }) => ({ kind, namespace, name }));
}

/** YAML 1.2 section 9.1.2: `---` at the start of a line, which no indented block can hold. */
const splitDocuments = (manifest: string): string[] =>
  manifest
    .split(/^---(?=\s|$)/m)
    .map((doc) => doc.trim())
    .filter((doc) => doc !== '');

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

function parse(docs: readonly string[], revision: string): ManifestObject[] {
  return docs.flatMap((text) => {
    let values: unknown[];
    try {
      // Helm takes manifests with repeated keys, so they are not an error here.
      values = parseAllDocuments(text, { uniqueKeys: false, logLevel: 'silent' }).map((doc) => {
        if (doc.errors[0]) throw doc.errors[0];
        return doc.toJS() as unknown;
      });
    } catch {
      throw notYaml(revision);
    }
    return values.flatMap((value) => toObjects(value, revision));
  });
}

function toObjects(value: unknown, revision: string): ManifestObject[] {
  if (value === null || value === undefined) return [];
  if (!isTree(value)) throw notYaml(revision);
  if (Array.isArray(value.items) && String(value.kind).endsWith('List')) {
    return value.items.flatMap((item) => toObjects(item, revision));
  }
  const meta = isTree(value.metadata) ? value.metadata : {};
  const namespace = typeof meta.namespace === 'string' ? meta.namespace : null;
  return [
    {
      kind: String(value.kind ?? 'unknown'),
      namespace,
      name: String(meta.name ?? meta.generateName ?? ''),
      tree: value,
    },
  ];
}

const notYaml = (revision: string) =>
  unavailable(
    `the manifest of ${revision} does not parse as Kubernetes YAML.`,
    'look at it with `helm get manifest`; do not change production on a plan that cannot be shown.',
  );

const byIdentity = (objects: readonly ManifestObject[]): Map<string, ManifestObject> =>
  new Map(objects.map((object) => [`${object.kind}\0${object.namespace ?? ''}\0${object.name}`, object]));

function compare(before: ManifestObject, after: ManifestObject): Change[] {
  const single = containerCount(before.tree) <= 1 && containerCount(after.tree) <= 1;
  const [a, b] = [leaves(before), leaves(after)];
  const changes: Change[] = [];
  for (const path of new Set([...a.keys(), ...b.keys()])) {
    const [x, y] = [a.get(path), b.get(path)];
    if (x?.value === y?.value) continue;
    const hidden = x?.hidden === true || y?.hidden === true;
    changes.push({ kind: after.kind, name: after.name, field: readable(path, single), ...shown(x, y, hidden) });
  }
  return changes;
}

function containerCount(tree: Tree): number {
  const spec = isTree(tree.spec) ? tree.spec : {};
  const job = isTree(spec.jobTemplate) && isTree(spec.jobTemplate.spec) ? spec.jobTemplate.spec : spec;
  const pod = isTree(job.template) && isTree(job.template.spec) ? job.template.spec : {};
  return Array.isArray(pod.containers) ? pod.containers.length : 0;
}

/** `spec.template.spec.containers[a].env[B]` as a human says it: `env[B]`; the container stays where there are several. */
function readable(path: string, single: boolean): string {
  const short = path
    .replace(/^spec\.jobTemplate\.spec\.template\.spec\./, '')
    .replace(/^spec\.template\.spec\./, '')
    .replace(/^spec\./, '');
  return single ? short.replace(/^containers\[[^\]]*\]\.(?!image$)/, '') : short;
}

function shown(x: Leaf | undefined, y: Leaf | undefined, hidden: boolean): { from: string | null; to: string | null } {
  if (hidden) return { from: x ? MASK : null, to: y ? (x ? CHANGED : MASK) : null };
  const text = (leaf: Leaf | undefined): string | null => (leaf ? maskText(leaf.show ?? leaf.value) : null);
  const [from, to] = [text(x), text(y)];
  if (from === null || to === null) return { from: from === null ? null : cut(from), to: to === null ? null : cut(to) };
  if (from === to) return { from: cut(from), to: `${cut(from)} (changed)` };
  return differing(from, to);
}

const cut = (text: string): string => {
  const line = text.trim().replace(/\s*\n\s*/g, ' | ');
  return line.length > CUT ? `${line.slice(0, CUT - 1)}…` : line;
};

/** The part in which two texts differ: whole lines of a file, and the surroundings of the difference in a long value. */
function differing(from: string, to: string): { from: string; to: string } {
  const [a, b] = [from.split('\n'), to.split('\n')];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const pick = (lines: string[]): string =>
    lines
      .slice(head, lines.length - tail)
      .join('\n')
      .trim();
  let [x, y] = a.length > 1 || b.length > 1 ? [pick(a), pick(b)] : [from, to];
  if (x === y) [x, y] = [from, to];
  let same = 0;
  while (same < x.length && x[same] === y[same]) same++;
  const skip = same > CUT / 2 && Math.max(x.length, y.length) > CUT ? same - 20 : 0;
  const window = (text: string): string =>
    skip > 0 ? `…${cut(text.slice(skip, skip + CUT * 2)).slice(0, CUT - 1)}` : cut(text);
  return { from: window(x), to: window(y) };
}

/** Fields that point at a Secret by name; the name is worth seeing. */
const POINTERS = new Set(['secret', 'secrets', 'imagePullSecrets', 'secretRef', 'secretKeyRef', 'serviceAccountToken']);
/** It repeats the whole object, values of Secrets included. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

function leaves(object: ManifestObject): Map<string, Leaf> {
  const found = new Map<string, Leaf>();
  const secret = object.kind === 'Secret';
  const walk = (value: unknown, path: string, key: string, hidden: boolean): void => {
    if (value === null || value === undefined) return;
    if (Array.isArray(value)) {
      walkList(value, path, key, hidden);
    } else if (isTree(value)) {
      for (const [name, child] of Object.entries(value)) {
        if (name === LAST_APPLIED) continue;
        const inSecret = secret && path === '' && (name === 'data' || name === 'stringData');
        // A chart's checksum is the hash of a whole template, often of one that holds credentials.
        const named =
          name.startsWith('checksum/') || (isSecretKey(name) && !(POINTERS.has(name) && typeof child === 'object'));
        walk(child, join(path, name), name, hidden || inSecret || (named && typeof child !== 'boolean'));
      }
    } else {
      found.set(path, { value: String(value), hidden });
    }
  };
  const walkList = (list: unknown[], path: string, key: string, hidden: boolean): void => {
    if (key === 'env' && list.every((item) => isTree(item) && typeof item.name === 'string')) {
      for (const item of list as Tree[]) found.set(`${path}[${item.name}]`, envLeaf(item, hidden));
      return;
    }
    const by = listKey(list);
    if (by !== null) {
      for (const item of list as Tree[]) walk(item, `${path}[${item[by]}]`, key, hidden);
    } else if (list.every((item) => typeof item !== 'object')) {
      const words = list.map(String);
      if (list.length > 0) found.set(path, { value: words.join('\0'), show: maskWords(words).join(' '), hidden });
    } else {
      list.forEach((item, i) => {
        walk(item, `${path}[${i}]`, key, hidden);
      });
    }
  };
  walk(object.tree, '', '', false);
  return found;
}

const join = (path: string, name: string): string =>
  /^[\w.-]+$/.test(name) ? (path === '' ? name : `${path}.${name}`) : `${path}[${name}]`;

/** The field by which Kubernetes merges a list, where every item has it once: then an item that moved has not changed. */
function listKey(list: readonly unknown[]): string | null {
  if (list.length === 0 || !list.every(isTree)) return null;
  for (const key of ['mountPath', 'name', 'containerPort', 'port', 'key', 'type']) {
    const values = list.map((item) => item[key]);
    if (values.every((v) => typeof v === 'string' || typeof v === 'number') && new Set(values).size === list.length)
      return key;
  }
  return null;
}

function envLeaf(item: Tree, hidden: boolean): Leaf {
  if (!isTree(item.valueFrom))
    return { value: String(item.value ?? ''), hidden: hidden || isSecretKey(String(item.name)) };
  const [source, ref] = Object.entries(item.valueFrom)[0] ?? ['', {}];
  const at = isTree(ref) ? ref : {};
  const what = { secretKeyRef: 'Secret', configMapKeyRef: 'ConfigMap' }[source];
  return {
    value: what ? `from ${what} ${at.name}, key ${at.key}` : `from ${at.fieldPath ?? at.resource ?? source}`,
    hidden,
  };
}

/** Arguments of a program: the one after `--password` is a secret. */
const maskWords = (words: readonly string[]): string[] =>
  words.map((word, i) => {
    const flag = /^--?([\w.-]+)$/.exec(words[i - 1] ?? '');
    return flag?.[1] && isSecretKey(flag[1]) && !word.startsWith('-') ? MASK : word;
  });

const BOOKKEEPING =
  /checksum|\[(helm\.sh|meta\.helm\.sh)\/|\[app\.kubernetes\.io\/(version|managed-by)\]|labels\.(chart|heritage|release)$/;

/** The order in which a human wants to see changes; 9 for what merely follows from others. */
function rankOf({ kind, field }: Change): number {
  if (BOOKKEEPING.test(field)) return 9;
  if (/(^|\.)image$/.test(field)) return 0;
  if (/^(replicas|minReplicas|maxReplicas)$/.test(field)) return 1;
  if (/(^|\.)env(\[|From)/.test(field)) return 3;
  if (/(^|\.)resources\./.test(field)) return 4;
  if (kind === 'ConfigMap' || kind === 'Secret') return 5;
  return 6;
}
