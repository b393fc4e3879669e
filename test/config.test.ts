import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Config, configSchema, loadConfig, userFolders } from '../src/config.ts';
import { DEFAULT_MATRIX } from '../src/config-defaults.ts';
import { AppError } from '../src/errors.ts';

const HOME = '/somewhere/ada';
const CWD = '/somewhere/project';
const USER = join(HOME, '.config', 'incident-mcp');

interface Given {
  files?: Record<string, string>;
  flags?: { config?: string; data_dir?: string };
  env?: Record<string, string>;
}

const load = ({ files = {}, flags = {}, env = {} }: Given): Config =>
  loadConfig({ flags, env: { HOME, ...env }, cwd: CWD, readFile: (path) => files[path] ?? null });

const FILE = join(CWD, 'incident-mcp.yaml');
const parse = (text: string): Config => load({ files: { [FILE]: text } });

function refusal(work: () => unknown): { code: string; message: string; next: string } {
  try {
    work();
  } catch (error) {
    if (error instanceof AppError) return { code: error.code, message: error.message, next: error.next };
    throw error;
  }
  throw new Error('it was accepted');
}

const MINIMAL = `environments:
  prod:
    context: prod-eu
signals:
  prometheus: { url: https://prometheus.example.com }
  alertmanager: { url: https://alertmanager.example.com }
`;

describe('a minimal file', () => {
  it('is under ten lines, and everything else has a default that fits the shipped runbook', () => {
    expect(MINIMAL.trim().split('\n').length).toBeLessThan(10);
    const config = parse(MINIMAL);
    expect(config).toMatchObject({
      default_environment: 'prod',
      source: FILE,
      source_deadline: 5_000,
      rollout_deadline: 300_000,
      verification_window: 300_000,
      approval: { lifetime: 600_000, policy: [] },
      response: {
        time_zone: 'UTC',
        update_intervals: { SEV1: 1_200_000, SEV2: 1_200_000, SEV3: 3_600_000, SEV4: null },
      },
      fleet: { source: 'prometheus', slo_target: 0.99, customer_threshold: 0.9 },
      data_dir: join(HOME, '.local', 'share', 'incident-mcp'),
      secret_file: join(USER, 'approver.hash'),
      key_file: join(USER, 'record.key'),
      runbooks_dir: null,
    });
    expect(config.environments.prod).toMatchObject({
      context: 'prod-eu',
      protected: true,
      scale_down: { command: ['pulsar', 'scale', 'down', '--env', '{environment}'] },
      releases: [
        { name: 'pulsestream-core', namespace: 'pulsestream-core-prod', services: [] },
        { name: 'pulsestream-agent', namespace: 'pulsestream-agent-prod', services: [] },
      ],
    });
  });

  it('has the runbook’s matrix', () => {
    expect(parse(MINIMAL).severity_matrix.map((row) => [row.severity, row.response])).toEqual([
      ['SEV1', { kind: 'immediate' }],
      ['SEV2', { kind: 'within', ms: 15 * 60_000 }],
      ['SEV3', { kind: 'within', ms: 60 * 60_000 }],
      ['SEV4', { kind: 'next_business_day' }],
    ]);
  });

  it.each(['', '{}', '# only a comment\n'])('may be empty: %j', (text) => {
    expect(parse(text).default_environment).toBe('prod');
  });

  it('keeps the secret and the key of the record outside the data folder', () => {
    const config = parse(MINIMAL);
    for (const file of [config.secret_file, config.key_file]) expect(file.startsWith(config.data_dir)).toBe(false);
  });
});

describe('where it is found', () => {
  const files = {
    [FILE]: 'source_deadline: 1s',
    [join(USER, 'config.yaml')]: 'source_deadline: 2s',
    [join(CWD, 'flag.yaml')]: 'source_deadline: 3s',
    [join(CWD, 'env.yaml')]: 'source_deadline: 4s',
    '/xdg/incident-mcp/config.yaml': 'source_deadline: 6s',
  };
  const { [FILE]: _here, ...elsewhere } = files;

  it.each([
    ['the flag wins', { files, flags: { config: 'flag.yaml' }, env: { INCIDENT_MCP_CONFIG: 'env.yaml' } }, 3_000],
    ['then the variable', { files, env: { INCIDENT_MCP_CONFIG: 'env.yaml' } }, 4_000],
    ['then the working folder', { files }, 1_000],
    ["then the user's folder", { files: elsewhere }, 2_000],
    ["the user's folder by XDG", { files: elsewhere, env: { XDG_CONFIG_HOME: '/xdg' } }, 6_000],
    ['then the defaults', {}, 5_000],
  ] as const)('%s', (_name, given, ms) => {
    expect(load(given as Given).source_deadline).toBe(ms);
  });

  it('never falls back from a file that was named', () => {
    for (const given of [{ flags: { config: 'gone.yaml' } }, { env: { INCIDENT_MCP_CONFIG: 'gone.yaml' } }]) {
      const { code, message, next } = refusal(() => load({ files, ...given } as Given));
      expect(code).toBe('INVALID_INPUT');
      expect(message).toContain(join(CWD, 'gone.yaml'));
      expect(next).toContain('incident-mcp init');
    }
  });

  it.each([
    ['the flag', { flags: { data_dir: 'd1' }, env: { INCIDENT_MCP_DATA_DIR: 'd2' } }, join(CWD, 'd1')],
    ['the variable', { env: { INCIDENT_MCP_DATA_DIR: 'd2' } }, join(CWD, 'd2')],
    ['the file, from where the file lies', {}, '/etc/incident/data'],
  ])('the data folder is told by %s', (_name, given, dir) => {
    const file = '/etc/incident/c.yaml';
    const flags = { config: file, ...('flags' in given ? given.flags : {}) };
    expect(load({ files: { [file]: 'store: { dir: data }' }, ...given, flags } as Given).data_dir).toBe(dir);
  });

  it('knows the user’s folders', () => {
    expect(userFolders({ HOME })).toEqual({ config: USER, data: join(HOME, '.local', 'share', 'incident-mcp') });
    expect(userFolders({ HOME, XDG_CONFIG_HOME: '/c', XDG_DATA_HOME: '/d' })).toEqual({
      config: '/c/incident-mcp',
      data: '/d/incident-mcp',
    });
  });
});

