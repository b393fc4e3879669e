import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { Bin } from '../helpers/bin.ts';
import { type Home, makeHome } from '../helpers/home.ts';
import { type RawConfig, type Sandbox, startSandbox } from '../helpers/sandbox.ts';
import { hasBrowser, openBrowser } from '../page/browser.ts';
import { signIn } from '../page/desk.ts';
import { cluster } from './cluster.ts';
import { pageClient } from './page-client.ts';
import { filesBelow } from './target.ts';
import { tellTests, tries } from './tell-tests.ts';

/** Secrets lie where secrets lie; then all that the product does is done, and everything that it said and wrote is looked through. */

tellTests('secrets: canaries');
const bin = new Bin();
afterAll(() => bin.empty());

let planted = 0;
const canaries = new Map<string, string>();
/** A value that appears nowhere else, and where it was put. */
function canary(where: string): string {
  planted += 1;
  const value = `canary${String(planted).padStart(2, '0')}Zq${createHash('sha256').update(where).digest('hex').slice(0, 12)}`;
  canaries.set(where, value);
  return value;
}
/** All forms in which a value would be a leak. */
const forms = (value: string): string[] => [
  value,
  Buffer.from(value).toString('base64').replace(/=+$/, ''),
  Buffer.from(value).toString('hex'),
  encodeURIComponent(value),
];
const found = (text: string): string[] =>
  [...canaries].filter(([, value]) => forms(value).some((form) => text.includes(form))).map(([where]) => where);

const said: [string, string][] = [];
let sandbox: Sandbox;
let home: Home;
let stderr = '';

const PEM = (body: string): string => `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----`;

