import { KubeError } from '../../platform/errors.ts';
import { withClusterIp } from '../../platform/services.ts';
import type { ObjectStore } from '../../platform/store.ts';
import type { KubeObject } from '../../platform/types.ts';

type Strings = Record<string, string>;

/**
 * What the API server itself adds to an object before it stores it: the address of a Service, and a Secret's `stringData` as
 * `data`. `before` is null for a new object. @throws KubeError 422 for an address that changes
 */
export function admit(store: ObjectStore, next: KubeObject, before: KubeObject | null): KubeObject {
  if (next.apiVersion !== 'v1') return next;
  if (next.kind === 'Secret') return withStringData(next);
  if (next.kind !== 'Service') return next;
  const { clusterIP: was, clusterIPs } = (before?.spec ?? {}) as Record<string, unknown>;
  const { clusterIP: is } = (next.spec ?? {}) as Record<string, unknown>;
  if (was === undefined || is === was) return withClusterIp(store, next);
  if (is !== undefined && is !== '') {
    const why = `spec.clusterIPs[0]: Invalid value: ["${is}"]: may not change once set`;
    throw KubeError.invalid('Service', next.metadata.name, why);
  }
  // A client that does not know the address keeps it.
  return { ...next, spec: { ...(next.spec as object), clusterIP: was, clusterIPs } };
}

function withStringData(secret: KubeObject): KubeObject {
  const { stringData, ...rest } = secret;
  const type = secret.type ?? 'Opaque';
  if (typeof stringData !== 'object' || stringData === null) return { ...rest, type };
  const encoded = Object.entries(stringData).map(([key, text]) => [key, Buffer.from(String(text)).toString('base64')]);
  return { ...rest, type, data: { ...(secret.data as Strings | undefined), ...Object.fromEntries(encoded) } };
}
