import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diffManifests, objectsIn } from '../../src/domain/manifest-diff.ts';

interface Parts {
  image?: string;
  replicas?: number;
  level?: string;
  memory?: string;
  config?: string;
  password?: string;
  extra?: string;
  checksum?: string;
  args?: string;
}
const manifest = (p: Parts = {}): string => `---
# Source: core/templates/secret.yaml
apiVersion: v1
kind: Secret
metadata:
  name: creds
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{"data":{"password":"${p.password ?? 'b25l'}"}}'
data:
  password: ${p.password ?? 'b25l'}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
data:
  app.yaml: |
    one: 1
    two: ${p.config ?? '2'}
    three: 3
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: analysis-engine
  namespace: prod
  labels: { helm.sh/chart: core-${p.checksum ?? '1'} }
spec:
  replicas: ${p.replicas ?? 3}
  template:
    metadata:
      annotations: { checksum/config: abc${p.checksum ?? '1'} }
    spec:
      containers:
        - name: analysis-engine
          image: reg/engine:${p.image ?? '1.0.0'}
          args: ${p.args ?? '[run]'}
          env:
            - { name: LOG_LEVEL, value: ${p.level ?? 'info'} }
            - { name: API_TOKEN, value: ${p.password ?? 'b25l'} }
            - { name: DB, valueFrom: { secretKeyRef: { name: creds, key: password } } }
          resources: { limits: { memory: ${p.memory ?? '1Gi'} } }
${p.extra ?? ''}`;