describe('paths in a file', () => {
  it('mean the same from every working directory', () => {
    const file = '/etc/incident/c.yaml';
    const text = `
environments: { prod: { kubeconfig: kube/config, health_endpoints: [{ name: api, url: https://a.example, auth: { token_file: t } }] } }
programs: { helm: bin/helm4, pulsar: pulsar }
signals: { prometheus: { url: https://p.example, auth: { ca_file: ca.pem, token_file: ~/token } } }
approval: { secret_file: secret }
notify: { slack: { url_file: /run/slack } }
runbooks: { folder: books }
store: { key_file: ../key }
`;
    const config = load({ files: { [file]: text }, flags: { config: file } });
    expect(config.environments.prod?.kubeconfig).toBe('/etc/incident/kube/config');
    expect(config.environments.prod?.health_endpoints[0]?.auth?.token_file).toBe('/etc/incident/t');
    // A bare name is looked up on PATH; with a slash it is a path.
    expect(config.programs).toEqual({ helm: '/etc/incident/bin/helm4', pulsar: 'pulsar' });
    expect(config.signals.prometheus?.auth).toEqual({
      ca_file: '/etc/incident/ca.pem',
      token_file: join(HOME, 'token'),
    });
    expect(config.notify.slack?.url_file).toBe('/run/slack');
    expect(config).toMatchObject({
      secret_file: '/etc/incident/secret',
      key_file: '/etc/key',
      runbooks_dir: '/etc/incident/books',
    });
  });
});

