import { KubeError, statusOf } from '../../platform/errors.ts';
import { podLog } from '../../platform/logs.ts';
import type { Platform } from '../../platform/platform.ts';
import { qualified } from '../../platform/resources.ts';
import type { KubeObject } from '../../platform/types.ts';
import { type ErrorBody, type Handler, json, type Reply, type Request, type Stream, text } from '../http.ts';
import { authenticate, refusal, selfReview } from './access.ts';
import { type Declarations, isApply, noteDeclared, seededDeclarations } from './apply.ts';
import { discovery, SERVER_VERSION } from './discovery.ts';
import { formOf, listReply, objectReply, type TextCache } from './read.ts';
import { type Target, targetOf } from './target.ts';
import { watchStream } from './watch.ts';
import {
  applyObject,
  createObject,
  deleteObject,
  patchObject,
  replaceObject,
  scaleOf,
  type Written,
  writeScale,
} from './write.ts';

const REASONS: Readonly<Record<number, string>> = {
  401: 'Unauthorized',
  404: 'NotFound',
  429: 'TooManyRequests',
  500: 'InternalError',
};

export const kubernetesError: ErrorBody = (status, asked) => {
  if (status === 403) return errorReply(refusal(asked));
  return errorReply(new KubeError(status, REASONS[status] ?? 'Unknown', REASONS[status] ?? `status ${status}`));
};

function errorReply(error: KubeError): Reply {
  return json(error.code, statusOf(error));
}

/** What the wire answers from: the platform, and what it keeps of its own from one request to the next. */
interface Served {
  platform: Platform;
  cache: TextCache;
  declarations: Declarations;
}

/**
 * The part of the Kubernetes API that the sandbox serves, to whoever has no other token. Every real write is noted in the
 * platform's action log.
 */
export function kubernetesWire(platform: Platform, token: string): Handler {
  const served: Served = { platform, cache: new WeakMap(), declarations: seededDeclarations(platform) };
  return (request) => {
    try {
      authenticate(request, token);
      return answer(served, request);
    } catch (error) {
      if (error instanceof KubeError) return errorReply(error);
      throw error;
    }
  };
}

function answer(served: Served, request: Request): Reply | Stream {
  const path = request.path.length > 1 ? request.path.replace(/\/$/, '') : request.path;
  if (path === '/version') return json(200, SERVER_VERSION);
  if (/^\/(livez|readyz|healthz)$/.test(path)) return text(200, 'ok');
  const document = discovery(path);
  if (document !== undefined) {
    if (request.method !== 'GET') throw KubeError.notAllowed();
    return json(200, document);
  }
  const reviewed = selfReview(request);
  if (reviewed !== undefined) return reviewed;
  const target = targetOf(path);
  if (target === undefined) throw KubeError.noSuchPath();
  if (target.name === undefined) return collection(served, request, target);
  return single(served, request, target, target.name);
}

function noteAction(platform: Platform, request: Request, { before, after, dryRun }: Written): void {
  if (!dryRun) platform.actions.note(request.headers['user-agent'] ?? '', before, after);
}

function note({ platform, declarations }: Served, request: Request, written: Written): void {
  const { before, after, dryRun } = written;
  noteAction(platform, request, written);
  if (dryRun) return;
  if (after === null) declarations.delete(before?.metadata.uid ?? '');
  else noteDeclared(declarations, request, after);
}

function collection(served: Served, request: Request, target: Target): Reply | Stream {
  const { resource, namespace } = target;
  const { store, clock } = served.platform;
  const form = formOf(request.headers.accept);
  if (request.method === 'GET') {
    const watched = request.query.get('watch');
    if (watched === 'true' || watched === '1') {
      return watchStream(store, resource, namespace, request.query, form, clock.now);
    }
    return listReply(store, resource, namespace, request.query, form, clock.now(), served.cache);
  }
  if (request.method !== 'POST' || (resource.namespaced && namespace === undefined)) throw KubeError.notAllowed();
  const written = createObject(store, resource, namespace ?? '', request);
  note(served, request, written);
  return objectReply(written.after as KubeObject, request.query, form, clock.now(), 201);
}

function single(served: Served, request: Request, target: Target, name: string): Reply {
  const { resource, namespace = '', subresource } = target;
  const { platform, declarations } = served;
  const { store, clock } = platform;
  const object = store.get(resource.plural, namespace, name);
  const form = formOf(request.headers.accept);
  if (subresource === undefined && isApply(request)) {
    const written = applyObject(store, resource, { namespace, name }, object, request, declarations);
    note(served, request, written);
    const status = object === undefined ? 201 : 200;
    return objectReply(written.after as KubeObject, request.query, form, clock.now(), status);
  }
  if (object === undefined) throw KubeError.notFound(qualified(resource), name);
  const { method } = request;
  if (subresource === 'log' && resource.plural === 'pods') {
    if (method !== 'GET') throw KubeError.notAllowed();
    return text(200, podLog(object, platform.faultOf(object), clock.now(), request.query));
  }
  if (subresource === 'scale' && resource.scalable) {
    if (method === 'GET') return json(200, scaleOf(object));
    if (method !== 'PUT' && method !== 'PATCH') throw KubeError.notAllowed();
    const written = writeScale(store, resource, object, request);
    noteAction(platform, request, written);
    return json(200, scaleOf(written.after as KubeObject));
  }
  if (subresource !== undefined && !(subresource === 'status' && method === 'GET')) throw KubeError.noSuchPath();
  if (method === 'GET') return objectReply(object, request.query, form, clock.now());
  const write = { PUT: replaceObject, PATCH: patchObject, DELETE: deleteObject }[method];
  if (write === undefined) throw KubeError.notAllowed();
  const written = write(store, resource, object, request);
  note(served, request, written);
  if (written.after !== null) return objectReply(written.after, request.query, form, clock.now());
  const details = { name, kind: resource.plural, uid: object.metadata.uid };
  return json(200, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details });
}
