// A process of its own that uses the store; says one line on stdout for each thing that was acknowledged to it.
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { createFolderLock } from '../../../src/adapters/store/lock.ts';
import { conflict } from '../../../src/errors.ts';
import { declaration, note } from './events.ts';
import { openForTest } from './open.ts';

const [task = '', dir = '', ...rest] = process.argv.slice(2);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const store = await openForTest(dir);

const tasks: Record<string, () => Promise<void>> = {
  async append() {
    const [stream = '', count = '0', name = ''] = rest;
    for (let i = 1; i <= Number(count); i += 1) {
      const { events } = await store.append(stream, () => [note(`${name} ${i}`)], `${name}-${i}`);
      say(`${name} ${i} ${events[0]?.id}`);
    }
  },
  async pairs() {
    const [stream = '', name = ''] = rest;
    for (let i = 1; ; i += 1) {
      await store.append(stream, () => [note(`${name} ${i}a`), note(`${name} ${i}b`)]);
      say(`${i}`);
    }
  },
  async declare() {
    for (let i = 0; i < Number(rest[0]); i += 1) {
      say((await store.declare((id) => declaration(id))).incident.id);
    }
  },
  async consume() {
    // All workers begin at one instant and go through the same approvals, so that they meet at each.
    const [start = '', ...ids] = rest;
    while (Date.now() < Number(start)) await new Promise((resolve) => setTimeout(resolve, 1));
    for (const id of ids) {
      try {
        await store.updateApproval(id, (approval) => {
          if (approval.status !== 'approved') throw conflict('consumed already', 'none');
          const runner = { pid: process.pid, token: 't', started_at: '2026-03-01T14:32:00.000Z' };
          return { ...approval, status: 'running', runner };
        });
        say(`won ${id}`);
      } catch (cause) {
        say(`lost ${id}: ${cause instanceof Error ? cause.message : ''}`);
      }
    }
  },
  async hold() {
    await createFolderLock(dir).run(async () => {
      say('held');
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    });
  },
  async fill() {
    const [stream = ''] = rest;
    for (let i = 1; i < 1_000; i += 1) {
      try {
        await store.append(stream, () => [note(`fill ${i} ${'x'.repeat(700)}`)]);
        say(`ok ${i}`);
      } catch (cause) {
        const error = cause as { code?: string; message?: string; next?: string };
        const state = await store.incident(stream);
        say(`failed ${error.code} | ${error.message} | ${error.next} | seq ${state?.seq}`);
        const size = (await readFile(`${dir}/incidents/${stream}/timeline.jsonl`)).length;
        say(`size ${size}`);
        return;
      }
    }
  },
};

try {
  await tasks[task]?.();
} catch (cause) {
  say(`failed ${cause instanceof Error ? cause.message : ''}`);
  process.exitCode = 1;
}
