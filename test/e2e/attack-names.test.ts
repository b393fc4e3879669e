import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { tellTests } from '../attack/tell-tests.ts';
import { Bin } from '../helpers/bin.ts';
import { type Home, makeHome } from '../helpers/home.ts';
import { type Sandbox, startSandbox } from '../helpers/sandbox.ts';
import { connect, type Session } from '../helpers/session.ts';
import { ERROR } from '../helpers/story.ts';

tellTests('attacks: names and arguments');
const bin = new Bin();
let sandbox: Sandbox;
let home: Home;
let session: Session;
beforeAll(async () => {
  sandbox = await startSandbox(bin, 'bad-deploy');
  home = await makeHome(bin, sandbox.config);
  session = await connect(bin, home, 'plain');
});
afterAll(() => bin.empty());
afterEach(async () => {
  expect(await session.ping()).toBeLessThan(1_000);
  expect((await sandbox.truth()).actions).toEqual([]);
});

const REASON = { reason: 'a test' };

describe('names that are no names', () => {
  const NAMES: [string, string][] = [
    ['a flag', '--kube-context=x'],
    ['a short flag', '-A'],
    ['the end of flags', '--'],
    ['a shell command', '; rm -rf /'],
    ['a substitution', '$(id)'],
    ['backticks', '`id`'],
    ['a pipe', 'web-ui|id'],
    ['a path', '../../etc/passwd'],
    ['a newline', 'web-ui\nweb-ui'],
    ['a newline at the end', 'web-ui\n'],
    ['a NUL', 'web-ui\0'],
    ['10 KB', 'a'.repeat(10_240)],
    ['a zero-width character', 'web\u200b-ui'],
    ['a bidirectional control', '\u202eiu-bew'],
    ['a full-width letter', '\uff57eb-ui'],
    ['a blank', 'web ui'],
    ['capitals', 'Web-UI'],
    ['nothing', ''],
  ];
  const PLACES: [string, string][] = [
    ['rollback_release', 'release'],
    ['rollback_release', 'namespace'],
    ['rollback_release', 'environment'],
    ['restart_service', 'service'],
    ['restart_service', 'namespace'],
    ['scale_down', 'service'],
    ['scale_down', 'environment'],
    ['check_recent_deploys', 'release'],
    ['get_system_health', 'environment'],
  ];
  const VALID: Record<string, Record<string, unknown>> = {
    rollback_release: { release: 'pulsestream-core', ...REASON },
    restart_service: { service: 'web-ui', ...REASON },
    scale_down: { service: 'web-ui', ...REASON },
  };

  test.each(NAMES)('%s', async (_what, name) => {
    for (const [tool, argument] of PLACES) {
      const { isError, text } = await session.call(tool, { ...VALID[tool], [argument]: name });
      expect(isError, `${tool} ${argument}`).toBe(true);
      expect(text, `${tool} ${argument}`).toMatch(/^INVALID_INPUT: .+ Next: .+/s);
      expect(text).toContain(argument);
      expect(text.length).toBeLessThan(1_500);
      expect(text).not.toMatch(/[\u200b\u202e\0]/);
    }
    // A runbook's name becomes a path; capitals and full names are fine there, the rest is not.
    if (name === 'Web-UI') return;
    const runbook = { runbook: name, failure_mode: 'x', detection: 'y', mitigation: 'z' };
    expect((await session.call('update_runbook', runbook)).text).toMatch(/^INVALID_INPUT: .+ Next: .+/s);
  });
});

