import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { type Home, makeHome } from '../helpers/home.ts';
import { until } from '../helpers/process.ts';
import { type Sandbox, startSandbox } from '../helpers/sandbox.ts';
import { approving, connect, type Session } from '../helpers/session.ts';
import { declareFrom, type EventSeen, eventsOf } from '../helpers/story.ts';

const bin = new Bin();
afterEach(() => bin.empty());

const ROLLBACK = { release: 'pulsestream-core', reason: 'the newest revision crashes the analysis engine' };
interface Figures {
  ready: number;
  desired: number;
  error_rate: number;
  customers_affected: number;
}

async function platform(scenario: string, window: string): Promise<{ sandbox: Sandbox; home: Home }> {
  const sandbox = await startSandbox(bin, scenario, '--speed', '20');
  const config = await sandbox.configured((raw) => {
    raw.verification_window = window;
  });
  return { sandbox, home: await makeHome(bin, config) };
}

const verdictsOf = async (session: Session, id: string): Promise<EventSeen[]> =>
  (await eventsOf(session, id)).filter((event) => event.kind === 'verification');
const firstVerdict = (session: Session, id: string): Promise<EventSeen[]> =>
  until(
    () => verdictsOf(session, id),
    (events) => events.length > 0,
  );

describe('verify_mitigation', () => {
  test('CONFLICT before any run; after the right move improved, with the figures; nothing is repeated by two servers', async () => {
    const { sandbox, home } = await platform('bad-deploy', '4s');
    const session = await connect(bin, home, 'plain');
    const other = await connect(bin, home, 'second');
    const id = await declareFrom(session, 'SEV2');
    const approval = String((await session.ok('rollback_release', ROLLBACK)).approval_id);
    const early = () => session.call('verify_mitigation', { approval_id: approval });
    expect((await early()).text).toMatch(
      new RegExp(`^CONFLICT: ${approval} is pending: it has not run.* Next: .+`, 's'),
    );
    await home.decide('approve', approval, sandbox.secret);
    expect((await early()).text).toMatch(new RegExp(`^CONFLICT: ${approval} is approved: it has not run`));
    expect(await session.ok('rollback_release', { ...ROLLBACK, approval_id: approval })).toMatchObject({
      status: 'executed',
    });
    expect(await verdictsOf(session, id)).toEqual([]);

    expect((await sandbox.recovered()).recovered).toBe(true);
    const seen = await until(
      () => session.ok('verify_mitigation', { approval_id: approval }),
      (answer) => (answer.after as Figures).customers_affected === 0,
    );
    expect(seen).toMatchObject({ verdict: 'improved', incident_id: id });
    const [before, after] = [seen.before as Figures, seen.after as Figures];
    expect(before.ready).toBeLessThan(before.desired);
    expect(after.ready).toBe(after.desired);
    expect(before.customers_affected).toBeGreaterThan(0);
    expect(seen.watched_minutes).toBeLessThan(1);
    expect((seen.findings as string[]).join('\n')).toMatch(/pods not ready: \d+ -> 0/);

    const [closed] = await firstVerdict(other, id);
    expect(closed).toMatchObject({
      approval_id: approval,
      actor: { type: 'system' },
      message: expect.stringMatching(new RegExp(`^${approval} improved after 0\\.\\d+ minutes: .*pods not ready`)),
    });
    await sleep(1_500);
    expect(await verdictsOf(session, id)).toHaveLength(1);
    expect((await sandbox.truth()).actions).toHaveLength(1);
  });

  test('an approval that there is not is NOT_FOUND', async () => {
    const { home } = await platform('healthy', '2s');
    const session = await connect(bin, home, 'plain');
    const { text } = await session.call('verify_mitigation', { approval_id: 'APR-00000000' });
    expect(text).toMatch(/^(NOT_FOUND|INVALID_INPUT): .+ Next: .+/s);
  });
});

describe('the watched window closes by itself', () => {
  test('also where the server died in between: once, by whichever comes next', async () => {
    const { sandbox, home } = await platform('memory-leak', '2s');
    const session = await connect(bin, home, 'second');
    const id = await declareFrom(session, 'SEV3');
    session.human = approving();
    const done = await session.ok('restart_service', {
      service: 'ingest-gateway',
      reason: 'it is killed again and again',
    });
    expect(done.status).toBe('executed');
    await session.kill();
    await sandbox.recovered();
    await sleep(2_000);
    const servers = await Promise.all([connect(bin, home, 'first'), connect(bin, home, 'second')]);
    await firstVerdict(servers[0], id);
    await sleep(1_500);
    const verdicts = await verdictsOf(servers[1], id);
    expect(verdicts).toHaveLength(1);
    expect(verdicts[0]).toMatchObject({
      approval_id: done.approval_id,
      message: expect.stringMatching(/ (improved|unchanged) after 0(\.\d)? minutes: /),
    });
    expect(await home.command(['verify'])).toMatchObject({ code: 0 });
  });

  test('a wrong move: the verdict is not improved', async () => {
    const { home } = await platform('bad-deploy', '2s');
    const session = await connect(bin, home, 'first');
    const id = await declareFrom(session, 'SEV2');
    session.human = approving();
    const done = await session.ok('restart_service', { service: 'web-ui', reason: 'a guess' });
    expect(done.status).toBe('executed');
    const [verdict] = await firstVerdict(session, id);
    expect(verdict?.message).toMatch(/ (unchanged|worse) after /);
    expect(await session.ok('verify_mitigation', { approval_id: done.approval_id })).not.toMatchObject({
      verdict: 'improved',
    });
  });
});
