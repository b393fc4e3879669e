import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { appendTimes, longIncident, openRecord, usualText } from '../../bench/record/load.ts';
import { Bin } from '../helpers/bin.ts';
import { makeHome } from '../helpers/home.ts';
import { until } from '../helpers/process.ts';
import { startSandbox } from '../helpers/sandbox.ts';
import { approving, connect, type Session } from '../helpers/session.ts';
import { FROM_OUTSIDE, hostile, hostileSources } from './scale/hostile.ts';

const bin = new Bin();
afterAll(() => bin.empty());

const MAX_TEXT_BYTES = 8 * 1024;
const MAX_BRIEF_BYTES = 1_600;
const LONG = 10_000;

/** A server whose record the test may write to by itself. */
async function fresh() {
  const sandbox = await startSandbox(bin, 'healthy');
  const home = await makeHome(bin, sandbox.config);
  const store = await openRecord(join(home.dir, 'config'), home.data);
  return { home, store };
}

describe('a long incident', () => {
  test.each([
    ['plain words', usualText],
    ['long messages in three and four bytes a character', (i: number) => hostile(i, 4_000)],
  ])('of 1,000 events: a brief stays within 400 tokens, with %s', async (_name, textOf) => {
    const { home, store } = await fresh();
    const id = await longIncident(store, 1_000, textOf, textOf(7).slice(0, 200));
    const session = await connect(bin, home, 'second');
    await session.ok('assign_role', { role: 'commander', person: textOf(3).slice(0, 100) });
    await session.ok('update_incident', { root_cause: textOf(1).slice(0, 2_000), reason: textOf(2).slice(0, 1_000) });
    for (let i = 0; i < 5; i += 1) {
      await session.ok('add_action_item', { title: textOf(i).slice(0, 300), kind: 'prevent' });
    }
    const { text, data } = await session.call('get_incident', { incident_id: id, view: 'brief' });
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_BRIEF_BYTES);
    for (const part of ['CONDITIONS', 'ACTIONS', 'NEEDS', id]) expect(text).toContain(part);
    expect(data.events_total).toBeGreaterThan(1_000);
  });

  test('an append at 10,000 events takes about as long as at 10', async (context) => {
    const { store } = await fresh();
    const streams = {
      short: await longIncident(store, 10, usualText),
      long: await longIncident(store, LONG, usualText),
    };
    const { short_ms, long_ms } = await appendTimes(store, streams, 100);
    const ratio = long_ms / short_ms;
    await context.annotate(
      `append: ${short_ms.toFixed(2)} ms at 10 events, ${long_ms.toFixed(2)} ms at 10,000: x${ratio.toFixed(2)}`,
    );
    expect(ratio).toBeLessThan(3);
  });

  test('of 10,000 events: the post-mortem is quick and as long as a person reads', async (context) => {
    const { home, store } = await fresh();
    const id = await longIncident(store, LONG, usualText);
    const session = await connect(bin, home, 'second');
    const began = performance.now();
    const { text, data, isError } = await session.call('draft_postmortem', { incident_id: id });
    const ms = performance.now() - began;
    const whole = Buffer.byteLength(String(data.markdown));
    await context.annotate(`post-mortem of 10,000 events: ${ms.toFixed(0)} ms, ${whole} bytes`);
    expect(isError, text).toBe(false);
    expect(ms).toBeLessThan(3_000);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_TEXT_BYTES);
    // It selects, and says so.
    expect(whole).toBeLessThan(60_000);
    expect(data.markdown).toMatch(/\b80 of 10,?00\d\b/);
    expect(text).toContain(String(data.uri));
  });
});

