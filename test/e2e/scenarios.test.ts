import { afterAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { makeHome } from '../helpers/home.ts';
import { startSandbox } from '../helpers/sandbox.ts';
import { approving, connect, type Generation } from '../helpers/session.ts';
import { declareFrom, eventsOf, kindsOf } from '../helpers/story.ts';

const bin = new Bin();
afterAll(() => bin.empty());

interface Row {
  scenario: string;
  by: Generation;
  severity: string;
  tool: string;
  args: Record<string, unknown>;
  target: string;
  risk: string;
  /** What really happens to the platform. */
  action: { kind: string; target: string };
}

const ROWS: Row[] = [
  {
    scenario: 'memory-leak',
    by: 'second',
    severity: 'SEV3',
    tool: 'restart_service',
    args: { service: 'ingest-gateway' },
    target: 'ingest-gateway',
    risk: 'low',
    action: { kind: 'restart', target: 'ingest-gateway' },
  },
  {
    scenario: 'database-outage',
    by: 'first',
    severity: 'SEV1',
    tool: 'scale_down',
    args: {},
    target: 'prod',
    risk: 'high',
    action: { kind: 'scale_down', target: 'prod' },
  },
  {
    scenario: 'red-herring',
    by: 'second',
    severity: 'SEV2',
    tool: 'restart_service',
    args: { service: 'agent-gateway' },
    target: 'agent-gateway',
    risk: 'low',
    action: { kind: 'restart', target: 'agent-gateway' },
  },
];

describe('the right move, asked for, approved and run once, heals the platform', () => {
  test.each(ROWS)('$scenario by $tool ($by generation)', async (row) => {
    const sandbox = await startSandbox(bin, row.scenario);
    const session = await connect(bin, await makeHome(bin, sandbox.config), row.by);
    expect((await session.ok('assess_severity')).severity).toBe(row.severity);
    const health = await session.ok('get_system_health');
    const alerts = (health.alerts as { started_at: string | null; state: string }[]).filter(
      (a) => a.state === 'active',
    );
    const onset = alerts.map((a) => a.started_at ?? '').sort()[0];
    const deploys = await session.ok('check_recent_deploys', { onset });
    expect(deploys.rollback_candidate).toBeNull();

    const incident = await declareFrom(session, row.severity, { impact_started_at: onset });
    session.human = approving(row.target);
    const done = await session.ok(row.tool, { ...row.args, reason: 'it is the right move' });
    expect(done).toMatchObject({
      status: 'executed',
      incident_id: incident,
      plan: { risk: row.risk, target: row.target },
    });
    expect(session.forms).toHaveLength(1);

    const truth = await sandbox.recovered();
    expect(truth.recovered).toBe(true);
    expect(truth.right_move?.tool).toBe(row.tool);
    const kinds = kindsOf(await eventsOf(session, incident)).filter((kind) => /plan|approval|command/.test(kind));
    expect(kinds).toEqual(['plan_proposed', 'approval_decided', 'command_started', 'command_finished']);
    expect(truth.actions.filter((a) => a.kind === row.action.kind)).toHaveLength(1);
    expect(truth.actions.find((a) => a.kind === row.action.kind)?.target).toContain(row.action.target);
    expect(truth.notifications.map((n) => n.sink)).toEqual(expect.arrayContaining(['slack', 'pagerduty', 'webhook']));
  });
});

describe('healthy', () => {
  test('nothing is wrong, and nothing is to be done', async () => {
    const sandbox = await startSandbox(bin, 'healthy');
    const session = await connect(bin, await makeHome(bin, sandbox.config), 'first');
    expect(await session.ok('get_system_health')).toMatchObject({ status: 'healthy', alerts: [] });
    expect(await session.ok('get_fleet_summary')).toMatchObject({ scope: 'none', customers_affected: 0 });
    expect(await session.ok('check_recent_deploys')).toMatchObject({ suspect: null, rollback_candidate: null });
    expect(await session.ok('assess_severity')).toMatchObject({ severity: 'SEV4' });
    expect(await session.ok('list_incidents')).toMatchObject({ incidents: [] });
    const { isError, text } = await session.call('get_incident');
    expect(isError).toBe(true);
    expect(text).toMatch(/^NOT_FOUND: no incident is open\. Next: /);
    expect((await sandbox.truth()).actions).toEqual([]);
  });
});
