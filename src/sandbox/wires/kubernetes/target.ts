import { type Resource, resourceByPlural } from '../../platform/resources.ts';

/** What a path names, whether the sandbox serves it or not. */
export interface PathParts {
  group: string;
  version: string;
  namespace: string | undefined;
  plural: string;
  name: string | undefined;
  subresource: string | undefined;
  /** What follows the subresource. */
  extra: readonly string[];
}

/** Reads `/api/v1/namespaces/NS/pods/NAME/log` and its kin; undefined for a path that names no resource. */
export function partsOf(path: string): PathParts | undefined {
  const parts = path.split('/').slice(1);
  if (parts[0] !== 'api' && parts[0] !== 'apis') return undefined;
  const group = parts[0] === 'apis' ? (parts[1] ?? '') : '';
  const [version = '', ...rest] = parts.slice(parts[0] === 'apis' ? 2 : 1);
  const within = rest[0] === 'namespaces' && rest.length > 2;
  const [plural = '', name, subresource, ...extra] = within ? rest.slice(2) : rest;
  if (plural === '') return undefined;
  return { group, version, namespace: within ? rest[1] : undefined, plural, name, subresource, extra };
}

export interface Target {
  resource: Resource;
  namespace: string | undefined;
  name: string | undefined;
  subresource: string | undefined;
}

/** The resource that a path names, if the sandbox serves it. */
export function targetOf(path: string): Target | undefined {
  const parts = partsOf(path);
  if (parts === undefined) return undefined;
  const { group, version, namespace, plural, name, subresource, extra } = parts;
  const resource = resourceByPlural(group, version, plural);
  if (resource === undefined || extra.length > 0 || (namespace !== undefined && !resource.namespaced)) return undefined;
  return { resource, namespace, name, subresource };
}
