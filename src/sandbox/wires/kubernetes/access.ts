import { KubeError } from '../../platform/errors.ts';
import { json, type Reply, type Request } from '../http.ts';
import { bodyOf } from './body.ts';
import { partsOf } from './target.ts';

/** Whom the one token of the kubeconfig stands for. */
const USER = 'on-call';

/**
 * Refuses another token than the kubeconfig's, on every path. Who sends none is let in: clients made from Kubernetes' own Go library, kubectl and
 * Helm among them, send no credentials where there is no TLS. @throws KubeError 401
 */
export function authenticate({ headers }: Request, token: string): void {
  if (headers.authorization === undefined) return;
  const [scheme = '', given] = headers.authorization.split(' ');
  if (scheme.toLowerCase() !== 'bearer' || given !== token) throw new KubeError(401, 'Unauthorized', 'Unauthorized');
}

const VERBS: Readonly<Record<string, string>> = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };

function verbOf({ method, query }: Asked, named: boolean): string {
  if (method === 'GET' || method === 'HEAD') {
    if (named) return 'get';
    return /^(true|1)$/.test(query.get('watch') ?? '') ? 'watch' : 'list';
  }
  const verb = VERBS[method] ?? method.toLowerCase();
  return verb === 'delete' && !named ? 'deletecollection' : verb;
}

type Asked = Pick<Request, 'method' | 'path' | 'query'>;

/** What the authorizer says to someone who has no rights. */
export function refusal(asked: Asked): KubeError {
  const parts = partsOf(asked.path);
  if (parts === undefined || parts.version === '') {
    const message = `forbidden: User "${USER}" cannot ${asked.method.toLowerCase()} path "${asked.path}"`;
    return new KubeError(403, 'Forbidden', message);
  }
  const { group, plural, name, subresource } = parts;
  // A Namespace lies within itself.
  const namespace = group === '' && plural === 'namespaces' ? name : parts.namespace;
  const what = `${plural}${group === '' ? '' : `.${group}`}${name === undefined ? '' : ` "${name}"`}`;
  const resource = `${plural}${subresource === undefined ? '' : `/${subresource}`}`;
  const where = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  const cannot = `cannot ${verbOf(asked, name !== undefined)} resource "${resource}" in API group "${group}" ${where}`;
  return new KubeError(403, 'Forbidden', `${what} is forbidden: User "${USER}" ${cannot}`, {
    ...(name === undefined ? {} : { name }),
    ...(group === '' ? {} : { group }),
    kind: plural,
  });
}

const REVIEWS = '/apis/authorization.k8s.io/v1/';
const ALL = { verbs: ['*'], apiGroups: ['*'], resources: ['*'] };
const ALL_PATHS = { verbs: ['*'], nonResourceURLs: ['*'] };

/** The reviews that a client may ask for about itself: everything is allowed. Undefined for any other path. */
export function selfReview(request: Request): Reply | undefined {
  const kind = {
    [`${REVIEWS}selfsubjectaccessreviews`]: 'SelfSubjectAccessReview',
    [`${REVIEWS}selfsubjectrulesreviews`]: 'SelfSubjectRulesReview',
  }[request.path];
  if (kind === undefined) return undefined;
  if (request.method !== 'POST') throw KubeError.notAllowed();
  const head = { kind, apiVersion: 'authorization.k8s.io/v1', metadata: {} };
  // kubectl may send these as protobuf; the answer is the same whatever is asked.
  const isJson = (request.headers['content-type'] ?? 'application/json').startsWith('application/json');
  const { spec = {} } = (isJson ? bodyOf(request) : {}) as { spec?: { namespace?: string } };
  if (kind === 'SelfSubjectAccessReview') {
    return json(201, { ...head, spec, status: { allowed: true, reason: 'the sandbox allows everything' } });
  }
  if (isJson && !spec.namespace) throw KubeError.badRequest('no namespace on request');
  return json(201, {
    ...head,
    spec: {},
    status: { resourceRules: [ALL], nonResourceRules: [ALL_PATHS], incomplete: false },
  });
}