describe('what does not exist or cannot be', () => {
  test.each<[string, string, Record<string, unknown>, string, RegExp]>([
    [
      'a release that is not configured',
      'rollback_release',
      { release: 'other-release' },
      'NOT_CONFIGURED',
      /pulsestream-core/,
    ],
    ['its deploys', 'check_recent_deploys', { release: 'other-release' }, 'NOT_CONFIGURED', /pulsestream-core/],
    [
      'a release in the wrong namespace',
      'rollback_release',
      { release: 'pulsestream-core', namespace: 'pulsestream-agent-prod' },
      'NOT_FOUND',
      /does not exist/,
    ],
    [
      'a namespace that is not configured',
      'rollback_release',
      { release: 'pulsestream-core', namespace: 'kube-system' },
      'INVALID_INPUT',
      /pulsestream-core-prod/,
    ],
    [
      'a negative revision',
      'rollback_release',
      { release: 'pulsestream-core', revision: -1 },
      'INVALID_INPUT',
      /revision/,
    ],
    ['revision 0', 'rollback_release', { release: 'pulsestream-core', revision: 0 }, 'INVALID_INPUT', /revision/],
    [
      'half a revision',
      'rollback_release',
      { release: 'pulsestream-core', revision: 9.5 },
      'INVALID_INPUT',
      /revision/,
    ],
    [
      'a revision as text',
      'rollback_release',
      { release: 'pulsestream-core', revision: '10 --force' },
      'INVALID_INPUT',
      /revision/,
    ],
    [
      'a revision that is not there',
      'rollback_release',
      { release: 'pulsestream-core', revision: 999 },
      'NOT_FOUND',
      /it has: 12/,
    ],
    ['the present revision', 'rollback_release', { release: 'pulsestream-core', revision: 12 }, 'CONFLICT', /already/],
    [
      'an unknown environment',
      'rollback_release',
      { release: 'pulsestream-core', environment: 'staging' },
      'NOT_FOUND',
      /prod/,
    ],
    ['an environment of the prototype', 'get_system_health', { environment: 'constructor' }, 'NOT_FOUND', /prod/],
    ['an unknown service', 'restart_service', { service: 'nothing-here' }, 'NOT_FOUND', /nothing-here/],
    [
      'a service in a foreign namespace',
      'restart_service',
      { service: 'web-ui', namespace: 'kube-system' },
      'INVALID_INPUT',
      /kube-system/,
    ],
    ['negative replicas', 'scale_down', { service: 'web-ui', replicas: -1 }, 'INVALID_INPUT', /replicas/],
    ['a scale up', 'scale_down', { service: 'web-ui', replicas: 500 }, 'INVALID_INPUT', /scale up/],
    ['replicas of a whole platform', 'scale_down', { replicas: 3 }, 'INVALID_INPUT', /service/],
    [
      'an incident that does not exist',
      'rollback_release',
      { release: 'pulsestream-core', incident_id: 'INC-0999' },
      'NOT_FOUND',
      /INC-0999/,
    ],
    [
      'an unknown flag',
      'rollback_release',
      { release: 'pulsestream-core', force: true },
      'INVALID_INPUT',
      /"force".*revision/s,
    ],
    [
      'confirm, set by the model',
      'rollback_release',
      { release: 'pulsestream-core', confirm: true },
      'INVALID_INPUT',
      /"confirm"/,
    ],
    ['no reason', 'restart_service', { service: 'web-ui', reason: '  ' }, 'INVALID_INPUT', /reason/],
  ])('%s (%s)', async (_what, tool, args, code, said) => {
    const withReason = tool === 'check_recent_deploys' || tool === 'get_system_health' ? args : { ...REASON, ...args };
    const { isError, text } = await session.call(tool, withReason);
    expect(isError).toBe(true);
    expect(text).toMatch(ERROR);
    expect(text).toMatch(new RegExp(`^${code}: `));
    expect(text).toMatch(said);
  });

  test('no plan was left behind by any of them', async () => {
    expect(await session.ok('get_approval')).toEqual({ approvals: [] });
  });
});

describe('--read-only', () => {
  test('lists only tools that read, and refuses the others also when they are called', async () => {
    const reader = await connect(bin, home, 'first', '--read-only');
    const offered = await reader.tools();
    const hidden = (await session.tools()).filter((name) => !offered.includes(name));
    expect(hidden).toEqual(
      expect.arrayContaining([
        'rollback_release',
        'restart_service',
        'scale_down',
        'update_runbook',
        'declare_incident',
        'record_timeline_event',
        'update_incident',
        'draft_postmortem',
      ]),
    );
    expect(offered).toEqual(
      expect.arrayContaining(['get_system_health', 'check_recent_deploys', 'get_incident', 'get_approval']),
    );
    for (const name of hidden) {
      for (const args of [
        {},
        { release: 'pulsestream-core', ...REASON },
        { service: 'web-ui', ...REASON },
        { title: 'x', severity: 'SEV1' },
      ]) {
        const { isError, text } = await reader.call(name, args);
        expect(isError).toBe(true);
        expect(text).toMatch(/^FORBIDDEN: .*read-only.* Next: /s);
      }
    }
    expect(reader.forms).toEqual([]);
    expect((await reader.ok('get_system_health')).status).toMatch(/down|degraded/);
    expect(await reader.ok('list_incidents')).toMatchObject({ incidents: [] });
  });
});
