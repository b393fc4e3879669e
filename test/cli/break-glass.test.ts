import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { TESTED } from '../helpers/dist.ts';
import { type Home, makeHome } from '../helpers/home.ts';
import { endProcess, type Said, until } from '../helpers/process.ts';
import { type RawConfig, type Sandbox, startSandbox } from '../helpers/sandbox.ts';
import { connect, type Session } from '../helpers/session.ts';
import { declareFrom, type EventSeen, eventsOf, kindsOf } from '../helpers/story.ts';
import { tell } from '../helpers/suite-report.ts';
import { cheapHash } from './desk.ts';

/** `incident-mcp run ID`: a human at a terminal, when the client is dead. */

const SUITE = 'break glass';
const ROLLBACK = { release: 'pulsestream-core', reason: 'the newest revision crashes' };
const ADA = "Ada's own secret";
const GRACE = "Grace's own secret";

const bin = new Bin();
afterEach(() => bin.empty());
const rows = new Map<string, { tried: number; held: number }>();
afterAll(() => {
  for (const [what, row] of rows) tell(SUITE, { what, ...row });
});
/** Counts one way of running a plan; it held when nothing ran that should not, and what ran did so once. */
async function ranTimes(what: string, sandbox: Sandbox, times: number): Promise<void> {
  const ran = (await sandbox.truth()).actions.length;
  const row = rows.get(what) ?? { tried: 0, held: 0 };
  rows.set(what, { tried: row.tried + 1, held: row.held + (ran === times ? 1 : 0) });
  expect(ran, what).toBe(times);
}

interface Planned {
  sandbox: Sandbox;
  home: Home;
  config: string;
  incident: string;
  id: string;
  run(secret: string, ...more: string[]): Promise<Said>;
  /** A new server on the same record. */
  next(): Promise<Session>;
  events(session: Session): Promise<EventSeen[]>;
}

interface Setting {
  change?: (raw: RawConfig) => void;
  /** Body of a stand-in for helm that runs in place of its rollback; `$0.began` holds its process id. */
  helm?: string;
}

/** A plan of a client that was killed right after; `Ada` and `Grace` have secrets of their own beside the sandbox's shared one. */
async function planned({ change, helm }: Setting = {}): Promise<Planned> {
  const sandbox = await startSandbox(bin, 'bad-deploy', '--speed', '20');
  const program =
    helm === undefined
      ? null
      : await sandbox.script(
          'own-helm',
          `case "$*" in *--dry-run*|*version*) exec "$HELM" "$@" ;; esac\necho $$ > "$0.pid"; mv "$0.pid" "$0.began"\n${helm}`,
        );
  const secrets = join(sandbox.dir, 'people.hash');
  await writeFile(
    secrets,
    [cheapHash(sandbox.secret), `Ada ${cheapHash(ADA)}`, `Grace ${cheapHash(GRACE)}`].join('\n'),
    { mode: 0o600 },
  );
  const config = await sandbox.configured((raw) => {
    raw.approval = { ...(raw.approval as object), secret_file: secrets, operator: 'Olga' };
    if (program !== null) raw.programs.helm = program;
    change?.(raw);
  });
  const home = await makeHome(bin, config);
  const session = await connect(bin, home, 'plain');
  const incident = await declareFrom(session, 'SEV2');
  const id = String((await session.ok('rollback_release', ROLLBACK)).approval_id);
  await session.kill();
  return {
    sandbox,
    home,
    config,
    incident,
    id,
    run: (secret, ...more) => home.command(['run', id, '--secret-stdin', ...more], `${secret}\n`),
    next: () => connect(bin, home, 'plain'),
    events: async (next) => (await eventsOf(next, incident)).filter((event) => event.approval_id === id),
  };
}

const twoPeople = (raw: RawConfig): void => {
  raw.approval = {
    ...(raw.approval as object),
    policy: [{ ways: ['client_form', 'terminal'], approvers: 2, proven_names: true }],
  };
};

const WHOLE = ['plan_proposed', 'approval_decided', 'command_started', 'command_finished'];

/** A terminal that runs the plan and is not waited for. */
async function terminal({ home, config, id }: Planned, secret: string) {
  const child = spawn(
    process.execPath,
    [TESTED.cli, 'run', id, '--secret-stdin', '--config', config, '--data-dir', home.data],
    { env: home.env, cwd: home.dir, stdio: ['pipe', 'pipe', 'pipe'] },
  );
  bin.add(() => endProcess(child));
  child.stdin.end(`${secret}\n`);
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (said.stdout += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (said.stderr += chunk.toString('utf8')));
  return { child, said };
}

