import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { tell } from '../helpers/suite-report.ts';
import { bundled, type Faults } from './machine.ts';
import { openRecord, sampleDeclaration } from './record.ts';
import { show } from './seed.ts';
import { startWorker } from './worker.ts';

const SUITE = 'disks that fail, call by call';
const LANES = 4;
const STORE = /^failed [\w ]+ STORE: .+ Next: .+/;

const bin = new Bin();
let worker = '';
let preload = '';
beforeAll(async () => {
  const own = new Bin();
  worker = await bundled(own, './store-worker.ts');
  preload = await bundled(own, './preload/faults.ts');
  return () => own.empty();
});
afterEach(() => bin.empty());

interface Trial {
  said: string[];
  steps: string[];
  problems: string[];
}

/** One process that appends, makes and consumes an approval, declares, reads and appends again, while one call to the file system fails. */
async function trial(own: Bin, faults: Faults): Promise<Trial> {
  const folder = await own.folder();
  const dir = join(folder, 'data');
  const log = join(folder, 'steps');
  const id = (await (await openRecord(dir)).declare(sampleDeclaration)).incident.id;
  const one = startWorker(own, worker, ['once', dir, id, 'e'], {
    env: { ...faults, CHAOS_LOG: log, NODE_OPTIONS: `--import=${preload}` },
  });
  const ended = await one.ended;
  const problems: string[] = ended === 0 ? [] : [`it ended with ${ended}`];
  const store = await openRecord(dir);
  const events = await store.timeline(id);
  const ids = new Set(events.map((event) => event.id));
  for (const line of one.lines) {
    const [verb, ...names] = line.split(' ');
    if (verb === 'ack')
      for (const name of names) if (!ids.has(name)) problems.push(`${name} was acknowledged and is not there`);
    if (verb === 'made' && (await store.approval(names[0] ?? '')) === null) problems.push(`${names[0]} is not there`);
    if (verb === 'failed' && !STORE.test(line)) problems.push(`no error of the contract: ${line}`);
  }
  // "Nothing was done" must be true: what was refused is not there.
  const acknowledged = one.lines.filter((line) => line.startsWith('ack ')).flatMap((line) => line.split(' ').slice(1));
  const refusedButThere = events.filter((event) => event.message.startsWith('e ') && !acknowledged.includes(event.id));
  if (refusedButThere.length > 0) problems.push(`refused, but there: ${refusedButThere.map((e) => e.message).join()}`);
  const made = one.lines.filter((line) => line.startsWith('made ')).length;
  const approvals = (await store.approvals()).length;
  const declared = one.lines.filter((line) => line.startsWith('declared ')).map((line) => line.split(' ')[1]);
  const incidents = (await store.incidents()).map((incident) => incident.id).filter((other) => other !== id);
  if (incidents.join() !== declared.join()) problems.push(`${declared} was acknowledged, ${incidents} is there`);
  for (const approval of await store.approvals()) {
    const status = one.lines.includes(`consumed ${approval.approval_id}`) ? 'running' : 'approved';
    if (approval.status !== status) problems.push(`the approval is ${approval.status}, not ${status}`);
  }
  if (approvals !== made) problems.push(`${made} approvals were acknowledged, ${approvals} are there`);
  const failures = one.lines.filter((line) => line.startsWith('failed ')).length;
  if (failures > 1) problems.push('it did not go on after the fault');
  await store.append(id, () => [{ kind: 'note', message: 'later', actor: { type: 'system', name: 'chaos' } }]);
  for (const { problem } of (await store.verify()).problems) problems.push(`verify: ${problem}`);
  for (const { name, problem } of await store.damaged()) problems.push(`damaged: ${name} ${problem}`);
  const steps = (await readFile(log, 'utf8')).split('\n').filter((line) => /^\d+ /.test(line));
  return { said: one.lines, steps, problems };
}

describe('every call to the file system fails once', () => {
  test.each(['EIO', 'ENOSPC', 'EMFILE'])(
    'with %s: what is acknowledged is there, what is refused is not, and the same process goes on',
    async (code) => {
      const all = await trial(bin, {});
      expect(all.problems).toEqual([]);
      expect(all.said.map((line) => line.split(' ')[0])).toEqual([
        'ack',
        'made',
        'consumed',
        'declared',
        'read',
        'ack',
      ]);
      const points = all.steps.map((_step, i) => i + 1);
      const tried = points.length;
      const found: string[] = [];
      let refused = 0;
      const lane = async (): Promise<void> => {
        for (let at = points.shift(); at !== undefined; at = points.shift()) {
          const own = new Bin();
          try {
            const { said, steps, problems } = await trial(own, { CHAOS_FAIL_AT: String(at), CHAOS_FAIL_CODE: code });
            const step = steps[at - 1] ?? '';
            refused += said.filter((line) => line.startsWith('failed ')).length;
            show(
              `${code} ${step} | ${said.map((line) => line.split(' ').slice(0, 3).join(' ')).join(', ')} | ${problems.join('; ')}`,
            );
            if (problems.length > 0) found.push(`${step}: ${problems.join('; ')}`);
          } finally {
            await own.empty();
          }
        }
      };
      await Promise.all(Array.from({ length: LANES }, () => lane()));
      tell(SUITE, {
        what: `${code} at each call of two appends, an approval, its consumption and a declaration`,
        tried,
        held: tried - found.length,
        note: `${refused} operations refused with STORE, the others unharmed`,
      });
      expect(found).toEqual([]);
    },
    120_000,
  );
});
