import { Client as SecondClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as SecondStdio } from '@modelcontextprotocol/client/stdio';
import { Client as FirstClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as FirstStdio } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { type Home, makeHome } from '../helpers/home.ts';
import { type Sandbox, startSandbox } from '../helpers/sandbox.ts';
import { ROLLBACK } from './desk.ts';
import { approveAt } from './hand.ts';

const bin = new Bin();
afterAll(() => bin.empty());

interface Asked {
  mode?: string;
  url?: string;
  message: string;
}
type Opener = (asked: Asked) => Promise<{ action: 'accept' | 'decline' }>;
type Call = (name: string, args: Record<string, unknown>) => Promise<Record<string, unknown>>;

/** A client that opens addresses and shows no forms. */
async function opener(home: Home, generation: 'first' | 'second', open: Opener): Promise<Call> {
  const server = { command: process.execPath, args: home.serve(), env: home.env, cwd: home.dir };
  const capabilities = { elicitation: { url: {} } };
  const info = { name: 'opener', version: '1.0.0' };
  if (generation === 'first') {
    const client = new FirstClient(info, { capabilities });
    client.setRequestHandler(ElicitRequestSchema, async ({ params }) => ({ ...(await open(params as Asked)) }));
    await client.connect(new FirstStdio(server));
    bin.add(() => client.close());
    return async (name, args) =>
      (await client.callTool({ name, arguments: args })).structuredContent as Record<string, unknown>;
  }
  const client = new SecondClient(info, { capabilities, versionNegotiation: { mode: { pin: '2026-07-28' } } });
  client.setRequestHandler('elicitation/create', async ({ params }) => ({ ...(await open(params as Asked)) }));
  await client.connect(new SecondStdio(server));
  bin.add(() => client.close());
  return async (name, args) =>
    (await client.callTool({ name, arguments: args })).structuredContent as Record<string, unknown>;
}

describe.each(['first', 'second'] as const)('a %s-generation client that opens addresses', (generation) => {
  const start = async (open: (asked: Asked, sandbox: Sandbox) => Promise<{ action: 'accept' | 'decline' }>) => {
    const sandbox = await startSandbox(bin, 'bad-deploy');
    const asked: Asked[] = [];
    const call = await opener(await makeHome(bin, sandbox.config), generation, async (params) => {
      asked.push(params);
      return open(params, sandbox);
    });
    return { sandbox, asked, call };
  };

  test('is sent to the page with the plan in words, and runs what was approved there', async () => {
    const { sandbox, asked, call } = await start(async ({ url }, { secret }) => {
      setTimeout(() => void approveAt(url as string, secret), 700);
      return { action: 'accept' };
    });
    const done = await call('rollback_release', ROLLBACK);
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({
      mode: 'url',
      url: expect.stringMatching(/^http:\/\/localhost:\d+\/approvals\/APR-/),
    });
    expect(asked[0]?.message).toContain('12 -> 10');
    expect(done).toMatchObject({ status: 'executed' });
    expect((await sandbox.truth()).actions).toHaveLength(1);
  });

  test('approves nothing by not opening it, and the plan stays open', async () => {
    const { sandbox, call } = await start(async () => ({ action: 'decline' }));
    const planned = await call('rollback_release', ROLLBACK);
    expect(planned).toMatchObject({ status: 'approval_required' });
    expect((await sandbox.truth()).actions).toEqual([]);
    const found = await call('get_approval', { approval_id: planned.approval_id });
    expect(found).toMatchObject({ approvals: [{ status: 'pending' }] });
  });
});
