import { KubeError } from '../../platform/errors.ts';
import type { KubeObject } from '../../platform/types.ts';

export type Matcher = (object: KubeObject) => boolean;

/** A label selector: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`. @throws KubeError BadRequest */
export function labelMatcher(selector: string): Matcher {
  const parts = selector.split(/,(?![^(]*\))/).map((part) => part.trim());
  const matchers = parts.filter((part) => part !== '').map(requirement);
  return (object) => matchers.every((matches) => matches(object.metadata.labels ?? {}));
}

function requirement(part: string): (labels: Record<string, string>) => boolean {
  const set = /^(\S+)\s+(in|notin)\s*\(([^)]*)\)$/.exec(part);
  if (set !== null) {
    const [, key = '', operator, list = ''] = set;
    const values = list.split(',').map((value) => value.trim());
    return (labels) => {
      const value = labels[key];
      const included = value !== undefined && values.includes(value);
      return operator === 'in' ? included : !included;
    };
  }
  const equality = /^([^\s!=]+)\s*(!=|==|=)\s*([^\s!=]*)$/.exec(part);
  if (equality !== null) {
    const [, key = '', operator, value = ''] = equality;
    return operator === '!=' ? (labels) => labels[key] !== value : (labels) => labels[key] === value;
  }
  const presence = /^(!?)\s*([A-Za-z0-9][\w./-]*)$/.exec(part);
  if (presence !== null) {
    const [, not, key = ''] = presence;
    return not === '!' ? (labels) => labels[key] === undefined : (labels) => labels[key] !== undefined;
  }
  throw KubeError.badRequest(`unable to parse requirement: ${JSON.stringify(part)}`);
}

const FIELDS: Readonly<Record<string, readonly string[]>> = {
  '*': ['metadata.name', 'metadata.namespace'],
  Pod: ['status.phase', 'spec.nodeName', 'status.podIP', 'spec.restartPolicy', 'spec.serviceAccountName'],
  Event: [
    'involvedObject.kind',
    'involvedObject.namespace',
    'involvedObject.name',
    'involvedObject.uid',
    'involvedObject.apiVersion',
    'reason',
    'type',
    'reportingComponent',
    'source',
  ],
  Secret: ['type'],
  Namespace: ['status.phase'],
};

/** A field selector over the fields that the API server supports for the kind. @throws KubeError BadRequest */
export function fieldMatcher(selector: string, kind: string): Matcher {
  const known = [...(FIELDS['*'] ?? []), ...(FIELDS[kind] ?? [])];
  const matchers = selector
    .split(',')
    .filter((part) => part !== '')
    .map((part) => {
      const found = /^([^!=]+)(!=|==|=)(.*)$/.exec(part);
      if (found === null) throw KubeError.badRequest(`invalid field selector: ${JSON.stringify(part)}`);
      const [, field = '', operator, value = ''] = found;
      if (!known.includes(field)) throw KubeError.badRequest(`field label not supported: ${field}`);
      return (object: KubeObject): boolean => (fieldOf(object, field) === value) === (operator !== '!=');
    });
  return (object) => matchers.every((matches) => matches(object));
}

function fieldOf(object: KubeObject, field: string): string {
  let value: unknown = object;
  for (const key of field.split('.')) value = (value as Record<string, unknown> | undefined)?.[key];
  if (typeof value === 'object' && value !== null) return String((value as { component?: string }).component ?? '');
  return value === undefined ? '' : String(value);
}
