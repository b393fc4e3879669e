import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { KubeError } from '../../src/sandbox/platform/errors.ts';
import type { KubeObject } from '../../src/sandbox/platform/types.ts';
import { decodeKubernetes, PROTOBUF } from '../../src/sandbox/wires/kubernetes/messages.ts';
import { formOf } from '../../src/sandbox/wires/kubernetes/read.ts';
import {
  type Bundle,
  bundleSandbox,
  CORE_NS,
  deployment,
  eventually,
  runProgram,
  type Said,
  startTestSandbox,
  type TestSandbox,
} from './harness.ts';

// Written by Kubernetes' own Go library, with a value in nearly every field.
const SECRET = Buffer.from(
  'azhzAAoMCgJ2MRIGU2VjcmV0EuUBCqQBCgRmdWxsEgAaBHNob3AiACoDdS0xMgI0MjgDQggIkJaRzQYQAFoOCglfX3Byb3RvX18SAXhaDQoFb3duZXIS' +
    'BGhlbG1iCQoFZW1wdHkSAGIPCgRub3RlEgdncsO8w59lah8KCkRlcGxveW1lbnQaAWEiA3UtOSoHYXBwcy92MTABcgNvbmVyA3R3b4oBFgoEaGVsbRIG' +
    'VXBkYXRlGgJ2MTIAQgASDQoGYmluYXJ5EgMA/xASCAoEbm9uZRIAGhJoZWxtLnNoL3JlbGVhc2UudjEiDQoFcGxhaW4SBHRleHQoARoAIgA=',
  'base64',
);
const OPTIONS = Buffer.from('azhzAAoTCgJ2MRINRGVsZXRlT3B0aW9ucxIYCB4SAxIBNyIKRm9yZWdyb3VuZCoDQWxsGgAiAA==', 'base64');
// Sent by Helm when it makes room in the history.
const NO_OPTIONS = Buffer.from('azhzAAoTCgJ2MRINRGVsZXRlT3B0aW9ucxIAGgAiAA==', 'base64');
const CONFIG_MAP = Buffer.from('azhzAAoPCgJ2MRIJQ29uZmlnTWFwEhsKEQoBYxIAGgAiACoAMgA4AEIAEgYKAWESATEaACIA', 'base64');

/** A field of bytes on the wire; lengths here are below 128. */
const bytesField = (number: number, value: Buffer | string): Buffer => {
  const bytes = Buffer.from(value as string);
  expect(bytes.length).toBeLessThan(128);
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
};
const envelope = (kind: string, raw: Buffer, apiVersion = 'v1', more: Buffer = Buffer.alloc(0)): Buffer => {
  const type = Buffer.concat([bytesField(1, apiVersion), bytesField(2, kind)]);
  return Buffer.concat([Buffer.from('k8s\0'), bytesField(1, type), bytesField(2, raw), more]);
};

function refusal(body: Buffer): number {
  try {
    decodeKubernetes(body);
  } catch (error) {
    if (error instanceof KubeError) return error.code;
    throw error;
  }
  return 200;
}

