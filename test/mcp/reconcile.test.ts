import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { Approval } from '../../src/domain/approval.ts';
import type { RunResult } from '../../src/mcp/context.ts';
import { recordDecision } from '../../src/mcp/gate/decide.ts';
import { SYSTEM } from '../../src/mcp/gate/deps.ts';
import { decidingHash } from '../../src/mcp/gate/execute.ts';
import { callGated } from '../../src/mcp/gate/gate.ts';
import { isOrphaned, reconcile, reconcileAll } from '../../src/mcp/gate/reconcile.ts';
import { consume } from '../../src/policy/approval-state.ts';
import { ARGS, type Bench, bench, terminal, tinyTool, type World, world } from './harness.ts';

const MINUTE = 60_000;
const DONE: RunResult = { status: 'executed', summary: 'generation 2 is out', details: { generation: 2 } };
const FIRST = { state: null, response: undefined };

/** The pid of a process that was and is no more. */
function deadPid(): number {
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  return pid;
}

/** A run that somebody began: by this process, or by one that is gone. */
async function begun(b: Bench, state: World, by: 'this process' | 'a dead one'): Promise<Approval> {
  const tool = tinyTool(state);
  const reply = await callGated(tool, ARGS, FIRST, b.context(), b.deps);
  if (reply.kind !== 'result') throw new Error('no plan');
  const { approval_id, plan } = reply.result;
  await recordDecision(b.deps, approval_id, terminal());
  const runner = by === 'this process' ? await b.deps.self() : { ...(await b.deps.self()), pid: deadPid() };
  const hash = decidingHash(tool.name, ARGS);
  return b.store.updateApproval(approval_id, (a) =>
    consume(a, { digest: plan.digest, arguments_hash: hash, runner }, b.clock.now()),
  );
}

describe('a run whose server died', () => {
  it.each([
    ['executed', DONE],
    ['failed', { status: 'failed', summary: 'it never began', details: {} } as RunResult],
    ['outcome_unknown', { status: 'outcome_unknown', summary: 'somebody else changed it', details: {} } as RunResult],
  ])('becomes %s as the world tells, and runs nothing', async (status, found) => {
    const b = await bench();
    const state = world();
    const incident = await b.declare();
    const running = await begun(b, state, 'a dead one');
    expect(await isOrphaned(running, b.deps)).toBe(true);
    state.found = found;
    const after = await reconcile(running, tinyTool(state), b.context(), b.deps);
    expect(after).toMatchObject({ status, outcome: { summary: expect.stringContaining(found.summary) } });
    expect((await b.kinds(incident)).at(-1)).toBe('command_finished');
    expect(state.ran).toEqual([]);
  });

  it('is settled by the call that names it', async () => {
    const b = await bench();
    const state = world();
    const running = await begun(b, state, 'a dead one');
    state.found = DONE;
    const args = { ...ARGS, approval_id: running.approval_id };
    const reply = await callGated(tinyTool(state), args, FIRST, b.context(), b.deps);
    expect(reply).toMatchObject({ kind: 'result', result: { status: 'executed', approval_id: running.approval_id } });
    expect(state.ran).toEqual([]);
  });

  it('keeps a second call from planning the same again while it is not known', async () => {
    const b = await bench();
    const state = world();
    const running = await begun(b, state, 'a dead one');
    const reply = await callGated(tinyTool(state), ARGS, FIRST, b.context(), b.deps);
    expect(reply).toMatchObject({
      kind: 'result',
      result: { status: 'in_progress', approval_id: running.approval_id },
    });
    expect(state.ran).toEqual([]);
  });

  it.each([
    ['the world says that it goes on', null],
    ['the world cannot be asked', new Error('no route to the cluster')],
  ])('stays open for a while when %s, then it is unknown', async (_name, found) => {
    const b = await bench();
    const state = { ...world(), found };
    const running = await begun(b, state, 'a dead one');
    const look = () => reconcile(running, tinyTool(state), b.context(), b.deps);
    expect((await look()).status).toBe('running');
    b.clock.forward(14 * MINUTE);
    expect((await look()).status).toBe('running');
    b.clock.forward(2 * MINUTE);
    expect((await look()).status).toBe('outcome_unknown');
    expect(b.warnings.length > 0).toBe(found instanceof Error);
  });

  it('is unknown in the end when its tool is not there any more', async () => {
    const b = await bench();
    const running = await begun(b, world(), 'a dead one');
    b.clock.forward(16 * MINUTE);
    expect((await reconcile(running, undefined, b.context(), b.deps)).status).toBe('outcome_unknown');
  });

  it('is settled once by two that look at the same time', async () => {
    const b = await bench();
    const state = { ...world(), found: DONE };
    const incident = await b.declare();
    const running = await begun(b, state, 'a dead one');
    const looks = [1, 2].map(() => reconcile(running, tinyTool(state), b.context(), b.deps));
    expect((await Promise.all(looks)).map((a) => a.status)).toEqual(['executed', 'executed']);
    expect((await b.store.approval(running.approval_id))?.status).toBe('executed');
    expect((await b.kinds(incident)).filter((kind) => kind === 'command_finished')).toHaveLength(1);
  });
});

describe('a server that died between the two writes of an outcome', () => {
  it('leaves one event, and what the event says stands', async () => {
    const b = await bench();
    const state = {
      ...world(),
      found: { status: 'outcome_unknown', summary: 'nobody knows', details: {} } as RunResult,
    };
    const incident = await b.declare();
    const running = await begun(b, state, 'a dead one');
    const told = { kind: 'command_finished', message: 'done', actor: SYSTEM, data: { status: 'executed' } } as const;
    await b.store.append(incident, () => [told], `outcome:${running.approval_id}`);
    expect((await reconcile(running, tinyTool(state), b.context(), b.deps)).status).toBe('executed');
    expect((await b.kinds(incident)).filter((kind) => kind === 'command_finished')).toHaveLength(1);
  });
});

describe('a run that goes on', () => {
  it('is left alone', async () => {
    const b = await bench();
    const state = { ...world(), found: DONE };
    const running = await begun(b, state, 'this process');
    expect(await isOrphaned(running, b.deps)).toBe(false);
    b.clock.forward(60 * MINUTE);
    expect((await reconcile(running, tinyTool(state), b.context(), b.deps)).status).toBe('running');
  });
});

describe('the look at all of them', () => {
  it('settles what can be settled and counts the rest', async () => {
    const b = await bench();
    const state = world();
    await begun(b, state, 'this process');
    state.generation += 1;
    const other = { ...ARGS, service: 'gateway' };
    await callGated(tinyTool(state), other, FIRST, b.context(), b.deps);
    expect(await reconcileAll(() => tinyTool(state), b.context(), b.deps)).toEqual({ settled: 0, open: 0 });

    const dead = await bench();
    const gone = world();
    await begun(dead, gone, 'a dead one');
    expect(await reconcileAll(() => tinyTool(gone), dead.context(), dead.deps)).toEqual({ settled: 0, open: 1 });
    gone.found = DONE;
    expect(await reconcileAll(() => tinyTool(gone), dead.context(), dead.deps)).toEqual({ settled: 1, open: 0 });
    expect(await reconcileAll(() => tinyTool(gone), dead.context(), dead.deps)).toEqual({ settled: 0, open: 0 });
  });
});