describe('a wrong file', () => {
  it.each([
    [
      'an unknown key at the top',
      'source_deadline: 1s\nsevrity_matrix: []\n',
      2,
      /unknown key "sevrity_matrix"; allowed here: .*severity_matrix/,
    ],
    [
      'an unknown key within',
      'environments:\n  prod:\n    contxt: x\n',
      3,
      /environments\.prod\.contxt: unknown key "contxt"; allowed here: kubeconfig, context, protected/,
    ],
    [
      'an unknown key in a list',
      'environments:\n  prod:\n    releases:\n      - name: core\n        namespace: core\n        namspace: x\n',
      6,
      /unknown key "namspace"; allowed here: name, namespace, services/,
    ],
    ['a duration', 'source_deadline: 5 seconds\n', 1, /source_deadline: must be a duration such as 90s/],
    ['a number for a duration', 'approval:\n  lifetime: 600\n', 2, /approval\.lifetime: /],
    ['a way that does not exist', 'approval:\n  policy:\n    - ways: [email]\n', 3, /approval\.policy\.0\.ways\.0: /],
    ['no way', 'approval:\n  policy:\n    - ways: []\n', 3, /ways: /],
    [
      'an action that does not exist',
      'approval:\n  policy:\n    - { action: reboot, ways: [terminal] }\n',
      3,
      /action/,
    ],
    ['no approver', 'approval:\n  policy:\n    - { ways: [terminal], approvers: 0 }\n', 3, /approvers: /],
    [
      'a flag as a release',
      'environments:\n  prod:\n    releases:\n      - { name: --kube-context=x, namespace: a }\n',
      4,
      /RFC 1123/,
    ],
    ['an upper-case namespace', 'environments:\n  prod:\n    namespaces: [Core]\n', 3, /RFC 1123/],
    ['an environment with a blank', 'environments:\n  "my prod": {}\n', 2, /environments\.my prod/],
    ['no environment', 'environments: {}\n', 1, /must name at least one environment/],
    [
      'an unknown default',
      'environments: { eu: {} }\ndefault_environment: us\n',
      2,
      /"us" is not one of the environments: eu/,
    ],
    ['a URL of another protocol', 'signals:\n  prometheus:\n    url: ftp://x\n', 3, /must be an http or https URL/],
    ['no URL', 'signals:\n  alertmanager: {}\n', 2, /signals\.alertmanager\.url: /],
    [
      'a matrix of three rows',
      'severity_matrix:\n  - { severity: SEV1, description: a, response: immediate }\n',
      1,
      /one row for each/,
    ],
    ['a time zone', 'response:\n  time_zone: Mars/Olympus\n', 2, /IANA time zone/],
    ['a time of day', 'response:\n  business_hours:\n    start: "25:00"\n', 3, /start: /],
    ['a holiday', 'response:\n  holidays: [1.5.2026]\n', 2, /holidays\.0: /],
    ['a share above one', 'fleet:\n  slo_target: 99\n', 2, /slo_target: /],
    ['an empty command', 'environments:\n  prod:\n    scale_down: { command: [] }\n', 3, /command: /],
    ['a command as one text', 'environments:\n  prod:\n    scale_down: { command: pulsar down }\n', 3, /command: /],
    [
      'a secret inline',
      'notify:\n  slack:\n    url: https://hooks.example/T0\n',
      3,
      /unknown key "url"; allowed here: url_env, url_file/,
    ],
    ['a double key', 'source_deadline: 1s\nsource_deadline: 2s\n', 2, /not valid YAML: .*unique/i],
    ['no YAML', 'environments: [\n', 2, /not valid YAML/],
    ['a list at the top', '- a\n', 1, /\(top\): /],
    ['text at the top', 'hello\n', 1, /\(top\): /],
  ])('%s is told with line, path and fix', (_name, text, line, said) => {
    const { code, message, next } = refusal(() => parse(text));
    expect(code).toBe('INVALID_INPUT');
    expect(message).toContain(`${FILE}:${line}:`);
    expect(message).toMatch(said);
    expect(next.trim()).not.toBe('');
  });

  it('tells several faults at once, but not more than five', () => {
    const { message } = refusal(() => parse(Array.from({ length: 9 }, (_, i) => `signals${i}: 1`).join('\n')));
    expect(message).toContain('signals0');
    const many = ['source_deadline', 'verification_window', 'rollout_deadline'].map((key) => `${key}: never`);
    expect(refusal(() => parse(many.join('\n'))).message.split('\n')).toHaveLength(3);
    const six = `response: { holidays: [a, b, c, d, e, f] }`;
    expect(refusal(() => parse(six)).message.split('\n')).toHaveLength(5);
  });

  it.each([
    ['signals:\n  prometheus:\n    url: https://ada:pass@p.example\n', 3],
    ['signals:\n  alertmanager:\n    url: https://token@a.example\n', 3],
    ['fleet:\n  url: http://:pass@f.example\n', 2],
    ['environments:\n  prod:\n    health_endpoints: [{ name: a, url: "https://u:p@h.example" }]\n', 3],
    ['signals:\n  llm_provider:\n    status_url: https://u:p@s.example\n', 3],
  ])('credentials in a URL are refused and not repeated: %j', (text, line) => {
    const { message } = refusal(() => parse(text));
    expect(message).toContain(`${FILE}:${line}:`);
    expect(message).toContain('must not hold credentials');
    expect(message).not.toMatch(/pass@|u:p@|token@/);
  });

  it('aliases that grow without end are refused', () => {
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
    for (const [i, name] of [...'bcdefgh'].entries()) {
      const before = 'abcdefgh'[i];
      bomb.push(`${name}: &${name} [${Array(10).fill(`*${before}`).join(', ')}]`);
    }
    const { code, message } = refusal(() => parse(bomb.join('\n')));
    expect(code).toBe('INVALID_INPUT');
    expect(message).toContain(FILE);
  });

  it('keys that name parts of an object’s machinery do no harm', () => {
    expect(refusal(() => parse('__proto__: { x: 1 }\n')).code).toBe('INVALID_INPUT');
    expect(refusal(() => parse('environments: { prod: { constructor: 1 } }\n')).code).toBe('INVALID_INPUT');
    expect(({} as { x?: number }).x).toBeUndefined();
  });
});

describe('environments', () => {
  it.each([
    ['prod where there is one', 'environments: { eu: {}, prod: {} }', 'prod'],
    ['else the first', 'environments: { eu: {}, us: {} }', 'eu'],
    ['the named one', 'environments: { eu: {}, prod: {} }\ndefault_environment: eu', 'eu'],
  ])('the default is %s', (_name, text, name) => {
    expect(parse(text).default_environment).toBe(name);
  });
});

describe('the table', () => {
  it('gives the same for defaults and for an empty file', () => {
    expect(configSchema.parse({})).toEqual(configSchema.parse({ severity_matrix: DEFAULT_MATRIX }));
  });

  it('hands out no shared state: changing one configuration does not change the next', () => {
    const first = parse('{}');
    first.environments.prod?.releases.push({ name: 'x', namespace: 'y', services: [] });
    expect(parse('{}').environments.prod?.releases).toHaveLength(2);
  });
});
