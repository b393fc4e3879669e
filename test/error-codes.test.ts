import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ERROR_CODES, type ErrorCode } from '../src/errors.ts';
import { Bin } from './helpers/bin.ts';
import { makeHome } from './helpers/home.ts';
import { type Sandbox, startSandbox } from './helpers/sandbox.ts';
import { type Called, connect, type Session } from './helpers/session.ts';
import { declareFrom, ERROR } from './helpers/story.ts';

const bin = new Bin();
let sandbox: Sandbox;
let config: string;
beforeAll(async () => {
  sandbox = await startSandbox(bin, 'healthy');
  config = await sandbox.configured((raw) => {
    raw.source_deadline = '1s';
  });
});
afterAll(() => bin.empty());

type Provoke = (session: Session) => Promise<Called>;

/** A call while a wire of the platform is bad. */
const during =
  (wire: string, mode: string, tool: string, args: Record<string, unknown>): Provoke =>
  async (session) => {
    await sandbox.fault(wire, mode);
    try {
      return await session.call(tool, args);
    } finally {
      await sandbox.fault(wire, 'none');
    }
  };
const RESTART = { service: 'web-ui', reason: 'x' };

/** How users meet each code, and what it must say. */
const PROVOKED: Record<ErrorCode, [Provoke, RegExp][]> = {
  INVALID_INPUT: [
    [
      (s) => s.call('declare_incident', { title: 'x', severity: 'SEV3', detected_at: '2026-03-01T14:20:00' }),
      /2026-03-01T14:20:00Z/,
    ],
    [(s) => s.call('get_system_health', { enviroment: 'prod' }), /enviroment.*environment/s],
  ],
  NOT_FOUND: [
    [
      (s) => s.call('get_incident', { incident_id: 'INC-9999' }),
      /there is no incident INC-9999.*(list_incidents|declare_incident)/s,
    ],
    [(s) => s.call('get_system_health', { environment: 'nowhere' }), /no environment "nowhere".*prod/s],
  ],
  UNAVAILABLE: [[during('kubernetes', '500', 'restart_service', RESTART), /answered 500/]],
  TIMEOUT: [[during('kubernetes', 'silent', 'restart_service', RESTART), /1 ?s|1000 ms/]],
  CONFLICT: [
    [
      async (s) => {
        const incident_id = await declareFrom(s, 'SEV4');
        await s.ok('update_incident', { incident_id, status: 'false_alarm', reason: 'a test' });
        return s.call('update_incident', { incident_id, status: 'mitigated', reason: 'x' });
      },
      /mitigated cannot follow false_alarm/,
    ],
  ],
  NOT_CONFIGURED: [[(s) => s.call('check_recent_deploys', { release: 'other-release' }), /pulsestream-core/]],
  FORBIDDEN: [[during('kubernetes', '403', 'restart_service', RESTART), /do not allow to (get|list)/]],
  STORE: [
    [
      async () => {
        const home = await makeHome(bin, config);
        await writeFile(home.data, 'a file in the place of the folder');
        const session = await connect(bin, home, 'plain');
        try {
          return await session.call('declare_incident', { title: 'x', severity: 'SEV3' });
        } finally {
          await session.close();
        }
      },
      /not a folder|data/,
    ],
  ],
};
const CASES = ERROR_CODES.flatMap((code) => PROVOKED[code].map(([provoke, words]) => ({ code, provoke, words })));

describe.each(['first', 'second'] as const)('a %s-generation client', (generation) => {
  let session: Session;
  beforeAll(async () => {
    session = await connect(bin, await makeHome(bin, config), generation);
  });

  test.each(CASES)('$code, saying $words', async ({ code, provoke, words }) => {
    const { isError, text, data } = await provoke(session);
    expect(isError, text).toBe(true);
    expect(text.slice(0, text.indexOf(':'))).toBe(code);
    expect(text).toMatch(ERROR);
    expect(text).toMatch(words);
    expect(text.length).toBeLessThan(1_000);
    expect(text).not.toMatch(/\bat .+:\d+:\d+|planted-|Error:|undefined|\[object/);
    expect(data).toEqual({});
    // An error is an answer: the server goes on.
    expect((await session.ok('list_incidents')).incidents).toBeDefined();
  });

  test('nothing was changed by any of them', async () => {
    expect((await sandbox.truth()).actions).toEqual([]);
    expect(await session.ok('get_approval')).toEqual({ approvals: [] });
  });
});
