import { expect, it } from 'vitest';
import { ACT, READ, type Right } from '../../src/cli/doctor/rights.ts';
import { documentsOf, grantedBy, keyOf, type RoleFile } from '../cluster/helpers/rbac-roles.ts';

const key = ({ verb, group, resource, subresource }: Right): string =>
  keyOf({ verb, group, resource: subresource === undefined ? resource : `${resource}/${subresource}` });

const FILES: [RoleFile, readonly Right[]][] = [
  ['reader', READ],
  ['operator', ACT],
];

it.each(FILES)('docs/rbac/%s.yaml grants what doctor asks for, each once', (file, rights) => {
  const granted = grantedBy(file).map(keyOf).sort();
  expect(granted).toEqual(rights.map(key).sort());
  expect(new Set(granted).size).toBe(granted.length);
});

it('the operator has nothing that the reader has already, and nothing is granted by a wildcard or for the whole cluster', () => {
  const reader = new Set(grantedBy('reader').map(keyOf));
  const operator = grantedBy('operator');
  expect(operator.map(keyOf).filter((one) => reader.has(one))).toEqual([]);
  expect([...grantedBy('reader'), ...operator].filter((one) => keyOf(one).includes('*'))).toEqual([]);
  for (const file of ['reader', 'operator'] as const)
    expect(documentsOf(file).map(({ kind }) => kind)).toEqual(['Role', 'RoleBinding']);
});

it('binds the accounts that are made: both may look, one may act', () => {
  const accounts = documentsOf('accounts').filter(({ kind }) => kind === 'ServiceAccount');
  const names = accounts.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
  const bound = (file: RoleFile) =>
    documentsOf(file)
      .flatMap(({ subjects }) => subjects ?? [])
      .map(({ namespace, name }) => `${namespace}/${name}`);
  expect(bound('reader')).toEqual(names);
  expect(bound('operator')).toEqual(['incident-mcp/incident-mcp-operator']);
});