describe('protobuf of Kubernetes', () => {
  it('becomes the same Secret as in JSON', () => {
    const { metadata, ...rest } = decodeKubernetes(SECRET) as unknown as KubeObject;
    expect(rest).toEqual({
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'helm.sh/release.v1',
      immutable: true,
      data: { binary: 'AP8Q', none: '' },
      stringData: { plain: 'text' },
    });
    const { labels = {}, ...others } = metadata;
    expect(Object.entries(labels)).toEqual([
      ['__proto__', 'x'],
      ['owner', 'helm'],
    ]);
    expect(others).toEqual({
      name: 'full',
      namespace: 'shop',
      uid: 'u-1',
      resourceVersion: '42',
      generation: 3,
      creationTimestamp: '2026-03-01T14:20:00Z',
      annotations: { empty: '', note: 'grüße' },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'a', uid: 'u-9', controller: true }],
      finalizers: ['one', 'two'],
    });
  });

  it('becomes the options of a deletion', () => {
    expect(decodeKubernetes(NO_OPTIONS)).toEqual({ apiVersion: 'v1', kind: 'DeleteOptions' });
    expect(decodeKubernetes(OPTIONS)).toEqual({
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      gracePeriodSeconds: 30,
      preconditions: { resourceVersion: '7' },
      propagationPolicy: 'Foreground',
      dryRun: ['All'],
    });
  });

  it.each([
    ['another kind', CONFIG_MAP, 415],
    ['another version of the kind', envelope('Secret', Buffer.alloc(0), 'v2'), 415],
    ['a kind that is a name of every object', envelope('constructor', Buffer.alloc(0)), 415],
    ['packed content', envelope('Secret', Buffer.alloc(0), 'v1', bytesField(3, 'gzip')), 415],
    ['no prefix', SECRET.subarray(4), 400],
    ['nothing', Buffer.alloc(0), 400],
    ['JSON', Buffer.from('{"kind":"Secret"}'), 400],
    ['a text where a message is due', envelope('Secret', bytesField(1, 'text')), 400],
    ['a number where bytes are due', envelope('Secret', Buffer.from([0x08, 0x01])), 400],
    ['bytes where a number is due', envelope('Secret', bytesField(5, 'yes')), 400],
    ['a group, which nobody writes any more', envelope('Secret', Buffer.from([0x0b, 0x0c])), 400],
    ['the field number 0', envelope('Secret', Buffer.from([0x00, 0x00])), 400],
    ['a varint without end', envelope('Secret', Buffer.alloc(12, 0xff)), 400],
    ['a length beyond all bounds', envelope('Secret', Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x7f])), 400],
  ])('refuses %s', (_what, body, code) => {
    expect(refusal(body)).toBe(code);
  });

  it('passes over fields that it does not know, of any width', () => {
    const unknown = Buffer.concat([
      bytesField(15, 'later'),
      Buffer.from([(14 << 3) | 1, 1, 2, 3, 4, 5, 6, 7, 8, (13 << 3) | 5, 1, 2, 3, 4, 12 << 3, 0x96, 0x01]),
    ]);
    const raw = Buffer.concat([unknown, bytesField(3, 'Opaque'), unknown]);
    expect(decodeKubernetes(envelope('Secret', raw))).toEqual({ apiVersion: 'v1', kind: 'Secret', type: 'Opaque' });
  });

  it('knows no other failure than a refusal, wherever a body is cut or bent', () => {
    for (let end = 0; end < SECRET.length; end++) expect([200, 400, 415]).toContain(refusal(SECRET.subarray(0, end)));
    const places = fc.array(fc.tuple(fc.nat(SECRET.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
    const property = fc.property(places, (changes) => {
      const bent = Buffer.from(SECRET);
      for (const [at, byte] of changes) bent[at] = byte;
      return [200, 400, 415].includes(refusal(bent));
    });
    fc.assert(property, { numRuns: 500 });
  });

  it('keeps the data of every Secret', () => {
    const entries = fc.dictionary(fc.string({ maxLength: 8 }), fc.uint8Array({ maxLength: 20 }), { maxKeys: 3 });
    const property = fc.property(entries, (data) => {
      const pairs = Object.entries(data);
      const field = ([key, value]: [string, Uint8Array]): Buffer =>
        bytesField(2, Buffer.concat([bytesField(1, key), bytesField(2, Buffer.from(value))]));
      const decoded = decodeKubernetes(envelope('Secret', Buffer.concat(pairs.map(field))));
      const expected = pairs.map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
      expect(Object.entries((decoded.data ?? {}) as object)).toEqual(expected);
    });
    fc.assert(property, { numRuns: 60 });
  });
});

describe('what a client accepts', () => {
  it.each([
    [`${PROTOBUF},application/json`, 'object'],
    ['application/json, */*', 'object'],
    ['application/json;as=Table;v=v1;g=meta.k8s.io,application/json', 'table'],
  ])('%s is answered', (accept, form) => {
    expect(formOf(accept)).toBe(form);
  });

  it('is not made up where it is protobuf alone', () => {
    expect(() => formOf(PROTOBUF)).toThrow(expect.objectContaining({ code: 406 }));
  });
});

let bundle: Bundle;
beforeAll(async () => {
  bundle = await bundleSandbox();
});
afterAll(() => bundle.remove());

describe('the wire', () => {
  let sandbox: TestSandbox;
  beforeAll(async () => {
    sandbox = await startTestSandbox(bundle, 'healthy');
  });
  afterAll(() => sandbox.stop());
  const secrets = `/api/v1/namespaces/${CORE_NS}/secrets`;
  const path = `${secrets}/made`;
  const secret = (name: string, text: string): Buffer => {
    const data = bytesField(2, Buffer.concat([bytesField(1, 'key'), bytesField(2, text)]));
    return envelope('Secret', Buffer.concat([bytesField(1, bytesField(1, name)), data]));
  };
  const send = (method: string, where: string, body: Buffer | object, type = PROTOBUF) =>
    sandbox.kube(where, {
      method,
      headers: { 'content-type': type, accept: `${PROTOBUF},application/json` },
      body: body instanceof Buffer ? new Uint8Array(body) : JSON.stringify(body),
    });

  it('takes Secrets and the options of a deletion as protobuf', async () => {
    expect(await send('POST', secrets, secret('made', 'one'))).toMatchObject({
      status: 201,
      body: { kind: 'Secret', type: 'Opaque', data: { key: 'b25l' } },
    });
    expect((await send('PUT', path, secret('made', 'two'))).body.data).toEqual({ key: 'dHdv' });
    expect((await send('PUT', path, secret('other', 'two'))).status).toBe(400);
    expect((await send('DELETE', path, secret('made', 'two'))).status).toBe(400);
    expect((await send('DELETE', path, OPTIONS)).status).toBe(409);
    expect((await send('DELETE', path, NO_OPTIONS)).status).toBe(200);
    expect((await sandbox.kube(path)).status).toBe(404);
    const { actions } = await sandbox.truth();
    expect(actions.map(({ kind, target }) => [kind, target])).toEqual([
      ['create', 'secret/made'],
      ['update', 'secret/made'],
      ['delete', 'secret/made'],
    ]);
  });

  it.each([
    ['POST', `/api/v1/namespaces/${CORE_NS}/configmaps`, CONFIG_MAP, 415],
    ['POST', `/api/v1/namespaces/${CORE_NS}/configmaps`, SECRET, 400],
    ['PATCH', `${secrets}/pulsestream-core-credentials`, SECRET, 415],
    ['POST', secrets, SECRET.subarray(0, 40), 400],
  ])('refuses by protobuf: %s %s', async (method, where, body, code) => {
    expect((await send(method, where, body)).status).toBe(code);
  });
});

// The programs of Helm's own releases: asked for by the environment, as they are not installed everywhere.
const HELMS = [
  [3, process.env.INCIDENT_MCP_TEST_HELM3, ['--wait'], ['--wait', '--wait-for-jobs', '--force']],
  [4, process.env.INCIDENT_MCP_TEST_HELM4, ['--wait', '--server-side=true'], ['--wait=legacy', '--force-replace']],
] as const;
const CORE = ['pulsestream-core', '-n', CORE_NS] as const;

describe.each(HELMS)('Helm %i', (generation, program, waiting, replacing) => {
  const helm = (sandbox: TestSandbox, ...argv: string[]): Promise<Said> => {
    const homes = { HOME: sandbox.dir, HELM_CACHE_HOME: '', HELM_CONFIG_HOME: '', HELM_DATA_HOME: '' };
    return runProgram(program ?? '', argv, { ...process.env, ...homes, KUBECONFIG: sandbox.info.kubeconfig });
  };
  const succeed = async (sandbox: TestSandbox, ...argv: string[]): Promise<string> => {
    const said = await helm(sandbox, ...argv);
    expect(said).toMatchObject({ code: 0 });
    return said.stdout;
  };
  const rollBack = (sandbox: TestSandbox, revision: number, ...more: string[]) =>
    helm(sandbox, 'rollback', 'pulsestream-core', String(revision), '-n', CORE_NS, ...more);
  const engineSets = async (sandbox: TestSandbox): Promise<number> => {
    const { body } = await sandbox.kube(
      `/apis/apps/v1/namespaces/${CORE_NS}/replicasets?labelSelector=app.kubernetes.io/name=analysis-engine`,
    );
    return body.items.length;
  };
  let sandbox: TestSandbox;

  describe.skipIf(program === undefined)('the program', () => {
    beforeEach(async () => {
      sandbox = await startTestSandbox(bundle, 'bad-deploy', '--speed', '10');
    });
    afterEach(() => sandbox.stop());

    it('reads history, manifest, values, hooks and status, and changes nothing in a dry run', async () => {
      const history = JSON.parse(await succeed(sandbox, 'history', ...CORE, '-o', 'json'));
      expect(history.at(-1)).toMatchObject({ revision: 12, status: 'deployed' });
      expect(await succeed(sandbox, 'get', 'manifest', ...CORE, '--revision', '10')).toContain('analysis-engine:1.7.4');
      expect(JSON.parse(await succeed(sandbox, 'get', 'values', ...CORE, '-o', 'json'))).toHaveProperty('components');
      expect(await succeed(sandbox, 'get', 'hooks', ...CORE)).toContain('helm.sh/hook: test');
      expect(await succeed(sandbox, 'status', ...CORE)).toContain('STATUS: deployed');
      const dry = await rollBack(sandbox, 10, generation === 3 ? '--dry-run' : '--dry-run=server');
      expect(dry).toMatchObject({ code: 0 });
      expect((await sandbox.truth()).actions).toEqual([]);
    });

    it.each([
      ['without waiting', []],
      ['waiting', [...waiting, '--timeout', '20s', '--cleanup-on-fail']],
    ])('makes the platform recover by the right move, %s', async (_how, flags) => {
      const annotate = { metadata: { annotations: { 'example/owner': 'on-call' } } };
      await sandbox.kube(deployment('analysis-engine'), {
        method: 'PATCH',
        headers: { 'content-type': 'application/merge-patch+json' },
        body: JSON.stringify(annotate),
      });
      const sets = await engineSets(sandbox);
      const { right_move: move } = await sandbox.truth();
      expect(await rollBack(sandbox, Number(move?.arguments.revision), ...flags)).toMatchObject({ code: 0 });
      await eventually('recovered', async () => (await sandbox.truth()).recovered);
      expect((await sandbox.truth()).actions).toEqual([
        expect.objectContaining({
          kind: 'rollback',
          target: 'pulsestream-core',
          detail: 'revision 12 -> 10, recorded as revision 13: deployed',
        }),
      ]);
      const { body } = await sandbox.kube(deployment('analysis-engine'));
      expect(body.metadata.annotations['example/owner']).toBe('on-call');
      // The pods are of the very template that revision 10 had, so its ReplicaSet serves again.
      expect(await engineSets(sandbox)).toBe(sets);
      const history = JSON.parse(await succeed(sandbox, 'history', ...CORE, '-o', 'json'));
      expect(history.slice(-2).map((entry: { status: string }) => entry.status)).toEqual(['superseded', 'deployed']);
    });

    it('fails where it waits for a revision that does not work, and can still go back', async () => {
      expect(await rollBack(sandbox, 10)).toMatchObject({ code: 0 });
      await eventually('recovered', async () => (await sandbox.truth()).recovered);
      const failed = await rollBack(sandbox, 12, ...waiting, '--timeout', '2s', '--cleanup-on-fail');
      expect(failed.code).toBe(1);
      expect(failed.stderr).toContain('context deadline exceeded');
      expect((await sandbox.truth()).recovered).toBe(false);
      expect(await rollBack(sandbox, 13, ...replacing, '--timeout', '20s')).toMatchObject({ code: 0 });
      await eventually('recovered', async () => (await sandbox.truth()).recovered);
      const { actions } = await sandbox.truth();
      expect(actions.map(({ detail }) => detail.split(', ')[0])).toEqual([
        'revision 12 -> 10',
        'revision 13 -> 12',
        'revision 14 -> 13',
      ]);
    });

    it('is seen when it uninstalls', async () => {
      await succeed(sandbox, 'uninstall', ...CORE, '--wait', '--timeout', '5s');
      const { actions } = await sandbox.truth();
      expect(actions.map(({ kind, target }) => [kind, target])).toEqual([['delete', 'pulsestream-core']]);
    });
  });
});
