import { KubeError } from '../../platform/errors.ts';
import type { Request } from '../http.ts';
import { decodeKubernetes, PROTOBUF } from './messages.ts';
import { jsonPatch, mergePatch, strategicPatch } from './patch.ts';

/** @throws KubeError 415 for a body of a type or kind that is not taken, 400 for one that is not of its type by its content */
export function bodyOf(request: Request): unknown {
  const type = request.headers['content-type'] ?? 'application/json';
  if (type.split(';')[0]?.trim() === PROTOBUF) return decodeKubernetes(request.body);
  if (!/^application\/([\w.-]+\+)?json\b/.test(type)) {
    throw new KubeError(415, 'UnsupportedMediaType', `the body of the request was in an unknown format: ${type}`);
  }
  try {
    return JSON.parse(request.body.toString('utf8'));
  } catch {
    throw KubeError.badRequest('the body of the request is not JSON');
  }
}

/** The target after the patch in the body, of one of the three types in JSON. @throws KubeError 415 for another content type */
export function patched(target: unknown, request: Request): unknown {
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim();
  const body = bodyOf(request);
  if (type === 'application/strategic-merge-patch+json') return strategicPatch(target, body);
  if (type === 'application/merge-patch+json') return mergePatch(target, body);
  if (type === 'application/json-patch+json') return jsonPatch(target, body);
  const known = 'json-patch+json, merge-patch+json, strategic-merge-patch+json, apply-patch+yaml';
  throw new KubeError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted: ${known}`,
  );
}