async function begun(sandbox: Sandbox): Promise<string> {
  const mark = join(sandbox.dir, 'bin', 'own-helm.began');
  expect(await until(async () => existsSync(mark), Boolean, 20_000)).toBe(true);
  return mark;
}

describe('the client is dead', { timeout: 90_000 }, () => {
  test('a pending plan is approved and run once by one human, and the record tells it', async () => {
    const one = await planned();
    const said = await one.run(ADA, '--note', 'the client crashed');
    expect(said, said.stderr).toMatchObject({ code: 0 });
    expect(said.stdout).toMatch(/^executed: /m);
    await ranTimes('a pending plan, run at the terminal after kill -9 of the client', one.sandbox, 1);
    const next = await one.next();
    const events = await one.events(next);
    expect(kindsOf(events)).toEqual(WHOLE);
    expect(events[1]).toMatchObject({ actor: { type: 'human', name: 'Ada' } });
    expect(events[1]?.message).toContain('with a secret of their own: the client crashed');
    expect(events[2]?.message).toContain('run at a terminal by Ada, without a client (break glass)');
    expect(said.stdout).toContain(`Recorded as ${events[3]?.id} of ${one.incident}.`);
    // Neither a second run nor the client that comes back runs it again.
    expect(await one.run(ADA)).toMatchObject({ code: 1, stderr: expect.stringContaining('is executed') });
    expect(await next.ok('rollback_release', { ...ROLLBACK, approval_id: one.id })).toMatchObject({
      status: 'executed',
    });
    await ranTimes('the same plan again, at the terminal and by the client that came back', one.sandbox, 1);
    const { markdown } = await next.ok('draft_postmortem');
    expect(markdown).toMatch(
      /approved by Ada \(terminal\), run at a terminal by Ada without a client \(break glass\); executed/,
    );
    expect(markdown).toMatch(/^\| Ada \| ran APR-\w+ \(break glass\) \| terminal \| \[E\d+\] \|$/m);
    expect(await one.home.command(['verify'])).toMatchObject({ code: 0 });
  });

  test('a plan that was approved already still takes a secret, and names who ran it', async () => {
    const one = await planned();
    expect((await one.home.decide('approve', one.id, GRACE)).code).toBe(0);
    for (const secret of ['a guess', '']) expect((await one.run(secret)).code).not.toBe(0);
    expect(await one.run(ADA, '--approver', 'Grace')).toMatchObject({ code: 1 });
    await ranTimes('an approved plan without a secret, with a wrong one, in another’s name', one.sandbox, 0);
    expect((await one.run(ADA)).code).toBe(0);
    await ranTimes('an approved plan with a secret', one.sandbox, 1);
    const events = await one.events(await one.next());
    expect(events[2]?.message).toContain('approved by Grace (terminal); run at a terminal by Ada');
  });

  test('two people are needed: the first is recorded and nothing runs, the second runs it', async () => {
    const one = await planned({ change: twoPeople });
    expect(await one.run(one.sandbox.secret, '--approver', 'Bob')).toMatchObject({ code: 1 });
    const first = await one.run(ADA);
    expect(first).toMatchObject({ code: 1, stderr: expect.stringContaining('needs 1 more') });
    expect(await one.run(ADA)).toMatchObject({ code: 1, stderr: expect.stringMatching(/CONFLICT: Ada has approved/) });
    await ranTimes('a plan that needs two people, by one of them twice and by a typed name', one.sandbox, 0);
    expect((await one.run(GRACE)).code).toBe(0);
    await ranTimes('the same plan by the second person', one.sandbox, 1);
    const events = await one.events(await one.next());
    expect(events.at(-2)?.message).toContain(
      'approved by Ada (terminal), Grace (terminal); run at a terminal by Grace',
    );
  });

  test('the one whose assistant asked does not run it where policy leaves them out', async () => {
    const one = await planned({
      change: (raw) => {
        raw.approval = {
          ...(raw.approval as object),
          operator: 'ADA',
          policy: [{ ways: ['terminal'], exclude_requester: true }],
        };
      },
    });
    expect(await one.run(ADA)).toMatchObject({ code: 1, stderr: expect.stringMatching(/FORBIDDEN: ADA asked for/) });
    await ranTimes('the requester, where policy leaves them out', one.sandbox, 0);
    expect((await one.run(GRACE)).code).toBe(0);
    await ranTimes('somebody else in their place', one.sandbox, 1);
  });

  test('two terminals at once run it once', async () => {
    const one = await planned();
    const both = await Promise.all([one.run(ADA), one.run(GRACE), one.run(one.sandbox.secret, '--approver', 'Bob')]);
    // Whoever came second may have been told so, or may have found it approved and run it.
    expect(both.filter(({ code }) => code === 0).length).toBeGreaterThanOrEqual(1);
    await ranTimes('three terminals at once', one.sandbox, 1);
    const events = await one.events(await one.next());
    expect(kindsOf(events).filter((kind) => kind === 'command_started')).toHaveLength(1);
    expect(await one.home.command(['verify'])).toMatchObject({ code: 0 });
  });
});

