import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { makeHome } from '../helpers/home.ts';
import { accepted, connectRaw, type RawAnswer } from '../helpers/raw.ts';
import { startSandbox } from '../helpers/sandbox.ts';
import { tellTests } from './tell-tests.ts';

/** Secrets are planted wherever the model or a person may write; none may come out or lie in the record. */

tellTests('secrets: written down by somebody');
const bin = new Bin();
afterAll(() => bin.empty());

const PLANTED = /planted-[\w-]+|AKIA[A-Z0-9]{16}/g;
const found = (text: string): string[] => [...new Set(text.match(PLANTED) ?? [])];

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries.filter((e) => e.isFile()).map((e) => join(e.parentPath, e.name));
}

const CALLS: [string, Record<string, unknown>][] = [
  [
    'declare_incident',
    {
      title: 'down password=planted-title',
      severity: 'SEV2',
      summary: 'AKIAIOSFODNN7EXAMPLE, Bearer planted-bearer-1, postgres://u:planted-dsn@db/x',
      commander: 'Ada token=planted-commander',
      components: ['core api_key=planted-component'],
      detected_by: { source: 'other', reference: 'https://u:planted-reference@host/x' },
    },
  ],
  ['assign_role', { role: 'scribe', person: 'Bo token=planted-person' }],
  [
    'record_timeline_event',
    { kind: 'note', message: '{"client_secret": "planted-message"}', evidence: ['--password planted-evidence'] },
  ],
  [
    'add_action_item',
    {
      title: 'rotate token=planted-item',
      kind: 'prevent',
      owner: 'Cy password=planted-owner',
      ticket: 'https://u:planted-ticket@t/1',
    },
  ],
  ['update_incident', { root_cause: 'secret: planted-cause', reason: 'password=planted-why' }],
  ['send_update', { audience: 'internal', message: 'the db password: planted-update' }],
  ['send_update', { audience: 'customers', message: 'the db password: planted-customers' }],
  ['restart_service', { service: 'analysis-engine', reason: 'token=planted-reason' }],
  [
    'update_runbook',
    { runbook: 'notes', failure_mode: 'm', detection: 'password: planted-detection', mitigation: 'token=planted-step' },
  ],
  ['draft_postmortem', { claims: [{ section: 'root_cause', text: 'password=planted-claim', evidence: ['E1'] }] }],
  ['get_incident', { view: 'timeline', limit: 200 }],
  ['get_approval', {}],
  ['list_incidents', {}],
  ['rollback_release', { release: 'password=planted-bad-argument', reason: 'x' }],
];

describe('secrets that somebody wrote down', () => {
  test('come out nowhere: no answer, no form, no record, no message', async () => {
    const sandbox = await startSandbox(bin, 'bad-deploy');
    const home = await makeHome(bin, sandbox.config);
    const client = connectRaw(bin, home);
    for (const [name, args] of CALLS) {
      let said: RawAnswer = await client.call(name, args);
      expect({ name, leaks: found(JSON.stringify(said)) }).toEqual({ name, leaks: [] });
      if (said.result?.requestState === undefined) continue;
      said = await client.call(name, args, {
        requestState: said.result.requestState,
        inputResponses: accepted({
          approve: true,
          approver: 'Ada password=planted-approver',
          target: 'prod',
          note: 'token=planted-note',
        }),
      });
      expect({ name, leaks: found(JSON.stringify(said)) }).toEqual({ name, leaks: [] });
    }
    const files = await filesBelow(home.data);
    expect(files.length).toBeGreaterThan(5);
    for (const file of files) {
      expect({ file, leaks: found(await readFile(file, 'utf8')) }).toEqual({ file, leaks: [] });
    }
    expect(found(JSON.stringify((await sandbox.truth()).notifications))).toEqual([]);
  });

  test.each([
    ['update_incident', { mitigated_at: '2999-01-01T00:00:00Z', reason: 'x' }],
    ['update_incident', { impact_started_at: '2999-01-01T00:00:00Z', reason: 'x' }],
    ['record_timeline_event', { kind: 'recovery', message: 'x', occurred_at: '2999-01-01T00:00:00Z' }],
    ['update_runbook', { runbook: 'a..b', failure_mode: 'm', detection: 'd', mitigation: 'x' }],
    ['declare_incident', { title: 'x', severity: 'SEV1', detected_at: '2999-01-01T00:00:00Z' }],
  ])('%s refuses %j before anything is written or asked', async (name, args) => {
    const sandbox = await startSandbox(bin, 'healthy');
    const client = connectRaw(bin, await makeHome(bin, sandbox.config));
    if (name !== 'declare_incident') await client.call('declare_incident', { title: 'x', severity: 'SEV3' });
    const said = await client.call(name, args);
    expect(said.result?.isError).toBe(true);
    expect(said.result?.content?.[0]?.text).toMatch(/^INVALID_INPUT: .+ Next: /s);
    const shown = await client.call('get_incident', { view: 'timeline' });
    expect(JSON.stringify(shown)).not.toContain('2999');
  });
});