/** An HTTP source that fails with a secret in its words. */
async function failing(body: string): Promise<string> {
  const server = createServer((_request, response) =>
    response.writeHead(500, { 'Content-Type': 'text/plain', 'WWW-Authenticate': body }).end(body),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  bin.add(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** As much of an object as gets canaries. */
interface Manifest {
  kind: string;
  metadata: { name: string };
  spec?: { template: { spec: { containers: { env: { name: string; value: string }[] }[] } } };
}

async function plantInCluster(): Promise<void> {
  const values = {
    credentials: {
      smtpPassword: canary('Helm values: a password'),
      stripeKey: `sk_live_${canary('Helm values: a key by its form')}abcdefghij`,
    },
    auth: { token: canary('Helm values: a token'), nested: { clientSecret: canary('Helm values: a nested secret') } },
    alerting: { slackWebhookUrl: `https://hooks.slack.com/services/T0/B0/${canary('Helm values: a webhook')}` },
    tls: { privateKey: PEM(canary('Helm values: a private key')) },
    database: { url: `postgres://app:${canary('Helm values: a URL with a password')}@db:5432/app` },
  };
  const env = (revision: number): { name: string; value: string }[] => [
    { name: 'DB_PASSWORD', value: canary(`environment variable of revision ${revision}: a password`) },
    { name: 'API_TOKEN', value: canary(`environment variable of revision ${revision}: a token`) },
    {
      name: 'DATABASE_URL',
      value: `postgres://u:${canary(`environment variable of revision ${revision}: a URL`)}@db/x`,
    },
    { name: 'AUTHORIZATION', value: `Bearer ${canary(`environment variable of revision ${revision}: a header`)}` },
  ];
  for (const revision of [10, 12]) {
    await cluster(sandbox).rewrite(revision, (record) => {
      record.config = { ...record.config, ...values };
      record.info.description = `Upgrade complete; password=${canary(`description of revision ${revision}`)}`;
      record.info.notes = `Log in with password: ${canary(`notes of revision ${revision}`)}`;
      const objects = parseAllDocuments(record.manifest).map((document) => document.toJS() as Manifest);
      const engine = objects.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'analysis-engine');
      engine?.spec?.template.spec.containers[0]?.env.push(...env(revision));
      expect(canaries.has(`environment variable of revision ${revision}: a header`)).toBe(true);
      record.manifest = objects.map((object) => `---\n${stringify(object)}`).join('');
      const encoded = Buffer.from(canary(`Secret of revision ${revision}`)).toString('base64');
      record.manifest += `\n---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: more\n  namespace: pulsestream-core-prod\ndata:\n  anything: ${encoded}\nstringData:\n  plain: ${canary(`Secret as text of revision ${revision}`)}\n`;
    });
  }
  await cluster(sandbox).warn(`Error: cannot pull: token=${canary('event of the cluster')}`);
}

async function world(): Promise<void> {
  sandbox = await startSandbox(bin, 'bad-deploy');
  await plantInCluster();
  const kubeconfig = parse(await readFile(sandbox.kubeconfig, 'utf8')) as { users: unknown[]; [key: string]: unknown };
  const own = join(sandbox.dir, 'kubeconfig-canaries');
  kubeconfig.users.push(
    { name: 'a', user: { password: canary('kubeconfig: a password'), username: 'x' } },
    { name: 'b', user: { 'client-key-data': Buffer.from(canary('kubeconfig: a client key')).toString('base64') } },
    {
      name: 'c',
      user: {
        exec: {
          apiVersion: 'client.authentication.k8s.io/v1',
          command: 'false',
          interactiveMode: 'Never',
          env: [{ name: 'PLUGIN_SECRET', value: canary('kubeconfig: environment of a plugin') }],
        },
      },
    },
  );
  // The sandbox takes this one only.
  canaries.set('kubeconfig: the token in use', 'planted-kubeconfig-token-Kx83');
  await writeFile(own, stringify(kubeconfig), { mode: 0o600 });

  const plugin = join(sandbox.dir, 'plugin');
  await writeFile(
    plugin,
    `#!/bin/sh\necho "token=${canary('stderr of a credential plugin')}" >&2\necho "cannot log in: $PLUGIN_PASSWORD password=$PLUGIN_PASSWORD" >&2\nexit 1\n`,
  );
  await chmod(plugin, 0o755);
  const failingKubeconfig = join(sandbox.dir, 'kubeconfig-plugin');
  await writeFile(
    failingKubeconfig,
    stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'x',
      clusters: [{ name: 'x', cluster: { server: sandbox.urls.kubernetes } }],
      contexts: [{ name: 'x', context: { cluster: 'x', user: 'x' } }],
      users: [
        {
          name: 'x',
          user: {
            exec: {
              apiVersion: 'client.authentication.k8s.io/v1',
              interactiveMode: 'Never',
              command: plugin,
              env: [{ name: 'PLUGIN_PASSWORD', value: 'unused-value' }],
            },
          },
        },
      ],
    }),
  );
  const helm = await sandbox.script(
    'helm-that-tells',
    [
      'case "$*" in',
      '  *pulsestream-agent*--dry-run*|*--dry-run*pulsestream-agent*)',
      `    echo "Error: UPGRADE FAILED: password=${canary('error text of helm: a pair')} Authorization: Bearer ${canary('error text of helm: a header')}" >&2`,
      `    echo "Get \\"https://u:${canary('error text of helm: a URL')}@host/x\\": refused" >&2`,
      '    env >&2; exit 1 ;;',
      '  *) exec "$HELM" "$@" ;;',
      'esac',
    ].join('\n'),
  );
  const health = await failing(`token=${canary('body of a health endpoint')}`);
  const status = await failing(`{"error":"api_key=${canary('body of the status page')}"}`);
  const config = await sandbox.configured((raw: RawConfig) => {
    const prod = raw.environments.prod as Record<string, unknown>;
    prod.kubeconfig = own;
    (prod.health_endpoints as { url: string }[]).push({
      name: 'secretive',
      url: `http://${health}/?token=${canary('URL of a health endpoint')}`,
      service: 'web-ui',
    } as never);
    raw.environments.staging = {
      kubeconfig: failingKubeconfig,
      releases: [{ name: 'pulsestream-core', namespace: 'x', services: ['web-ui'] }],
      protected: true,
    };
    raw.programs = { ...raw.programs, helm };
    raw.signals = {
      ...(raw.signals as object),
      llm_provider: { name: 'Provider', status_url: `http://${status}/api/v2/summary.json` },
    };
    raw.verification_window = '1s';
  });
  home = await makeHome(bin, config);
  home.env.INCIDENT_MCP_LOG = 'debug';
  home.env.SERVER_PASSWORD = canary("server's environment: a password");
  home.env.AWS_SECRET_ACCESS_KEY = canary("server's environment: a cloud key");
  home.env.UNRELATED = canary("server's environment: anything");
  for (const name of ['slack-url', 'pagerduty-key', 'webhook-url', 'webhook-key', 'approver.hash'])
    canaries.set(
      `file ${name}`,
      (await readFile(join(sandbox.dir, 'secrets', name), 'utf8')).trim().split(/[/$]/).at(-1) ?? '',
    );
  canaries.set("the approver's secret", sandbox.secret);
  canaries.set('Secret of the platform: the database', 'planted-db-password-7Qm2');
  canaries.set('Secret of the platform: the provider, now', 'planted-llm-key-E5f6G7h8');
  canaries.set('Secret of the platform: the provider, before', 'planted-llm-key-A1b2C3d4');
  canaries.set('Secret of the platform: enrolment', 'planted-enrolment-token-9Zx8');
}

