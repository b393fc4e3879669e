import { KubeError } from '../../platform/errors.ts';
import { decodeMessage, type Field, type FieldType, type Message, ProtobufError } from './protobuf.ts';

/**
 * The messages that clients made from Kubernetes' own Go library, Helm among them, send as protobuf. The numbers are those
 * of the published protos: k8s.io/api/core/v1, k8s.io/apimachinery/pkg/apis/meta/v1 and k8s.io/apimachinery/pkg/runtime.
 */

export const PROTOBUF = 'application/vnd.kubernetes.protobuf';

const one = (name: string, type: FieldType = 'string'): Field => ({ name, type });
const list = (name: string, type: FieldType = 'string'): Field => ({ name, type, many: 'list' });
const map = (name: string, type: FieldType = 'string'): Field => ({ name, type, many: 'map' });
const message = (fields: Record<number, Field>): Message =>
  new Map(Object.entries(fields).map(([number, field]) => [Number(number), field]));

const OWNER_REFERENCE = message({
  1: one('kind'),
  3: one('name'),
  4: one('uid'),
  5: one('apiVersion'),
  6: one('controller', 'bool'),
  7: one('blockOwnerDeletion', 'bool'),
});

// Without managedFields, which the sandbox does not keep.
const OBJECT_META = message({
  1: one('name'),
  2: one('generateName'),
  3: one('namespace'),
  4: one('selfLink'),
  5: one('uid'),
  6: one('resourceVersion'),
  7: one('generation', 'int'),
  8: one('creationTimestamp', 'time'),
  9: one('deletionTimestamp', 'time'),
  10: one('deletionGracePeriodSeconds', 'int'),
  11: map('labels'),
  12: map('annotations'),
  13: list('ownerReferences', OWNER_REFERENCE),
  14: list('finalizers'),
});

const SECRET = message({
  1: one('metadata', OBJECT_META),
  2: map('data', 'bytes'),
  3: one('type'),
  4: map('stringData'),
  5: one('immutable', 'bool'),
});

const DELETE_OPTIONS = message({
  1: one('gracePeriodSeconds', 'int'),
  2: one('preconditions', message({ 1: one('uid'), 2: one('resourceVersion') })),
  3: one('orphanDependents', 'bool'),
  4: one('propagationPolicy'),
  5: list('dryRun'),
});

/** By `apiVersion/kind`. Every API group knows DeleteOptions as its own; the core group's is what Secrets are deleted with. */
const KINDS: Readonly<Record<string, Message>> = { 'v1/Secret': SECRET, 'v1/DeleteOptions': DELETE_OPTIONS };

/** Every body begins with these bytes, then comes an `Unknown`: the object's type, and the object itself as bytes. */
const MAGIC = Buffer.from('k8s\0', 'latin1');
const UNKNOWN = message({
  1: one('typeMeta', message({ 1: one('apiVersion'), 2: one('kind') })),
  2: one('raw', 'bytes'),
  3: one('contentEncoding'),
});

/**
 * The object of a protobuf body as it would be in JSON, without fields at their empty value.
 * @throws KubeError 400 for bytes that are no such body, 415 for a kind that the sandbox takes as JSON only
 */
export function decodeKubernetes(body: Buffer): Record<string, unknown> {
  if (!body.subarray(0, MAGIC.length).equals(MAGIC)) throw malformed('does not begin with the prefix k8s');
  const { typeMeta, raw, contentEncoding } = decode(body.subarray(MAGIC.length), UNKNOWN) as {
    typeMeta?: { apiVersion?: string; kind?: string };
    raw?: string;
    contentEncoding?: string;
  };
  const { apiVersion = '', kind = '' } = typeMeta ?? {};
  const table = Object.hasOwn(KINDS, `${apiVersion}/${kind}`) ? KINDS[`${apiVersion}/${kind}`] : undefined;
  if (table === undefined || contentEncoding) {
    const why = `the body of the request was in an unknown format: ${PROTOBUF} of ${apiVersion}, Kind=${kind}`;
    throw new KubeError(415, 'UnsupportedMediaType', why);
  }
  return { apiVersion, kind, ...withoutEmpty(decode(Buffer.from(raw ?? '', 'base64'), table)) };
}

/** Protobuf of Kubernetes writes every string, also the empty one, where JSON has `omitempty`. */
function withoutEmpty(object: Record<string, unknown>): Record<string, unknown> {
  const metadata = object.metadata as Record<string, unknown> | undefined;
  const kept = Object.entries(object).filter(([, value]) => value !== '');
  const result = Object.fromEntries(kept);
  if (metadata !== undefined) {
    const present = Object.entries(metadata).filter(([, value]) => value !== '' && value !== null && value !== 0);
    result.metadata = Object.fromEntries(present);
  }
  return result;
}

function decode(bytes: Buffer, table: Message): Record<string, unknown> {
  try {
    return decodeMessage(bytes, table);
  } catch (error) {
    if (error instanceof ProtobufError) throw malformed(error.message);
    throw error;
  }
}

const malformed = (why: string): KubeError =>
  KubeError.badRequest(`the body of the request is not ${PROTOBUF}: ${why}`);
