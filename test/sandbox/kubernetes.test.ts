import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KUBERNETES_TOKEN } from '../../src/sandbox/files.ts';
import {
  type Bundle,
  bundleSandbox,
  CORE_NS,
  deployment,
  eventually,
  type KubeBody,
  restart,
  startTestSandbox,
  type TestSandbox,
  within,
} from './harness.ts';

let bundle: Bundle;
let sandbox: TestSandbox;
beforeAll(async () => {
  bundle = await bundleSandbox();
  sandbox = await startTestSandbox(bundle, 'bad-deploy', '--speed', '10', '--pods', '120');
});
afterAll(async () => {
  await sandbox.stop();
  await bundle.remove();
});

const TABLE = 'application/json;as=Table;g=meta.k8s.io;v=v1,application/json';
const PARTIAL = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';
const send = (method: string, path: string, body: unknown, type = 'application/json') =>
  sandbox.kube(path, { method, headers: { 'content-type': type }, body: JSON.stringify(body) });
const names = (body: KubeBody): string[] => body.items.map((item) => item.metadata.name);

describe('discovery', () => {
  it.each([
    ['/version', 'gitVersion'],
    ['/api', 'versions'],
    ['/apis', 'groups'],
    ['/apis/apps', 'preferredVersion'],
    ['/api/v1', 'resources'],
    ['/apis/apps/v1', 'resources'],
    ['/apis/authorization.k8s.io/v1', 'resources'],
  ])('%s has %s', async (path, field) => {
    const { status, body } = await sandbox.kube(path);
    expect(status).toBe(200);
    expect(body).toHaveProperty(field);
  });

  it('lists the scale of what can be scaled', async () => {
    const { body } = await sandbox.kube('/apis/apps/v1');
    const listed = body.resources.map((resource) => resource.name);
    expect(listed).toContain('deployments/scale');
    expect(listed).not.toContain('daemonsets/scale');
  });

  it.each(['/livez', '/readyz'])('%s is ok', async (path) => {
    expect(await (await fetch(`${sandbox.info.urls.kubernetes}${path}`)).text()).toBe('ok');
  });

  it('allows everything that is asked in a review', async () => {
    const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
    const { status, body } = await send('POST', path, { spec: { resourceAttributes: { verb: 'patch' } } });
    expect(status).toBe(201);
    expect(body).toMatchObject({ kind: 'SelfSubjectAccessReview', status: { allowed: true } });
  });

  it('names everything where all rights in a namespace are asked for', async () => {
    const path = '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews';
    const { status, body } = await send('POST', path, { spec: { namespace: CORE_NS } });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      kind: 'SelfSubjectRulesReview',
      status: { resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }], incomplete: false },
    });
    expect(await send('POST', path, { spec: {} })).toMatchObject({
      status: 400,
      body: { message: 'no namespace on request' },
    });
  });

  it.each([
    ['Bearer another', 401],
    ['Basic b24tY2FsbDpwYXNzd29yZA==', 401],
    [`Bearer ${KUBERNETES_TOKEN}`, 200],
    [`bearer ${KUBERNETES_TOKEN}`, 200],
  ])('answers to %s with %i', async (authorization, status) => {
    for (const path of ['/version', '/livez', '/api/v1/pods']) {
      const answer = await fetch(`${sandbox.info.urls.kubernetes}${path}`, { ...within(), headers: { authorization } });
      expect(answer.status).toBe(status);
      const refused = { kind: 'Status', reason: 'Unauthorized', message: 'Unauthorized' };
      if (status === 401) expect(await answer.json()).toMatchObject(refused);
      else await answer.text();
    }
  });
});

