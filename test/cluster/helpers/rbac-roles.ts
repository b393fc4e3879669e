import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';

/** One thing that a Role of docs/rbac grants. */
export interface Granted {
  verb: string;
  /** Empty for the core. */
  group: string;
  /** With its subresource, as in `deployments/scale`. */
  resource: string;
}

interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
}

interface Document {
  kind: string;
  metadata: { name: string; namespace?: string };
  rules?: Rule[];
  subjects?: { kind: string; name: string; namespace: string }[];
}

export type RoleFile = 'reader' | 'operator';

/** The objects of a file of docs/rbac. */
export function documentsOf(file: RoleFile | 'accounts'): Document[] {
  const path = fileURLToPath(new URL(`../../../docs/rbac/${file}.yaml`, import.meta.url));
  return parseAllDocuments(readFileSync(path, 'utf8')).map((document) => document.toJS() as Document);
}

/** Everything that a file grants, one by one. */
export function grantedBy(file: RoleFile): Granted[] {
  return documentsOf(file).flatMap(({ rules }) =>
    (rules ?? []).flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.map((verb) => ({ verb, group, resource })))),
    ),
  );
}

export const keyOf = ({ verb, group, resource }: Granted): string =>
  `${verb} ${resource.split('/')[0]}${group === '' ? '' : `.${group}`}${resource.includes('/') ? `/${resource.split('/')[1]}` : ''}`;

/** A Role of exactly these. */
export const roleOf = (name: string, namespace: string, granted: readonly Granted[]): object => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'Role',
  metadata: { name, namespace },
  rules: granted.map(({ verb, group, resource }) => ({ apiGroups: [group], resources: [resource], verbs: [verb] })),
});
