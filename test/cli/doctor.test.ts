import { existsSync } from 'node:fs';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { type Api, type Handler, json, startApi } from '../adapters/kubernetes/api.ts';
import { Bin } from '../helpers/bin.ts';
import { type RawConfig, type Sandbox, startSandbox } from '../helpers/sandbox.ts';
import { type Desk, declare, makeDesk } from './desk.ts';

interface Finding {
  section: string;
  name: string;
  status: 'ok' | 'warn' | 'fail';
  found: string;
  next: string | null;
}
interface Report {
  code: number | null;
  healthy: boolean;
  counts: Record<string, number>;
  text: string;
  of(name: string): Finding;
}

const bin = new Bin();
let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox(bin, 'healthy', '--seed', '3');
});
afterAll(() => bin.empty());

async function examine(desk: Desk, config: string): Promise<Report> {
  const { code, stdout, stderr } = await desk.run(['doctor', '--json', '--config', config]);
  expect(stderr).toBe('');
  const report = JSON.parse(stdout) as { healthy: boolean; counts: Record<string, number>; checks: Finding[] };
  return {
    code,
    healthy: report.healthy,
    counts: report.counts,
    text: stdout,
    of: (name) => {
      const found = report.checks.filter((check) => check.name === name && check.section !== 'this machine');
      const finding = found[0] ?? report.checks.find((check) => check.name === name);
      if (!finding) throw new Error(`no check is called ${name}: ${stdout}`);
      return finding;
    },
  };
}

describe('a good set-up', () => {
  it('passes, and nothing is changed, sent or made by looking', async () => {
    const desk = await makeDesk(bin);
    const report = await examine(desk, sandbox.config);
    expect(report.code, report.text).toBe(0);
    expect(report.counts.fail).toBe(0);
    expect(report.of('API server').found).toMatch(/v1\.32\.4, answered in \d+ ms/);
    expect(report.of('helm').found).toContain('v3.');
    expect(report.of('releases').found).toMatch(/pulsestream-core in pulsestream-core-prod: revision \d+ deployed/);
    expect(report.of('approval policy').found).toContain("the client's form");
    for (const name of [
      ...['node', 'configuration', 'data folder', 'record', "approver's secret", 'kubeconfig', 'clock', 'services'],
      ...['permissions to read', 'permissions to act', 'prometheus', 'alertmanager', 'health endpoints', 'fleet'],
      ...['LLM provider page', 'platform program', 'slack', 'pagerduty', 'webhook'],
    ])
      expect(report.of(name), name).toMatchObject({ status: 'ok', next: null });
    expect(await sandbox.truth()).toMatchObject({ actions: [], notifications: [] });
    expect(existsSync(join(desk.folder, 'record.key'))).toBe(false);
    expect(report.of('record key').status).toBe('warn');
    expect(report.text).not.toMatch(/planted-kubeconfig-token|127\.0\.0\.1:\d+\/(services|hooks?)/);
  });

  it('is told to people line by line', async () => {
    const { code, stdout } = await (await makeDesk(bin)).run(['doctor', '--config', sandbox.config]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {2}ok {4}helm /m);
    expect(stdout).toMatch(/^ {2}warn {2}record key .*\n +Next: run `incident-mcp init`/m);
    expect(stdout).toMatch(/\n0 failed, \d+ with a warning, \d+ ok\.\n$/);
  });
});