describe('the terminal dies too', { timeout: 90_000 }, () => {
  test('kill -9 while helm goes on: another terminal finds that it succeeded, without a secret, and runs nothing', async () => {
    const one = await planned({ helm: 'sleep 2; exec "$HELM" "$@"' });
    const { child } = await terminal(one, ADA);
    await begun(one.sandbox);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const early = await one.home.command(['run', one.id]);
    expect(early.stdout).toContain('was being run by a process that is gone');
    await one.sandbox.recovered(20_000);
    const said = await until(
      () => one.home.command(['run', one.id]),
      ({ code }) => code === 0,
      30_000,
    );
    expect(`${early.stdout}${said.stdout}`).toMatch(/^executed: found out after the server that ran it had stopped/m);
    await ranTimes('kill -9 of the terminal while helm goes on', one.sandbox, 1);
    const next = await one.next();
    expect(kindsOf(await one.events(next))).toEqual(WHOLE);
    expect(await next.ok('rollback_release', { ...ROLLBACK, approval_id: one.id })).toMatchObject({
      status: 'executed',
    });
    await ranTimes('the client that comes back after it', one.sandbox, 1);
  });

  test('kill -9 of terminal and helm before anything happened: a new server settles it as failed, and nobody runs it again', async () => {
    const one = await planned({ helm: 'sleep 60' });
    const { child } = await terminal(one, ADA);
    const mark = await begun(one.sandbox);
    child.kill('SIGKILL');
    await once(child, 'exit');
    process.kill(-Number(await readFile(mark, 'utf8')), 'SIGKILL');
    const next = await one.next();
    const status = await until(
      async () =>
        ((await next.ok('get_approval', { approval_id: one.id })).approvals as { status: string }[])[0]?.status,
      (now) => now !== 'running',
      25_000,
    );
    expect(status).toBe('failed');
    expect(await one.run(ADA)).toMatchObject({ code: 1, stderr: expect.stringContaining('is failed') });
    await ranTimes('kill -9 of terminal and helm', one.sandbox, 0);
  });

  test.each(['SIGINT', 'SIGHUP', 'SIGTERM'] as const)(
    '%s while it runs: it is finished and recorded',
    async (signal) => {
      const one = await planned({ helm: 'sleep 1; exec "$HELM" "$@"' });
      const { child, said } = await terminal(one, ADA);
      await begun(one.sandbox);
      // A window that is closed takes its output with it.
      if (signal === 'SIGHUP') {
        child.stdout.destroy();
        child.stderr.destroy();
      }
      child.kill(signal);
      const [code] = await once(child, 'exit', { signal: AbortSignal.timeout(30_000) });
      expect(code, said.stderr).toBe(0);
      if (signal !== 'SIGHUP') expect(said.stderr).toContain('it is finished and recorded');
      await ranTimes('Ctrl+C, a closed window or SIGTERM while it runs', one.sandbox, 1);
      expect(kindsOf(await one.events(await one.next()))).toEqual(WHOLE);
    },
  );
});

describe('what cannot run', { timeout: 90_000 }, () => {
  test.each([
    ['declined', async (one: Planned) => void (await one.home.decide('reject', one.id, ADA))],
    ['expired', async () => void (await new Promise((wake) => setTimeout(wake, 3_500)))],
  ] as const)('a plan that is %s', async (status, become) => {
    const one = await planned({
      change: (raw) => {
        if (status === 'expired') raw.approval = { ...(raw.approval as object), lifetime: '3s' };
      },
    });
    await become(one);
    expect(await one.run(ADA)).toMatchObject({ code: 1, stderr: expect.stringContaining(`is ${status}`) });
    await ranTimes(`a plan that is ${status}`, one.sandbox, 0);
  });

  test('a plan whose world moved goes stale under the second look', async () => {
    const one = await planned();
    const elsewhere = await one.sandbox.helm('rollback', 'pulsestream-core', '9', '-n', 'pulsestream-core-prod');
    expect(elsewhere, elsewhere.stderr).toMatchObject({ code: 0 });
    const before = (await one.sandbox.truth()).actions.length;
    const said = await one.run(ADA);
    expect(said, said.stderr).toMatchObject({ code: 1, stdout: expect.stringContaining('is stale') });
    await ranTimes('a plan whose world moved', one.sandbox, before);
  });
});