/** Every tool once, each with the longest and nastiest words that it takes. */
async function callAll(session: Session): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  const say = async (name: string, args: Record<string, unknown> = {}, as = name): Promise<Record<string, unknown>> => {
    const { isError, text, data } = await session.call(name, args);
    expect(isError, `${as}: ${text}`).toBe(false);
    texts.set(as, text);
    return data;
  };
  await say('get_system_health');
  await say('get_system_health', { component: 'analysis-engine' }, 'get_system_health of one');
  await say('get_fleet_summary', { limit: 100 });
  await say('check_recent_deploys', { since: '365d' });
  await say('check_llm_provider');
  await say('assess_severity', { note: hostile(1, 1_000) });
  await say('declare_incident', {
    title: hostile(2, 200),
    severity: 'SEV2',
    summary: hostile(3, 2_000),
    components: Array.from({ length: 30 }, (_, i) => hostile(i, 100)),
    commander: hostile(4, 100),
    detected_by: { source: 'other', reference: hostile(5, 300) },
  });
  // The server's own look at the platform comes a moment later, in the background.
  await until(
    () => session.ok('get_incident', { view: 'timeline' }),
    ({ timeline }) => (timeline as { kind: string }[]).some(({ kind }) => kind === 'health_snapshot'),
  );
  await say('get_incident', { view: 'brief' }, 'get_incident brief at once');
  for (const role of ['commander', 'scribe', 'communications', 'operations']) {
    await say('assign_role', { role, person: hostile(6, 100) });
  }
  for (let i = 0; i < 60; i += 1) {
    await say('record_timeline_event', {
      kind: 'observation',
      message: hostile(i, 4_000),
      evidence: Array.from({ length: 20 }, (_, k) => hostile(k, 500)),
    });
  }
  for (let i = 0; i < 20; i += 1) {
    const [title, owner, ticket] = [hostile(i, 300), hostile(i, 100), hostile(i, 300)];
    await say('add_action_item', { title, kind: 'prevent', owner, ticket });
  }
  await say('send_update', { audience: 'internal', message: hostile(7, 1_500) });
  session.human = () => ({ action: 'cancel' });
  const reason = hostile(8, 1_000);
  await say('send_update', { audience: 'customers', message: hostile(9, 1_500) }, 'send_update to customers');
  await say('rollback_release', { release: 'pulsestream-core', reason });
  await say('scale_down', { reason });
  await say('update_runbook', {
    runbook: 'new-one',
    failure_mode: hostile(10, 120),
    detection: hostile(11, 3_000),
    mitigation: hostile(12, 3_000),
  });
  session.human = approving();
  const restarted = await say('restart_service', { service: 'web-ui', reason });
  await say('verify_mitigation', { approval_id: restarted.approval_id });
  await say('get_approval');
  await say('update_incident', { root_cause: hostile(13, 2_000), title: hostile(14, 200), reason });
  for (const view of ['brief', 'full', 'timeline'])
    await say('get_incident', { view, limit: 200 }, `get_incident ${view}`);
  await say('draft_postmortem', {
    claims: Array.from({ length: 18 }, (_, i) => ({
      section: 'went_well',
      text: hostile(i, 2_000),
      evidence: i % 2 ? ['E1'] : [],
    })),
  });
  await say('list_incidents', { limit: 100 });
  return texts;
}

test('every tool answers at most 8 KB of harmless text: 2,000 pods, and sources that write as much and as nastily as they can', async (context) => {
  const base = await hostileSources(bin);
  const sandbox = await startSandbox(bin, 'bad-deploy', '--pods', '2000', '--speed', '10');
  const api = (await (await fetch(`${sandbox.urls.kubernetes}/api/v1/namespaces`)).json()) as {
    items: { metadata: { name: string } }[];
  };
  const config = await sandbox.configured((c) => {
    Object.assign(c.environments.prod ?? {}, { namespaces: api.items.map((item) => item.metadata.name) });
    c.fleet = { source: 'json', url: `${base}/fleet` };
    Object.assign(c.signals as object, {
      alertmanager: { url: base },
      llm_provider: { name: 'provider', status_url: `${base}/status` },
    });
  });
  const home = await makeHome(bin, config);
  const store = await openRecord(join(home.dir, 'config'), home.data);
  for (let i = 0; i < 60; i += 1) {
    const id = await longIncident(store, 1, usualText, hostile(i, 200));
    await store.append(id, () => [
      {
        kind: 'status_changed',
        message: 'closed',
        actor: { type: 'system', name: 'incident-mcp' },
        change: { status: 'false_alarm' },
      },
    ]);
  }
  const session = await connect(bin, home, 'second');
  const texts = await callAll(session);

  const called = new Set([...texts.keys()].map((name) => name.split(' ')[0]));
  expect(await session.tools()).toEqual(expect.arrayContaining([...called]));
  expect(called.size).toBe((await session.tools()).length);
  const sizes = [...texts].map(([name, text]) => [name, Buffer.byteLength(text)] as const);
  await context.annotate(sizes.map(([name, size]) => `${name} ${size}`).join(', '));
  expect(sizes.filter(([, size]) => size > MAX_TEXT_BYTES)).toEqual([]);
  for (const [name, text] of texts) {
    expect.soft(text, name).not.toMatch(/(?!\n)\p{C}/u);
    const opened = [...text.matchAll(/<untrusted source="[^"]*" id="(\w+)">/g)].map((m) => m[1]);
    const closed = [...text.matchAll(/<\/untrusted id="(\w+)">/g)].map((m) => m[1]);
    expect.soft(closed, `fences of ${name}`).toEqual(opened);
    const outside = text.replace(/<untrusted [^>]*id="(\w+)">.*?<\/untrusted id="\1">/gs, '');
    expect.soft(outside, `what sources say in ${name}`).not.toContain(FROM_OUTSIDE);
    const inside = [...text.matchAll(/<untrusted [^>]*id="(\w+)">(.*?)<\/untrusted id="\1">/gs)].map((m) => m[2]);
    expect.soft(inside.join('\n'), name).not.toMatch(/<[\s/]*untrusted/i);
  }
}, 60_000);
