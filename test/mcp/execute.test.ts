import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Approval } from '../../src/domain/approval.ts';
import { AppError } from '../../src/errors.ts';
import { recordDecision } from '../../src/mcp/gate/decide.ts';
import { decidingHash, execute } from '../../src/mcp/gate/execute.ts';
import { callGated } from '../../src/mcp/gate/gate.ts';
import { ARGS, type Bench, bench, terminal, tinyTool, type World, world } from './harness.ts';

/** An approved plan of the small tool, and the call that runs it. */
async function approved(b: Bench, state: World): Promise<{ approval: Approval; run: () => Promise<Approval> }> {
  const tool = tinyTool(state);
  const reply = await callGated(tool, ARGS, { state: null, response: undefined }, b.context(), b.deps);
  const id = reply.kind === 'result' ? reply.result.approval_id : reply.approval.approval_id;
  const approval = await recordDecision(b.deps, id, terminal());
  return { approval, run: () => execute(tool, ARGS, approval, b.context(), b.deps) };
}

const timelineOf = (b: Bench, incident: string): string =>
  join(b.config.data_dir, 'incidents', incident, 'timeline.jsonl');

describe('running an approved plan', () => {
  it('writes the intent before the command starts, with command, digest and who approved', async () => {
    const b = await bench();
    const state = world();
    const incident = await b.declare();
    const { approval, run } = await approved(b, state);
    let before: string[] = [];
    state.onRun = async () => {
      before = await b.kinds(incident);
      expect((await b.store.approval(approval.approval_id))?.runner).toMatchObject({ pid: process.pid });
      return undefined;
    };
    expect((await run()).status).toBe('executed');
    expect(before.at(-1)).toBe('command_started');
    const intent = (await b.events(incident)).find((event) => event.kind === 'command_started');
    expect(intent).toMatchObject({
      approval_id: approval.approval_id,
      data: { command: approval.plan.command, digest: approval.plan.digest },
    });
    expect(intent?.message).toContain('Ada (terminal)');
  });

  it('runs nothing when the intent cannot be written, and the approval is spent', async () => {
    const b = await bench();
    const state = world();
    const incident = await b.declare();
    const { approval, run } = await approved(b, state);
    const path = timelineOf(b, incident);
    const whole = await readFile(path, 'utf8');
    await rm(path);
    await mkdir(path);
    await expect(run()).rejects.toMatchObject({ code: 'STORE' });
    expect(state.ran).toEqual([]);
    await rm(path, { recursive: true });
    await writeFile(path, whole);
    const after = await b.store.approval(approval.approval_id);
    expect(after).toMatchObject({ status: 'failed', outcome: { summary: expect.stringContaining('nothing was run') } });
    await expect(run()).resolves.toMatchObject({ status: 'failed' });
    expect(state.ran).toEqual([]);
  });

  it('tries again to write the outcome, since the command cannot be taken back', async () => {
    const b = await bench();
    const state = world();
    const incident = await b.declare();
    const { approval, run } = await approved(b, state);
    const folder = join(b.config.data_dir, 'approvals');
    let back: Promise<void> = Promise.resolve();
    state.onRun = async () => {
      await rename(folder, `${folder}.away`);
      back = new Promise((resolve, reject) => {
        setTimeout(() => rename(`${folder}.away`, folder).then(resolve, reject), 300);
      });
      return undefined;
    };
    const after = await run();
    await back;
    expect(after.status).toBe('executed');
    expect((await b.store.approval(approval.approval_id))?.status).toBe('executed');
    expect(await b.kinds(incident)).toContain('command_finished');
    expect(state.ran).toHaveLength(1);
  });

  it.each([
    ['a typed error', new AppError('UNAVAILABLE', 'the API server went away.', 'look.'), 'UNAVAILABLE'],
    ['any other', new Error('secret inner words'), 'unexpected failure'],
  ])('says that the outcome is unknown after %s in the middle', async (_name, error, said) => {
    const b = await bench();
    const state = world();
    const { run } = await approved(b, state);
    state.onRun = () => Promise.reject(error);
    const after = await run();
    expect(after.status).toBe('outcome_unknown');
    expect(after.outcome?.summary).toContain(said);
    expect(after.outcome?.summary).not.toContain('secret inner words');
  });

  it('goes on when the client goes away after the command began', async () => {
    const b = await bench();
    const state = world();
    const tool = tinyTool(state);
    const { approval } = await approved(b, state);
    const client = new AbortController();
    let aborted: boolean | undefined;
    const seen = { ...tool, run: tool.run };
    seen.run = async (plan, context) => {
      client.abort();
      aborted = context.signal.aborted;
      return tool.run(plan, context);
    };
    const after = await execute(seen, ARGS, approval, b.context({ signal: client.signal }), b.deps);
    expect(after.status).toBe('executed');
    expect(aborted).toBe(false);
  });
});

describe('which arguments decide', () => {
  const hash = (args: Record<string, unknown>): string => decidingHash('restart_service', args);

  it.each([
    ['the reason', { reason: 'other words' }, true],
    ['the approval', { approval_id: 'APR-0000000001' }, true],
    ['the incident, which the gate compares by itself', { incident_id: 'INC-0001' }, true],
    ['an argument that is not given', { namespace: undefined }, true],
    ['the service', { service: 'gateway' }, false],
    ['the environment', { environment: 'staging' }, false],
    ['a namespace', { namespace: 'core-prod' }, false],
  ])('%s', (_name, more, same) => {
    expect(hash({ ...ARGS, ...more }) === hash(ARGS)).toBe(same);
  });

  it('the tool does', () => {
    expect(decidingHash('scale_down', ARGS)).not.toBe(hash(ARGS));
  });
});
