import { afterAll, beforeAll, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { makeHome } from '../helpers/home.ts';
import { type Sandbox, startSandbox } from '../helpers/sandbox.ts';
import { connect, type Session } from '../helpers/session.ts';

const bin = new Bin();
let sandbox: Sandbox;
let session: Session;
beforeAll(async () => {
  sandbox = await startSandbox(bin, 'llm-outage', '--speed', '1');
  const config = await sandbox.configured((raw) => {
    raw.source_deadline = '1s';
  });
  session = await connect(bin, await makeHome(bin, config), 'second');
});
afterAll(() => bin.empty());

interface Answer {
  indicator: string;
  outage_started_at: string | null;
  outage_minutes: number | null;
  action_needed: boolean | null;
  guidance: string;
  customer_message: string | null;
  queue: { depth: number | null; oldest_minutes: number | null };
  sources: { name: string; status: string }[];
}
const ask = async (): Promise<Answer> => (await session.ok('check_llm_provider')) as unknown as Answer;
const advance = async (minutes: number): Promise<void> => {
  const body = JSON.stringify({ seconds: minutes * 60 });
  const answer = await fetch(`${sandbox.urls.control}/advance`, { method: 'POST', body });
  expect(answer.ok).toBe(true);
};

test('within the first hour: wait, and tell customers in the words of the runbook', async () => {
  const seen = await ask();
  expect(seen).toMatchObject({ indicator: 'major', action_needed: false });
  // The page tells whole seconds, rounded: just after the start it may be a moment less than 25 minutes.
  expect([24, 25]).toContain(seen.outage_minutes);
  expect(Date.now() - Date.parse(seen.outage_started_at ?? '')).toBeGreaterThan(25 * 60_000 - 2_000);
  expect(seen.guidance).toMatch(/^Wait: .*queues work by itself.*unless the outage exceeds one hour/);
  expect(seen.customer_message).toMatch(/delayed because of an outage at our AI provider/);
  expect(seen.queue.depth).toBeGreaterThan(0);
  expect(seen.queue.oldest_minutes).toBeGreaterThan(0);
  expect(await session.ok('assess_severity')).toMatchObject({ severity: 'SEV3', evidence: { llm_indicator: 'major' } });
});

test.each([
  ['silent', 'timeout'],
  ['500', 'error'],
  ['garbage', 'error'],
])('the page is %s: unknown, neither wait nor act, and the queue is still told', async (mode, status) => {
  await sandbox.fault('statuspage', mode);
  const seen = await ask();
  await sandbox.fault('statuspage', 'none');
  expect(seen).toMatchObject({
    indicator: 'unknown',
    outage_started_at: null,
    outage_minutes: null,
    action_needed: null,
    customer_message: null,
  });
  expect(seen.guidance).toMatch(/could not be read: check it by hand/);
  expect(seen.sources).toContainEqual(expect.objectContaining({ name: 'llm provider', status }));
  expect(seen.queue.depth).toBeGreaterThan(0);
});

test('the queue cannot be read: the rule is still applied', async () => {
  await sandbox.fault('prometheus', '500');
  const seen = await ask();
  await sandbox.fault('prometheus', 'none');
  expect(seen).toMatchObject({
    indicator: 'major',
    action_needed: false,
    queue: { depth: null, oldest_minutes: null },
  });
});

test('past one hour: act; and when the provider is well again, nothing is asked for', async () => {
  const early = await ask();
  await advance(34);
  expect(await ask()).toMatchObject({ outage_minutes: 59, action_needed: false });
  await advance(2);
  const late = await ask();
  expect(late).toMatchObject({ indicator: 'major', outage_minutes: 61, action_needed: true });
  expect(late.guidance).toMatch(/^The outage exceeds one hour: act\./);
  expect(late.customer_message).not.toBeNull();
  expect(late.queue.depth ?? 0).toBeGreaterThan(early.queue.depth ?? 0);
  await advance(60);
  expect(await ask()).toMatchObject({
    indicator: 'none',
    outage_minutes: null,
    action_needed: false,
    customer_message: null,
  });
});

test('a provider that is not configured is NOT_FOUND and the configured one is named', async () => {
  const { text } = await session.call('check_llm_provider', { provider: 'Somebody Else' });
  expect(text).toMatch(/^NOT_FOUND: no provider is called "Somebody Else"\. Next: .*Lumenia AI/);
  expect(await session.ok('check_llm_provider', { provider: 'lumenia ai' })).toMatchObject({ provider: 'Lumenia AI' });
});