describe('lists', () => {
  it.each([
    ['labelSelector=app.kubernetes.io/name=web-ui', 2],
    ['labelSelector=app.kubernetes.io/name==web-ui', 2],
    ['labelSelector=app.kubernetes.io/name in (web-ui, postgres)', 3],
    ['labelSelector=app.kubernetes.io/name notin (web-ui),app.kubernetes.io/instance=pulsestream-core', 9],
    ['labelSelector=app.kubernetes.io/instance,!apps.kubernetes.io/pod-index', 10],
    ['labelSelector=app.kubernetes.io/name!=analysis-engine', 8],
    ['fieldSelector=metadata.name=postgres-0', 1],
    ['fieldSelector=status.phase=Running', 11],
    ['fieldSelector=status.phase!=Running', 0],
  ])('selects pods by %s', async (selector, count) => {
    const [key = '', ...value] = selector.split('=');
    const { body } = await sandbox.kube(
      `/api/v1/namespaces/${CORE_NS}/pods?${key}=${encodeURIComponent(value.join('='))}`,
    );
    expect(body.kind).toBe('PodList');
    expect(body.items).toHaveLength(count);
  });

  it('selects events by the object they are about', async () => {
    const { body: pods } = await sandbox.kube(
      `/api/v1/namespaces/${CORE_NS}/pods?labelSelector=app.kubernetes.io/name=analysis-engine`,
    );
    const name = pods.items[0]?.metadata.name;
    const selector = encodeURIComponent(`involvedObject.name=${name},type=Warning`);
    const { body } = await sandbox.kube(`/api/v1/events?fieldSelector=${selector}`);
    expect(body.items.length).toBeGreaterThan(0);
    expect(body.items[0]).toMatchObject({ reason: 'BackOff', involvedObject: { name } });
  });

  it('gives all pods once through pages, in order', async () => {
    const seen: string[] = [];
    let token = '';
    let left = Number.POSITIVE_INFINITY;
    do {
      const { body } = await sandbox.kube(`/api/v1/pods?limit=50&continue=${token}`);
      seen.push(...names(body));
      token = body.metadata.continue ?? '';
      if (token !== '') {
        expect(body.metadata.remainingItemCount).toBeLessThan(left);
        left = body.metadata.remainingItemCount ?? 0;
      }
    } while (token !== '');
    expect(seen).toHaveLength(120);
    expect(new Set(seen).size).toBe(120);
  });

  it('does not count what remains where it selects', async () => {
    for (const selector of ['labelSelector=app.kubernetes.io/name', 'fieldSelector=status.phase=Running']) {
      const { body } = await sandbox.kube(`/api/v1/pods?limit=1&${selector}`);
      expect(body.metadata.continue).not.toBe('');
      expect(body.metadata).not.toHaveProperty('remainingItemCount');
    }
  });

  it('answers as a table with the columns of kubectl', async () => {
    const { body } = await sandbox.kube(`/api/v1/namespaces/${CORE_NS}/pods?limit=3`, { headers: { accept: TABLE } });
    expect(body.kind).toBe('Table');
    expect(body.columnDefinitions.map((column) => column.name).slice(0, 5)).toEqual([
      'Name',
      'Ready',
      'Status',
      'Restarts',
      'Age',
    ]);
    expect(body.rows).toHaveLength(3);
    expect(body.rows[0]?.cells.slice(1, 2)).toEqual(['0/1']);
  });

  it('answers with metadata alone', async () => {
    const { body } = await sandbox.kube('/api/v1/secrets?labelSelector=owner=helm', { headers: { accept: PARTIAL } });
    expect(body.kind).toBe('PartialObjectMetadataList');
    expect(body.items).toHaveLength(15);
    expect(body.items[0]).not.toHaveProperty('data');
    expect(body.items[0]?.metadata.labels).toMatchObject({ owner: 'helm', name: 'pulsestream-agent' });
  });
});