async function connectLoud() {
  const client = new Client(
    { name: 'canary-client', version: '1.0.0' },
    { capabilities: { elicitation: { form: {} } } },
  );
  let asking = 0;
  client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
    said.push([`form ${++asking}`, JSON.stringify(params)]);
    const properties = (params as { requestedSchema?: { properties?: object } }).requestedSchema?.properties ?? {};
    const target = /Type \\?"([^"\\]+)/.exec(JSON.stringify(properties))?.[1];
    return {
      action: 'accept',
      content: {
        approve: true,
        approver: 'Ada',
        note: `token=${canaries.get('a note')}`,
        ...(target === undefined ? {} : { target }),
      },
    };
  });
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: home.serve(),
    env: home.env,
    cwd: home.dir,
    stderr: 'pipe',
  });
  transport.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8');
  });
  await client.connect(transport);
  bin.add(() => client.close());
  return client;
}

const CALLS: [string, Record<string, unknown>][] = [
  ['get_system_health', {}],
  ['get_system_health', { environment: 'staging' }],
  ['get_fleet_summary', {}],
  ['check_recent_deploys', {}],
  ['check_recent_deploys', { environment: 'staging' }],
  ['check_llm_provider', {}],
  ['assess_severity', {}],
  ['declare_incident', { title: 'Analyses fail', severity: 'SEV2' }],
  ['assign_role', { role: 'commander', person: 'Ada' }],
  ['record_timeline_event', { kind: 'note', message: 'NOTE' }],
  ['add_action_item', { title: 'NOTE', kind: 'prevent' }],
  ['rollback_release', { release: 'pulsestream-agent', reason: 'helm fails here' }],
  ['rollback_release', { release: 'pulsestream-core', environment: 'staging', reason: 'the plugin fails here' }],
  ['rollback_release', { release: 'pulsestream-core', reason: 'NOTE' }],
  ['restart_service', { service: 'web-ui', reason: 'NOTE' }],
  ['scale_down', { service: 'ingest-gateway', replicas: 1, reason: 'NOTE' }],
  ['update_runbook', { runbook: 'notes', failure_mode: 'm', detection: 'NOTE', mitigation: 'NOTE' }],
  ['send_update', { audience: 'internal', message: 'NOTE' }],
  ['send_update', { audience: 'customers', message: 'NOTE' }],
  ['update_incident', { status: 'mitigated', reason: 'NOTE', root_cause: 'NOTE' }],
  ['verify_mitigation', { approval_id: 'NEWEST' }],
  ['draft_postmortem', {}],
  ['get_incident', { view: 'full' }],
  ['get_incident', { view: 'timeline', limit: 200 }],
  ['get_incident', {}],
  ['get_approval', {}],
  ['list_incidents', {}],
];