describe('half broken', () => {
  it.each([
    ['kubernetes', 'silent', 'API server', /did not answer within/],
    ['kubernetes', '401', 'API server', /credentials were refused/],
    ['kubernetes', 'garbage', 'API server', /not JSON/],
    ['prometheus', '500', 'prometheus', /500/],
    ['alertmanager', 'silent', 'alertmanager', /did not answer|within/],
    ['statuspage', 'half', 'LLM provider page', /./],
    ['health', 'refuse', 'health endpoints', /0 of \d healthy/],
  ])('%s %s fails its own check alone', async (wire, mode, name, expected) => {
    await sandbox.fault(wire, mode);
    const started = performance.now();
    try {
      const report = await examine(await makeDesk(bin), sandbox.config);
      expect(report.code).toBe(1);
      expect(report.of(name)).toMatchObject({ status: 'fail', found: expect.stringMatching(expected) });
      expect(report.of(name).next).not.toBeNull();
      const dependent = wire === 'prometheus' ? 2 : 1;
      expect(report.counts.fail, report.text).toBe(dependent);
      expect(report.of('slack').status).toBe('ok');
    } finally {
      await sandbox.fault(wire, 'none');
    }
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it('an endpoint that answers badly is a warning: the set-up is right, the platform is not', async () => {
    await sandbox.fault('health', '500');
    const report = await examine(await makeDesk(bin), sandbox.config);
    await sandbox.fault('health', 'none');
    expect(report.code).toBe(0);
    expect(report.of('health endpoints')).toMatchObject({ status: 'warn', found: expect.stringContaining('HTTP 500') });
  });

  const programs: [string, string | null, 'ok' | 'warn' | 'fail', RegExp][] = [
    ['is missing', null, 'fail', /was not found/],
    ['is Helm 4', 'echo v4.0.1', 'ok', /v4\.0\.1/],
    ['is Helm 2', 'echo v2.17.0', 'fail', /too old/],
    ['is newer than known', 'echo v5.0.0', 'warn', /newer/],
    ['prints garbage', 'echo hello', 'fail', /hello/],
    ['fails', 'echo broken >&2; exit 3', 'fail', /broken/],
    ['hangs', 'sleep 30', 'fail', /did not answer/],
  ];
  it.each(programs)('helm %s', async (what, body, status, expected) => {
    const helm =
      body === null
        ? join(sandbox.dir, 'no-such-helm')
        : await sandbox.script(`helm-${what.replaceAll(' ', '-')}`, body);
    const config = await sandbox.configured((raw) => {
      raw.programs.helm = helm;
    });
    const report = await examine(await makeDesk(bin), config);
    expect(report.of('helm')).toMatchObject({ status, found: expect.stringMatching(expected) });
    expect(report.code).toBe(status === 'fail' ? 1 : 0);
  });

  it('wrong names in the configuration are found', async () => {
    const config = await sandbox.configured((raw: RawConfig) => {
      const prod = raw.environments.prod as { context: string; releases: { name: string; services: string[] }[] };
      prod.releases[0]?.services.push('no-such-service');
      if (prod.releases[1]) prod.releases[1].name = 'no-such-release';
      raw.notify = { slack: { url_env: 'NOT_SET' }, webhook: { url_file: '/dev/null' } };
      raw.approval = { secret_file: join(sandbox.dir, 'none.hash') };
    });
    const report = await examine(await makeDesk(bin), config);
    expect(report.of('services')).toMatchObject({ status: 'warn', found: expect.stringContaining('no-such-service') });
    expect(report.of('releases')).toMatchObject({
      status: 'warn',
      found: expect.stringMatching(
        /^pulsestream-core in .+: revision \d+ deployed\nno-such-release in .+: it has no history in/,
      ),
      next: expect.stringContaining('helm list -A'),
    });
    expect(report.of('slack')).toMatchObject({ status: 'fail', found: expect.stringContaining('NOT_SET') });
    expect(report.of('webhook').status).toBe('fail');
    expect(report.of("approver's secret")).toMatchObject({ status: 'warn', next: expect.stringContaining('init') });
    const other = await sandbox.configured((raw) => {
      (raw.environments.prod as { context: string }).context = 'elsewhere';
    });
    expect((await examine(await makeDesk(bin), other)).of('kubeconfig')).toMatchObject({
      status: 'fail',
      found: expect.stringContaining('no context "elsewhere"'),
    });
  });
});

describe('a configuration that cannot be read', () => {
  it('is exit 2 with its line, and what does not need it is checked all the same', async () => {
    const desk = await makeDesk(bin);
    const config = await desk.write('wrong.yaml', 'environments:\n  prod:\n    contxt: x\n');
    const report = await examine(desk, config);
    expect(report.code).toBe(2);
    expect(report.of('configuration')).toMatchObject({
      status: 'fail',
      found: expect.stringMatching(/wrong\.yaml:3: .*"contxt"; allowed here: .*context/),
    });
    for (const name of ['node', 'data folder', 'record']) expect(report.of(name).status, name).toBe('ok');
    expect((await examine(desk, 'nowhere.yaml')).code).toBe(2);
    expect((await desk.run(['doctor', '--what'])).code).toBe(2);
    expect((await desk.run(['doctor', 'prod'])).code).toBe(2);
  });
});

describe('this machine', () => {
  const minimal = async (desk: Desk): Promise<string> =>
    desk.write('c.yaml', stringify({ environments: { prod: { protected: true } }, store: { dir: desk.data } }));

  it('a data folder that cannot be used, a damaged record and readable secrets are told apart', async () => {
    const desk = await makeDesk(bin);
    const config = await minimal(desk);
    const store = await desk.store();
    const id = await declare(store);
    await chmod(join(desk.folder, 'record.key'), 0o644);
    expect((await examine(desk, config)).of('record')).toMatchObject({
      status: 'ok',
      found: expect.stringContaining('1 events'),
    });
    await writeFile(join(desk.data, 'incidents', id, 'timeline.jsonl'), 'garbage\n');
    const broken = await examine(desk, config);
    expect(broken.code).toBe(1);
    expect(broken.of('record')).toMatchObject({ status: 'fail', found: expect.stringContaining(id) });
    expect(broken.of('record key')).toMatchObject({ status: 'warn', next: expect.stringContaining('chmod 600') });
    expect(broken.of("approver's secret")).toMatchObject({ status: 'fail' });
    expect(broken.of('data folder').status).toBe('ok');
    await rm(desk.data, { recursive: true });
    await mkdir(join(desk.data, '..'), { recursive: true });
    await writeFile(desk.data, 'a file');
    const file = await examine(desk, config);
    expect(file.of('data folder')).toMatchObject({ status: 'fail', found: expect.stringContaining('no folder') });
    expect(file.of('node').status).toBe('ok');
  });

  it('a clock behind the newest event is found', async () => {
    const desk = await makeDesk(bin);
    const config = await minimal(desk);
    await declare(await desk.store(() => new Date(Date.now() + 3_600_000)));
    const report = await examine(desk, config);
    expect(report.of('clock')).toMatchObject({
      status: 'fail',
      found: expect.stringMatching(/recorded (1h00m|59m\d\ds) later/),
    });
  });
});

describe('permissions', () => {
  /** An API server that allows what `allow` says, with nothing in it. */
  async function withApi(
    allow: (asked: Record<string, string>) => boolean,
    more?: Handler,
    environment: Record<string, unknown> = {},
  ) {
    const api: Api = await startApi((seen, response) => {
      if (more) more(seen, response);
      if (response.headersSent) return;
      if (seen.url.pathname === '/version') return json(response, { gitVersion: 'v1.31.0' });
      if (!seen.url.pathname.endsWith('/selfsubjectaccessreviews')) return json(response, { items: [] });
      const asked = (JSON.parse(seen.body) as { spec: { resourceAttributes: Record<string, string> } }).spec;
      json(response, { status: { allowed: allow(asked.resourceAttributes) } }, 201);
    });
    bin.add(() => api.close());
    const desk = await makeDesk(bin);
    const prod = {
      kubeconfig: api.kubeconfig,
      releases: [{ name: 'core', namespace: 'core-prod' }],
      namespaces: ['extra'],
      ...environment,
    };
    const config = await desk.write('c.yaml', stringify({ environments: { prod } }));
    return { api, report: await examine(desk, config) };
  }
  const reviews = (api: Api): Record<string, string>[] =>
    api.seen
      .filter(({ url }) => url.pathname.endsWith('/selfsubjectaccessreviews'))
      .map(({ body }) => JSON.parse(body).spec.resourceAttributes);

  it('are asked for by SelfSubjectAccessReview in each namespace, and nothing else is written', async () => {
    const { api, report } = await withApi(() => true);
    expect(report.of('permissions to read').status).toBe('ok');
    expect(report.of('permissions to act').status).toBe('ok');
    const asked = reviews(api).map(({ verb, group, resource, subresource = '', namespace }) =>
      [namespace, verb, group, resource, subresource].join(' ').trim(),
    );
    expect(asked).toEqual(
      expect.arrayContaining([
        ...['core-prod', 'extra'].flatMap((ns) => [
          ...['pods', 'secrets', 'events', 'configmaps'].map((resource) => `${ns} list  ${resource}`),
          ...['deployments', 'statefulsets', 'daemonsets'].flatMap((resource) => [
            `${ns} list apps ${resource}`,
            `${ns} patch apps ${resource}`,
          ]),
          `${ns} list autoscaling horizontalpodautoscalers`,
          `${ns} list policy poddisruptionbudgets`,
          `${ns} patch apps deployments scale`,
        ]),
        ...['create', 'update', 'delete', 'watch'].map((verb) => `core-prod ${verb}  secrets`),
      ]),
    );
    // No release is configured there, so Helm needs nothing.
    expect(asked.filter((line) => /^extra (create|update|delete|watch) /.test(line))).toEqual([]);
    expect(new Set(asked).size).toBe(asked.length);
    const writes = api.seen.filter(({ method, url }) => method !== 'GET' && !url.pathname.endsWith('reviews'));
    expect(writes).toEqual([]);
    expect(report.of('kubeconfig')).toMatchObject({
      status: 'warn',
      found: expect.stringContaining('context prod-eu'),
    });
    expect(report.text).not.toContain('tok-Zq9-secret');
  });

  it('missing ones name verb, resource and namespace: to read is a failure, to act a warning', async () => {
    const { report } = await withApi(
      ({ verb, resource, namespace }) => namespace === 'extra' || !(resource === 'secrets' || verb === 'patch'),
    );
    expect(report.code).toBe(1);
    const read = report.of('permissions to read');
    expect(read.status).toBe('fail');
    expect(read.found).toContain('core-prod: not allowed to list secrets, so check_recent_deploys');
    expect(read.found).not.toContain('extra');
    const act = report.of('permissions to act');
    expect(act.status).toBe('warn');
    expect(act.found).toContain('core-prod: not allowed to patch deployments.apps/scale, so scale_down fails');
  });

  it('are read from one SelfSubjectRulesReview a namespace where that tells all; no other question is asked', async () => {
    const rules =
      (incomplete: boolean): Handler =>
      (seen, response) => {
        if (!seen.url.pathname.endsWith('/selfsubjectrulesreviews')) return;
        const resourceRules = [
          { verbs: ['*'], apiGroups: ['', 'apps'], resources: ['*'] },
          { verbs: ['list'], apiGroups: ['*'], resources: ['horizontalpodautoscalers', 'poddisruptionbudgets'] },
          // Of one object alone: not what a list or a new object needs.
          { verbs: ['*'], apiGroups: ['batch'], resources: ['jobs'], resourceNames: ['one'] },
        ];
        json(response, { status: { incomplete, resourceRules } }, 201);
      };
    const { api, report } = await withApi(() => true, rules(false));
    expect(reviews(api)).toEqual([]);
    expect(report.of('permissions to read').status).toBe('ok');
    const { found } = report.of('permissions to act');
    expect(found).toContain('core-prod: not allowed to get, list, watch, create, patch, delete jobs.batch, so');
    expect(found).toContain('core-prod: not allowed to get, watch, create, patch, delete poddisruptionbudgets.policy');
    expect(found).not.toMatch(/\/scale|deployments|extra/);
    const other = await withApi(() => true, rules(true));
    expect(other.report.of('permissions to act').status).toBe('ok');
    expect(reviews(other.api).map(({ group }) => group)).not.toContain('apps');
  });

  it('an account that may only look is told in one line', async () => {
    const { report } = await withApi(({ verb }) => verb === 'list' || verb === 'get');
    expect(report.of('permissions to read').status).toBe('ok');
    const act = report.of('permissions to act');
    expect(act.status).toBe('warn');
    expect(act.next).toMatch(/docs\/rbac\/operator\.yaml.*--read-only/);
    const none = await withApi(() => false);
    expect(none.report.of('permissions to act').found).toMatch(
      /^core-prod: none of the \d+ rights to act\nextra: none of the \d+ rights to act$/,
    );
  });

  it('without any namespace the rights are not called complete', async () => {
    const { report } = await withApi(() => true, undefined, { releases: [], namespaces: [] });
    expect(report.of('permissions to read')).toMatchObject({
      status: 'warn',
      found: expect.stringContaining('the whole cluster is read'),
      next: expect.stringContaining('docs/rbac'),
    });
  });

  it('what the product does without is a warning', async () => {
    const { report } = await withApi(({ resource }) => resource !== 'events');
    expect(report.of('permissions to read')).toMatchObject({
      status: 'warn',
      found: expect.stringContaining('not allowed to list events, so get_system_health shows no warnings'),
    });
    expect(report.of('permissions to act').status).toBe('ok');
  });

  it('a server whose clock is an hour off is told', async () => {
    const { report } = await withApi(
      () => true,
      (_seen, response) => {
        response.setHeader('date', new Date(Date.now() + 3_600_000).toUTCString());
      },
    );
    expect(report.of('clock')).toMatchObject({ status: 'warn', found: expect.stringMatching(/behind the API server/) });
  });
});

it('runs within its deadline when everything hangs', async () => {
  for (const wire of ['kubernetes', 'prometheus', 'alertmanager', 'health', 'statuspage'])
    await sandbox.fault(wire, 'silent');
  const started = performance.now();
  const report = await examine(await makeDesk(bin), sandbox.config);
  for (const wire of ['kubernetes', 'prometheus', 'alertmanager', 'health', 'statuspage'])
    await sandbox.fault(wire, 'none');
  expect(performance.now() - started).toBeLessThan(9_000);
  expect(report.code).toBe(1);
  expect(report.of('node').status).toBe('ok');
});
