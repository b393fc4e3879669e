import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/sandbox/platform/types.ts';
import { applied } from '../../src/sandbox/wires/kubernetes/apply.ts';
import { strategicPatch } from '../../src/sandbox/wires/kubernetes/patch.ts';
import { type Bundle, bundleSandbox, CORE_NS, startTestSandbox, type TestSandbox } from './harness.ts';

describe('a strategic merge patch', () => {
  it.each([
    ['orders as it says', ['a', 'b'], ['b', 'a'], ['b'], ['b', 'a']],
    ['puts a new item where it says', ['a', 'c'], ['a', 'b', 'c'], ['b'], ['a', 'b', 'c']],
    ['leaves the items of others where they were', ['a', 'x', 'b'], ['b', 'a'], ['a'], ['x', 'b', 'a']],
  ])('%s', (_what, live, order, patch, expected) => {
    const named = (names: string[]) => names.map((name) => ({ name }));
    const result = strategicPatch(
      { env: named(live) },
      { '$setElementOrder/env': named(order), env: patch.map((name) => ({ name, value: '1' })) },
    ) as { env: { name: string }[] };
    expect(result.env.map((item) => item.name)).toEqual(expected);
  });

  it('keeps of a union only what it retains', () => {
    const target = { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } };
    const patch = { strategy: { $retainKeys: ['type'], type: 'Recreate' } };
    expect(strategicPatch(target, patch)).toEqual({ strategy: { type: 'Recreate' } });
  });
});

describe('server-side apply', () => {
  const object = (spec: unknown, metadata: object = {}): KubeObject => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'a', ...metadata },
    spec,
  });
  const env = (...names: string[]) => ({
    containers: [{ name: 'c', env: names.map((name) => ({ name, value: name })) }],
  });

  it.each([
    ['sets what it says', { a: 1, b: 2 }, {}, { b: 3 }, { a: 1, b: 3 }],
    ['removes what its manager said before', { a: 1, b: 2, c: { d: 1 } }, { b: 2, c: { d: 1 } }, {}, { a: 1 }],
    ['keeps what others put beside it', { c: { d: 1, e: 2 } }, { c: { d: 1 } }, {}, { c: { e: 2 } }],
    ['removes an item of a keyed list', env('A', 'B'), env('A', 'B'), env('A'), env('A')],
    ["keeps another's item of a keyed list", env('A', 'X'), env('A'), env('A', 'B'), env('A', 'X', 'B')],
    ['sets a selector whole', { selector: { x: '1' } }, {}, { selector: { y: '1' } }, { selector: { y: '1' } }],
    ['replaces a list without a key', { args: [1, 2] }, { args: [1, 2] }, { args: [3] }, { args: [3] }],
  ])('%s', (_what, live, declared, config, expected) => {
    expect(applied(object(live), { spec: declared }, object(config)).spec).toEqual(expected);
  });

  it('leaves what the server keeps, and takes over a resource version', () => {
    const live = object({}, { uid: 'u', resourceVersion: '5', annotations: { mine: '1', other: '2' } });
    const declared = { metadata: { annotations: { mine: '1' } } };
    expect(applied(live, declared, object({})).metadata).toEqual({
      name: 'a',
      uid: 'u',
      resourceVersion: '5',
      annotations: { other: '2' },
    });
    expect(applied(live, declared, object({}, { resourceVersion: '4' })).metadata.resourceVersion).toBe('4');
  });
});

interface Address {
  clusterIP: string;
}

describe('the wire', () => {
  let bundle: Bundle;
  let sandbox: TestSandbox;
  beforeAll(async () => {
    bundle = await bundleSandbox();
    sandbox = await startTestSandbox(bundle, 'healthy');
  });
  afterAll(async () => {
    await sandbox.stop();
    await bundle.remove();
  });
  const secrets = `/api/v1/namespaces/${CORE_NS}/secrets`;
  const send = (method: string, where: string, body: object, type = 'application/json') =>
    sandbox.kube(where, { method, headers: { 'content-type': type }, body: JSON.stringify(body) });

  it('writes the texts of a Secret as its data', async () => {
    const body = { metadata: { name: 'texts' }, data: { a: 'MQ==' }, stringData: { b: '2' } };
    const made = (await send('POST', secrets, body)).body;
    expect(made.data).toEqual({ a: 'MQ==', b: 'Mg==' });
    expect(made).not.toHaveProperty('stringData');
  });

  it('gives each Service an address of its own, for good', async () => {
    const services = `/api/v1/namespaces/${CORE_NS}/services`;
    const { items } = (await sandbox.kube('/api/v1/services')).body as unknown as { items: { spec: Address }[] };
    const addresses = items.map((item) => item.spec.clusterIP);
    expect(new Set(addresses).size).toBe(items.length);
    for (const address of addresses) expect(address).toMatch(/^10\.43\.\d+\.\d+$/);
    const spec = { ports: [{ port: 80 }] };
    const made = await send('POST', services, { metadata: { name: 'made' }, spec });
    const { clusterIP } = made.body.spec as unknown as Address;
    expect(addresses).not.toContain(clusterIP);
    const put = (more: object) =>
      send('PUT', `${services}/made`, { metadata: { name: 'made' }, spec: { ...spec, ...more } });
    expect((await put({})).body.spec).toMatchObject({ clusterIP });
    expect((await put({ clusterIP: '10.43.1.1' })).status).toBe(422);
    const headless = { metadata: { name: 'headless' }, spec: { ...spec, clusterIP: 'None' } };
    expect((await send('POST', services, headless)).body.spec).toMatchObject({ clusterIP: 'None' });
  });

  it('applies on the server', async () => {
    const where = `/api/v1/namespaces/${CORE_NS}/configmaps/applied`;
    const apply = (query: string, body: object | string) =>
      sandbox.kube(`${where}?${query}`, {
        method: 'PATCH',
        headers: { 'content-type': 'application/apply-patch+yaml' },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      });
    const config = (data: object, more: object = {}) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'applied', ...more },
      data,
    });
    expect((await apply('fieldManager=one&dryRun=All', config({ a: '1' }))).status).toBe(201);
    expect((await sandbox.kube(where)).status).toBe(404);
    const yaml = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: applied\ndata:\n  a: "1"\n  b: "2"\n';
    expect((await apply('fieldManager=one', yaml)).status).toBe(201);
    expect((await apply('fieldManager=two', config({ c: '3' }))).body.data).toEqual({ a: '1', b: '2', c: '3' });
    const patch = { data: { d: '4', a: null } };
    await send('PATCH', `${where}?fieldManager=one`, patch, 'application/merge-patch+json');
    const again = await apply('fieldManager=one&force=true', config({ b: '5' }));
    expect(again).toMatchObject({ status: 200, body: { data: { b: '5', c: '3' } } });
    expect(again.body.data).not.toHaveProperty('d');
    expect((await apply('fieldManager=one', config({ b: '5' }))).body.metadata.resourceVersion).toBe(
      again.body.metadata.resourceVersion,
    );
    for (const [query, body, code] of [
      ['', config({}), 422],
      ['fieldManager=one', config({}, { name: 'other' }), 400],
      ['fieldManager=one', config({}, { managedFields: [] }), 400],
      ['fieldManager=one', config({}, { resourceVersion: '1' }), 409],
      ['fieldManager=one', { kind: 'ConfigMap', metadata: { name: 'applied' } }, 400],
      ['fieldManager=one', 'a: b: c', 400],
    ] as const) {
      expect([body, (await apply(query, body)).status]).toEqual([body, code]);
    }
  });
});