describe('what is secret', () => {
  beforeAll(async () => {
    canary('a note');
    await world();
    const client = await connectLoud();
    let newest = '';
    const called = new Set<string>();
    for (const [name, args] of CALLS) {
      called.add(name);
      const filled = JSON.parse(
        JSON.stringify(args)
          .replaceAll('NOTE', `the db password=${canaries.get('a note')}`)
          .replaceAll('NEWEST', newest),
      ) as Record<string, unknown>;
      const result = await client.callTool({ name, arguments: filled }, undefined, { timeout: 60_000 });
      newest = /APR-[0-9A-Z]{10}/.exec(JSON.stringify(result.structuredContent ?? {}))?.[0] ?? newest;
      said.push([`${name} ${JSON.stringify(args)}`, JSON.stringify(result)]);
    }
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name).filter((name) => !called.has(name))).toEqual([]);
    for (const { uri } of (await client.listResources()).resources)
      said.push([uri, JSON.stringify(await client.readResource({ uri }))]);
    for (const { name } of (await client.listPrompts()).prompts)
      said.push([
        `prompt ${name}`,
        JSON.stringify(await client.getPrompt({ name, arguments: {} }).catch((error: unknown) => String(error))),
      ]);

    // A plan for the page and one for the terminal.
    await client.close();
    const plain = new Client({ name: 'plain', version: '1' }, { capabilities: {} });
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: home.serve(),
      env: home.env,
      cwd: home.dir,
      stderr: 'pipe',
    });
    transport.stderr?.on('data', (chunk: Buffer) => {
      stderr += chunk.toString('utf8');
    });
    await plain.connect(transport);
    bin.add(() => plain.close());
    const plan = async (args: Record<string, unknown>): Promise<{ id: string; digest: string; url: string }> => {
      const result = await plain.callTool({ name: 'rollback_release', arguments: args }, undefined, {
        timeout: 60_000,
      });
      const text = JSON.stringify(result);
      said.push(['a plan', text]);
      if (result.isError === true) throw new Error(text);
      const { approval_id, plan: shown } = result.structuredContent as {
        approval_id: string;
        plan: { digest: string };
      };
      return {
        id: approval_id,
        digest: shown.digest,
        url: /http:\/\/localhost:\d+\/approvals\/APR-[0-9A-Z]{10}/.exec(text)?.[0] ?? '',
      };
    };
    const one = await plan({ release: 'pulsestream-core', revision: 12, reason: 'for the page' });
    const page = pageClient(new URL(one.url).origin);
    const session = await page.signIn(sandbox.secret);
    const note = `password=${canaries.get('a note')}`;
    said.push(['the page: state', (await page.get('/api/state', session)).text]);
    if (hasBrowser) {
      const browser = await openBrowser(bin);
      const tab = await browser.newPage();
      await signIn(tab, one.url, sandbox.secret);
      for (const details of await tab.locator('details').all())
        await details.evaluate('(element) => { element.open = true; }');
      said.push(['the page: text', await tab.locator('body').innerText()], ['the page: markup', await tab.content()]);
      await browser.close();
    }
    said.push([
      'the page: a decision',
      (
        await page.post(
          `/api/approvals/${one.id}/decision`,
          { digest: one.digest, decision: 'approve', approver: `Ada ${note}`, note, secret: sandbox.secret },
          session,
        )
      ).text,
    ]);
    said.push([
      'the page: a wrong secret',
      (await page.post('/api/sign-in/secret', { secret: `x${sandbox.secret}` })).text.replace(sandbox.secret, ''),
    ]);
    said.push([
      'the run',
      JSON.stringify(
        await plain.callTool(
          {
            name: 'rollback_release',
            arguments: { release: 'pulsestream-core', revision: 12, reason: 'x', approval_id: one.id },
          },
          undefined,
          { timeout: 60_000 },
        ),
      ),
    ]);
    const two = await plan({ release: 'pulsestream-core', revision: 10, reason: 'for the terminal' });
    const commands: [string[], string?][] = [
      [['run', two.id, '--secret-stdin', '--approver', `Ada ${note}`, '--note', note], `${sandbox.secret}\n`],
      [['approvals']],
      [['approvals', '--json']],
      [['doctor']],
      [['doctor', '--json']],
      [['verify', '--json']],
      [['export', 'INC-0001', '--format', 'json']],
      [['export', 'INC-0001', '--format', 'markdown']],
      [['stats']],
      [['ack', 'INC-0001', '--secret-stdin', '--person', `Ada ${note}`], `${sandbox.secret}\n`],
      [['passkey', 'list']],
    ];
    for (const [argv, stdin] of commands) {
      const { stdout, stderr: complained } = await home.command(argv, stdin);
      said.push([`incident-mcp ${argv[0]}`, `${stdout}\n${complained}`]);
    }
    await plain.close();
  }, 240_000);

  test('is planted in thirty places and more', () => {
    // Two webhooks of the sandbox share their token.
    expect(new Set(canaries.values()).size).toBeGreaterThanOrEqual(30);
    expect([...canaries.values()].filter((value) => value.length < 8)).toEqual([]);
    tries(canaries.size);
  });

  test('is in no answer, form, resource, prompt, page or output of a command', () => {
    tries(said.length);
    // What was done was really done: an empty log would hold too.
    expect(said.filter(([, text]) => text.length > 20).length).toBeGreaterThan(45);
    expect(
      said.map(([where, text]) => ({ where, leaks: found(text) })).filter(({ leaks }) => leaks.length > 0),
    ).toEqual([]);
  });

  test('is in no file of the record', async () => {
    const files = await filesBelow(home.data);
    tries(files.length);
    expect(files.length).toBeGreaterThan(8);
    expect(files.map(([file, text]) => ({ file, leaks: found(text) })).filter(({ leaks }) => leaks.length > 0)).toEqual(
      [],
    );
  });

  test('is in no notification', async () => {
    const { notifications } = await sandbox.truth();
    tries(notifications.length);
    expect(notifications.length).toBeGreaterThan(3);
    // The routing key is what PagerDuty knows the sender by: it belongs into its own field, and nowhere else.
    const bodies = notifications.map(({ sink, body }) => ({
      sink,
      text: JSON.stringify(sink === 'pagerduty' ? { ...body, routing_key: '' } : body),
    }));
    expect(
      bodies.map(({ sink, text }) => ({ sink, leaks: found(text) })).filter(({ leaks }) => leaks.length > 0),
    ).toEqual([]);
  });

  test('is in no line of the log, also where it tells all', () => {
    expect(stderr).toContain('serving MCP over stdio');
    expect(found(stderr)).toEqual([]);
  });

  test('is in no file of the user beside what was configured', async () => {
    await mkdir(join(home.dir, 'config'), { recursive: true });
    const files = [...(await filesBelow(join(home.dir, 'config'))), ...(await filesBelow(join(home.dir, 'share')))];
    tries(files.length);
    expect(files.map(([file, text]) => ({ file, leaks: found(text) })).filter(({ leaks }) => leaks.length > 0)).toEqual(
      [],
    );
  });
});
