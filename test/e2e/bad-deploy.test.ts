import { afterAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { makeHome } from '../helpers/home.ts';
import { type Sandbox, startSandbox } from '../helpers/sandbox.ts';
import { approving, connect, type Session } from '../helpers/session.ts';
import { declareFrom, eventsOf, kindsOf } from '../helpers/story.ts';

const bin = new Bin();
afterAll(() => bin.empty());

const ROLLBACK = { release: 'pulsestream-core', reason: 'the newest revision crashes the analysis engine' };

/** From the first look to the declaration; gives the incident's id. */
async function triage(session: Session): Promise<string> {
  const health = await session.ok('get_system_health');
  expect(health.status).toMatch(/^(down|degraded)$/);
  const fleet = await session.ok('get_fleet_summary');
  expect(fleet.scope).toBe('many');
  const deploys = await session.ok('check_recent_deploys');
  expect(deploys.rollback_candidate).toMatchObject({ release: 'pulsestream-core', from_revision: 12, to_revision: 10 });
  return declareFrom(session, 'SEV2');
}

/** What holds after a right rollback, whichever client asked for it. */
async function mended(session: Session, sandbox: Sandbox, incident: string, approval: string): Promise<void> {
  const truth = await sandbox.recovered();
  expect(truth.recovered).toBe(true);
  expect(truth.actions).toHaveLength(1);
  expect(truth.actions[0]).toMatchObject({ kind: 'rollback', target: 'pulsestream-core' });
  expect(truth.actions[0]?.detail).toMatch(/\b10\b/);

  const events = (await eventsOf(session, incident)).filter((event) => event.approval_id === approval);
  expect(kindsOf(events)).toEqual(['plan_proposed', 'approval_decided', 'command_started', 'command_finished']);
  expect(events.map((event) => event.actor.type)).toEqual(['assistant', 'human', 'system', 'system']);

  await session.ok('update_incident', { status: 'mitigated', reason: 'rolled back to revision 10' });
  const drafted = await session.ok('draft_postmortem', { incident_id: incident });
  expect(drafted.markdown).toContain('helm rollback pulsestream-core 10');
  expect(drafted.markdown).toContain(incident);
  expect(drafted.uri).toBe(`incident://${incident}/postmortem`);
}

describe('bad-deploy, from alert to post-mortem', () => {
  test.each(['first', 'second'] as const)('by a %s-generation client with a form', async (generation) => {
    const sandbox = await startSandbox(bin, 'bad-deploy');
    const session = await connect(bin, await makeHome(bin, sandbox.config), generation);
    const incident = await triage(session);
    session.human = approving();
    const done = await session.ok('rollback_release', ROLLBACK);
    expect(done).toMatchObject({ status: 'executed', incident_id: incident, plan: { from: 12, to: 10 } });
    expect(session.forms).toHaveLength(1);
    for (const shown of ['pulsestream-core', '12 -> 10', 'prod', 'pulsestream-sandbox', 'analysis-engine:1.8.1']) {
      expect(session.forms[0]?.message).toContain(shown);
    }
    expect(session.forms[0]?.message).not.toMatch(/planted-/);
    expect(session.progress.length).toBeGreaterThan(0);
    await mended(session, sandbox, incident, String(done.approval_id));
  });

  test('by a client that cannot ask, with the human at a terminal', async () => {
    const sandbox = await startSandbox(bin, 'bad-deploy');
    const home = await makeHome(bin, sandbox.config);
    const session = await connect(bin, home, 'plain');
    const incident = await triage(session);
    const planned = await session.ok('rollback_release', ROLLBACK);
    const id = String(planned.approval_id);
    expect(planned.status).toBe('approval_required');
    expect(planned.how_to_approve).toEqual(
      expect.arrayContaining([expect.stringContaining(`incident-mcp approve ${id}`)]),
    );
    expect((await sandbox.truth()).actions).toEqual([]);

    const waiting = await home.command(['approvals']);
    expect(waiting.stdout).toContain(id);
    const decided = await home.decide('approve', id, sandbox.secret, '--approver', 'Grace Example');
    expect(decided).toMatchObject({ code: 0 });
    expect(decided.stdout).toContain('12 -> 10');
    expect((await sandbox.truth()).actions).toEqual([]);

    const done = await session.ok('rollback_release', { ...ROLLBACK, approval_id: id });
    expect(done).toMatchObject({ status: 'executed', approval_id: id, incident_id: incident });
    await mended(session, sandbox, incident, id);
    const shown = await session.ok('get_approval', { approval_id: id });
    expect(shown.approvals).toMatchObject([{ decisions: [{ way: 'terminal', approver: 'Grace Example' }] }]);
  });
});
