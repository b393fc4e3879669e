import { createHash } from 'node:crypto';
import type { ObjectStore } from './store.ts';
import type { KubeObject } from './types.ts';

/** Addresses of Services are 10.43.0.1 to 10.43.255.254, as in a cluster whose service range is 10.43.0.0/16. */
const ADDRESSES = 65_534;

/**
 * The Service with an address of its own, as the API server gives it one: told by its name, so that the same platform has the
 * same addresses. One that has an address, is headless (`None`) or names a host outside stays as it is.
 */
export function withClusterIp(store: ObjectStore, service: KubeObject): KubeObject {
  const spec = service.spec as Record<string, unknown> | undefined;
  if (spec === undefined || spec.type === 'ExternalName' || (spec.clusterIP ?? '') !== '') return service;
  const taken = new Set(store.list('services').map((other) => (other.spec as { clusterIP?: string }).clusterIP));
  const { namespace = '', name } = service.metadata;
  let place = createHash('sha256').update(`${namespace}/${name}`).digest().readUInt32BE(0);
  let clusterIP: string;
  do {
    const number = (place++ % ADDRESSES) + 1;
    clusterIP = `10.43.${number >> 8}.${number & 255}`;
  } while (taken.has(clusterIP));
  return { ...service, spec: { ...spec, clusterIP, clusterIPs: [clusterIP] } };
}