describe('refusals', () => {
  it.each([
    ['GET', '/api/v1/namespaces/x/pods/none', 404, 'NotFound'],
    ['GET', '/apis/apps/v2/deployments', 404, 'NotFound'],
    ['GET', '/openapi/v2', 404, 'NotFound'],
    ['GET', '/api/v1/pods?labelSelector=a%20b', 400, 'BadRequest'],
    ['GET', '/api/v1/pods?fieldSelector=spec.colour=red', 400, 'BadRequest'],
    ['GET', '/api/v1/pods?limit=1&continue=nonsense', 400, 'BadRequest'],
    ['DELETE', '/api/v1/pods', 405, 'MethodNotAllowed'],
    ['POST', deployment('web-ui'), 405, 'MethodNotAllowed'],
    ['POST', '/api/v1/namespaces/nowhere/configmaps', 404, 'NotFound', { metadata: { name: 'a' } }],
    ['POST', `/api/v1/namespaces/${CORE_NS}/configmaps`, 422, 'Invalid', { metadata: { name: 'No Good' } }],
    ['POST', `/api/v1/namespaces/${CORE_NS}/configmaps`, 400, 'BadRequest', { kind: 'Pod', metadata: { name: 'a' } }],
    [
      'POST',
      `/api/v1/namespaces/${CORE_NS}/configmaps`,
      409,
      'AlreadyExists',
      { metadata: { name: 'pulsestream-core-config' } },
    ],
    ['PUT', `${deployment('web-ui')}/scale`, 422, 'Invalid', { metadata: { name: 'web-ui' }, spec: { replicas: -1 } }],
    ['PATCH', deployment('web-ui'), 415, 'UnsupportedMediaType', {}],
  ])('%s %s is %i %s', async (method, path, code, reason, body?: unknown) => {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    const answer = await sandbox.kube(path, init);
    expect(answer.status).toBe(code);
    expect(answer.body).toMatchObject({ kind: 'Status', status: 'Failure', reason, code });
  });

  const OTHER = '00000000-0000-4000-8000-000000000000';
  it.each([
    [
      'PATCH',
      '',
      'application/merge-patch+json',
      { metadata: { uid: OTHER } },
      422,
      `Deployment.apps "web-ui" is invalid: metadata.uid: Invalid value: "${OTHER}": field is immutable`,
    ],
    [
      'PATCH',
      '',
      'application/json-patch+json',
      [{ op: 'test', path: '/metadata/uid', value: OTHER }],
      422,
      'the server rejected our request due to an error in our request',
    ],
    [
      'PATCH',
      '/scale',
      'application/merge-patch+json',
      { metadata: { uid: OTHER }, spec: { replicas: 7 } },
      409,
      `Operation cannot be fulfilled on deployments.apps "web-ui": Precondition failed: UID in precondition: ${OTHER}, UID in object meta: `,
    ],
    [
      'PATCH',
      '/scale',
      'application/merge-patch+json',
      { spec: { replicas: -1 } },
      422,
      'Scale.autoscaling "web-ui" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    ],
  ])('%s of another object (%s %s %j) is %i', async (method, sub, type, patch, code, message) => {
    const before = (await sandbox.kube(deployment('web-ui'))).body;
    const answer = await send(method, `${deployment('web-ui')}${sub}`, patch, type);
    expect(answer.status).toBe(code);
    expect(answer.body.message).toContain(message);
    const put = await send('PUT', deployment('web-ui'), { ...before, metadata: { ...before.metadata, uid: OTHER } });
    expect(put).toMatchObject({ status: 409, body: { reason: 'Conflict' } });
    expect((await sandbox.kube(deployment('web-ui'))).body).toEqual(before);
  });

  it('refuses an update of an object that has changed meanwhile', async () => {
    const path = `/api/v1/namespaces/${CORE_NS}/configmaps/pulsestream-core-config`;
    const { body } = await sandbox.kube(path);
    expect((await send('PUT', path, { ...body, data: { ...body.data, a: '1' } })).status).toBe(200);
    const stale = await send('PUT', path, { ...body, data: { ...body.data, a: '2' } });
    expect(stale).toMatchObject({ status: 409, body: { reason: 'Conflict' } });
  });

  it('does nothing in a dry run', async () => {
    const before = (await sandbox.truth()).actions.length;
    const path = `${deployment('web-ui')}?dryRun=All`;
    const merge = 'application/merge-patch+json';
    const { body } = await send('PATCH', path, { spec: { replicas: 9 } }, merge);
    expect(body.spec.replicas).toBe(9);
    expect((await sandbox.kube(deployment('web-ui'))).body.spec.replicas).toBe(2);
    expect((await sandbox.truth()).actions).toHaveLength(before);
  });
});

describe('changes', () => {
  it('rolls a Deployment over to new pods of a new ReplicaSet, without a gap', async () => {
    const path = `/api/v1/namespaces/${CORE_NS}/pods?labelSelector=app.kubernetes.io/name=control-plane`;
    const before = names((await sandbox.kube(path)).body);
    const { body } = await restart(sandbox, 'control-plane');
    expect(body.metadata.generation).toBe(2);
    let fewest = 9;
    await eventually('rolled out', async () => {
      const { status, metadata } = (await sandbox.kube(deployment('control-plane'))).body;
      fewest = Math.min(fewest, status.readyReplicas ?? 0);
      return status.observedGeneration === metadata.generation && status.updatedReplicas === 2 && status.replicas === 2;
    });
    expect(fewest).toBeGreaterThanOrEqual(2);
    const after = (await sandbox.kube(path)).body;
    expect(names(after).filter((name) => before.includes(name))).toEqual([]);
    expect(after.items[0]?.metadata.ownerReferences).toMatchObject([{ kind: 'ReplicaSet' }]);
    expect((await sandbox.truth()).actions.at(-1)).toMatchObject({
      kind: 'restart',
      target: 'deployment/control-plane',
    });
  });

  it('rolls a DaemonSet and a StatefulSet over', async () => {
    const agents = 'pulsestream-agent-prod';
    expect((await restart(sandbox, 'agent-relay', agents, 'daemonsets')).status).toBe(200);
    expect((await restart(sandbox, 'postgres', CORE_NS, 'statefulsets')).status).toBe(200);
    await eventually('the DaemonSet is rolled out', async () => {
      const { status } = (await sandbox.kube(`/apis/apps/v1/namespaces/${agents}/daemonsets/agent-relay`)).body;
      return status.updatedNumberScheduled === 3 && status.numberReady === 3;
    });
    await eventually('the StatefulSet is rolled out', async () => {
      const { status } = (await sandbox.kube(`/apis/apps/v1/namespaces/${CORE_NS}/statefulsets/postgres`)).body;
      return status.updatedReplicas === 1 && status.readyReplicas === 1;
    });
  });

  it('honours a pause', async () => {
    const merge = 'application/merge-patch+json';
    await send('PATCH', deployment('web-ui'), { spec: { paused: true } }, merge);
    const path = `/api/v1/namespaces/${CORE_NS}/pods?labelSelector=app.kubernetes.io/name=web-ui`;
    const before = names((await sandbox.kube(path)).body);
    await restart(sandbox, 'web-ui');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(names((await sandbox.kube(path)).body)).toEqual(before);
    await send('PATCH', deployment('web-ui'), { spec: { paused: false } }, merge);
    await eventually('replaced', async () => {
      const now = names((await sandbox.kube(path)).body);
      return now.length === 2 && now.every((name) => !before.includes(name));
    });
  });

  it('scales through the subresource, with the selector of the pods', async () => {
    const path = `${deployment('web-ui')}/scale`;
    const { body } = await sandbox.kube(path);
    expect(body).toMatchObject({
      kind: 'Scale',
      spec: { replicas: 2 },
      status: { selector: 'app.kubernetes.io/name=web-ui,app.kubernetes.io/instance=pulsestream-core' },
    });
    const merge = 'application/merge-patch+json';
    expect((await send('PATCH', path, { spec: { replicas: 4 } }, merge)).body.spec.replicas).toBe(4);
    await eventually('four are ready', async () => {
      return (await sandbox.kube(deployment('web-ui'))).body.status.readyReplicas === 4;
    });
    expect((await sandbox.truth()).actions.at(-1)).toMatchObject({
      kind: 'scale',
      target: 'deployment/web-ui',
      detail: `namespace ${CORE_NS}, replicas 2 -> 4`,
    });
  });

  it('makes a deleted pod anew, and deletes with a Deployment all that it owns', async () => {
    const path = `/api/v1/namespaces/${CORE_NS}/pods?labelSelector=app.kubernetes.io/name=web-ui`;
    const first = names((await sandbox.kube(path)).body)[0];
    await sandbox.kube(`/api/v1/namespaces/${CORE_NS}/pods/${first}`, { method: 'DELETE' });
    await eventually('a new one', async () => {
      const now = names((await sandbox.kube(path)).body);
      return now.length === 4 && !now.includes(first ?? '');
    });
    await sandbox.kube(deployment('web-ui'), { method: 'DELETE' });
    expect((await sandbox.kube(path)).body.items).toEqual([]);
  });

  it.each([
    [
      'application/strategic-merge-patch+json',
      {
        spec: {
          template: { spec: { containers: [{ name: 'control-plane', env: [{ name: 'LOG_LEVEL', value: 'debug' }] }] } },
        },
      },
    ],
    [
      'application/json-patch+json',
      [{ op: 'replace', path: '/spec/template/spec/containers/0/env/0/value', value: 'trace' }],
    ],
  ])('patches by %s and keeps the rest', async (type, patch) => {
    const { body: before } = await sandbox.kube(deployment('control-plane'));
    const { status, body } = await send('PATCH', deployment('control-plane'), patch, type);
    expect(status).toBe(200);
    const [container] = body.spec.template.spec.containers;
    const [old] = before.spec.template.spec.containers;
    expect(container?.env[0]?.value).not.toBe(old?.env[0]?.value);
    expect(container?.image).toBe(old?.image);
    expect(container?.env).toHaveLength(old?.env.length ?? 0);
  });
});

describe('logs and watches', () => {
  it('has the log of a crashing pod say why', async () => {
    const path = `/api/v1/namespaces/${CORE_NS}/pods?labelSelector=app.kubernetes.io/name=analysis-engine`;
    const [name] = names((await sandbox.kube(path)).body);
    const url = `${sandbox.info.urls.kubernetes}/api/v1/namespaces/${CORE_NS}/pods/${name}/log?tailLines=1`;
    const log = await (await fetch(url, within())).text();
    expect(log.trim().split('\n')).toHaveLength(1);
    expect(log).toContain('SIGSEGV');
  });

  it('streams the changes after a resource version', async () => {
    const { body } = await sandbox.kube('/api/v1/configmaps');
    const query = `watch=true&resourceVersion=${body.metadata.resourceVersion}&timeoutSeconds=2`;
    const events: { type: string; object: KubeBody }[] = [];
    const done = new Promise<void>((resolve, reject) => {
      const url = `${sandbox.info.urls.kubernetes}/api/v1/namespaces/${CORE_NS}/configmaps?${query}`;
      const stream = request(url, (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
          const lines = text.split('\n');
          text = lines.pop() ?? '';
          for (const line of lines) events.push(JSON.parse(line));
          if (events.length === 3) stream.destroy();
        });
        response.on('close', resolve);
      });
      stream.on('error', reject);
      stream.end();
    });
    const path = `/api/v1/namespaces/${CORE_NS}/configmaps`;
    await send('POST', path, { metadata: { name: 'watched' }, data: { a: '1' } });
    await send('PATCH', `${path}/watched`, { data: { a: '2' } }, 'application/merge-patch+json');
    await sandbox.kube(`${path}/watched`, { method: 'DELETE' });
    await done;
    expect(events.map((event) => `${event.type} ${event.object.metadata.name}`)).toEqual([
      'ADDED watched',
      'MODIFIED watched',
      'DELETED watched',
    ]);
  });
});