describe('diffManifests', () => {
  it('is empty for the same manifest, whatever the order of objects and list items', () => {
    expect(diffManifests(manifest(), manifest())).toEqual([]);
    const list = (a: string, b: string) =>
      `kind: Deployment\nmetadata: {name: x}\nspec: {template: {spec: {containers: [${a}, ${b}]}}}`;
    expect(
      diffManifests(
        list('{name: a, image: i}', '{name: b, image: j}'),
        list('{name: b, image: j}', '{name: a, image: i}'),
      ),
    ).toEqual([]);
    const docs = manifest().split('---\n');
    expect(diffManifests(manifest(), docs.reverse().join('\n---\n'))).toEqual([]);
  });

  it('names fields as a human does, the most telling first and bookkeeping last', () => {
    const to = {
      image: '2.0.0',
      replicas: 5,
      level: 'debug',
      memory: '2Gi',
      config: 'zwei',
      password: 'dHdv',
      checksum: '2',
    };
    const changes = diffManifests(manifest(), manifest(to));
    expect(changes.map((c) => [c.kind, c.field, c.from, c.to])).toEqual([
      ['Deployment', 'containers[analysis-engine].image', 'reg/engine:1.0.0', 'reg/engine:2.0.0'],
      ['Deployment', 'replicas', '3', '5'],
      ['Deployment', 'env[API_TOKEN]', '***', '*** (changed)'],
      ['Deployment', 'env[LOG_LEVEL]', 'info', 'debug'],
      ['Deployment', 'resources.limits.memory', '1Gi', '2Gi'],
      ['ConfigMap', 'data.app.yaml', 'two: 2', 'two: zwei'],
      ['Secret', 'data.password', '***', '*** (changed)'],
      ['Deployment', 'metadata.labels[helm.sh/chart]', 'core-1', 'core-2'],
      ['Deployment', 'template.metadata.annotations[checksum/config]', '***', '*** (changed)'],
    ]);
    expect(changes.every((c) => c.kind !== 'Deployment' || c.name === 'analysis-engine')).toBe(true);
  });

  it('shows objects that come and go', () => {
    const job = '---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate}\n';
    expect(diffManifests(manifest(), manifest({ extra: job }))).toEqual([
      { kind: 'Job', name: 'migrate', field: 'object', from: null, to: 'created' },
    ]);
    expect(diffManifests(manifest({ extra: job }), manifest())).toEqual([
      { kind: 'Job', name: 'migrate', field: 'object', from: 'present', to: 'deleted' },
    ]);
  });

  it('tells the same name in two namespaces apart', () => {
    const at = (ns: string, v: number) => `kind: ConfigMap\nmetadata: {name: a, namespace: ${ns}}\ndata: {v: "${v}"}\n`;
    expect(diffManifests(`${at('x', 1)}---\n${at('y', 1)}`, `${at('x', 1)}---\n${at('y', 2)}`)).toHaveLength(1);
  });

  it('keeps the container where there are several', () => {
    const two = (level: string) => `kind: StatefulSet
metadata: {name: x}
spec: {template: {spec: {containers: [{name: a, env: [{name: L, value: ${level}}]}, {name: b}]}}}`;
    expect(diffManifests(two('i'), two('j'))[0]?.field).toBe('containers[a].env[L]');
  });

  it('shows where a variable comes from, and the place of a long change', () => {
    const env = (rest: string) =>
      `kind: Deployment\nmetadata: {name: x}\nspec: {template: {spec: {containers: [{name: a, env: [{name: P, ${rest}}]}]}}}`;
    expect(diffManifests(env('value: x'), env('valueFrom: {secretKeyRef: {name: s, key: k}}'))[0]).toMatchObject({
      field: 'env[P]',
      from: 'x',
      to: 'from Secret s, key k',
    });
    const long = (end: string) => `kind: ConfigMap\nmetadata: {name: x}\ndata: {v: "${'a'.repeat(500)}${end}"}`;
    const change = diffManifests(long('left'), long('right'))[0];
    expect(change?.from).toMatch(/^…a+left$/);
    expect(change?.to?.length).toBeLessThanOrEqual(121);
  });

  it('never shows a secret, wherever it is planted', () => {
    const word = fc.stringMatching(/^Zq9[a-zA-Z0-9]{12,30}$/);
    fc.assert(
      fc.property(word, word, (one, two) => {
        const plant = (s: string) =>
          manifest({
            password: s,
            config: `x\n    db_password: "${s}"\n    url: postgres://u:${s}@h/x`,
            args: `[--password, ${s}, --token=${s}]`,
            extra: `---
kind: Custom
metadata: {name: c}
spec: {credentials: {user: ${s}}, hook: "https://hooks.slack.com/services/T/B/${s}"}
---
kind: Secret
metadata: {name: other-${s.slice(0, 1)}x}
stringData: {plain: ${s}}`,
          });
        const text = JSON.stringify([
          diffManifests(plant(one), plant(two)),
          diffManifests(manifest(), plant(one)),
          diffManifests(plant(two), manifest()),
        ]);
        expect(text).not.toContain(one);
        expect(text).not.toContain(two);
        expect(text).toContain('*** (changed)');
      }),
      { numRuns: 40 },
    );
  });

  it('does not lose a change that masking makes invisible', () => {
    const changes = diffManifests(manifest({ args: '[--password, one]' }), manifest({ args: '[--password, two]' }));
    expect(changes).toEqual([
      {
        kind: 'Deployment',
        name: 'analysis-engine',
        field: 'args',
        from: '--password ***',
        to: '--password *** (changed)',
      },
    ]);
  });

  it.each(['a: [1', 'just text', '- a\n- b', '{{ .Values.x }}: {a'])('refuses what is no manifest: %j', (bad) => {
    expect(() => diffManifests(manifest(), bad, { from: 'revision 3', to: 'revision 2' })).toThrow(
      expect.objectContaining({ code: 'UNAVAILABLE', message: expect.stringContaining('revision 2') }),
    );
  });
});

describe('objectsIn', () => {
  it('lists objects, also those of a List, and skips empty documents', () => {
    const text = `${manifest()}\n---\n# nothing\n---\nkind: List\nitems: [{kind: Job, metadata: {name: j}}]`;
    expect(objectsIn(text).map((o) => `${o.kind}/${o.name}`)).toEqual([
      'Secret/creds',
      'ConfigMap/settings',
      'Deployment/analysis-engine',
      'Job/j',
    ]);
    expect(objectsIn('')).toEqual([]);
  });
});
