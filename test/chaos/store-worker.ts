// A light process that uses the record as a server does; one line on stdout for each thing that was acknowledged to it.
import process from 'node:process';
import { conflict } from '../../src/errors.ts';
import { openRecord, sampleApproval, sampleDeclaration } from './record.ts';

const [task = '', dir = '', stream = '', name = '', count = '0'] = process.argv.slice(2);
// Written at once and whole: what was said before a kill can be read after it.
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const store = await openRecord(dir);
const note = (message: string) => ({
  kind: 'note' as const,
  message,
  actor: { type: 'assistant' as const, name: 'chaos 1.0' },
});
const failed = (what: string, cause: unknown): void => {
  const { code = '', message = '', next = '' } = cause as { code?: string; message?: string; next?: string };
  say(`failed ${what} ${code}: ${message.replaceAll('\n', ' ')} Next: ${next}`);
};

const tasks: Record<string, () => Promise<void>> = {
  /** Until `count` or the end of the process: single events, units of two, keyed retries, approvals that are made and consumed. */
  async load() {
    say('up');
    for (let i = 1; i <= Number(count); i += 1) {
      const id = `${name}.${i}`;
      const began = performance.now();
      try {
        if (i % 7 === 0) {
          await store.append(stream, () => [note(`${id}a`), note(`${id}b`)]);
          say(`ack ${(performance.now() - began).toFixed(2)} ${id}a ${id}b`);
        } else if (i % 11 === 0) {
          await store.append(stream, () => [note(id)], `key-${id}`);
          await store.append(stream, () => [note(id)], `key-${id}`);
          say(`ack ${((performance.now() - began) / 2).toFixed(2)} ${id}`);
        } else if (i % 13 === 0) {
          const approval = sampleApproval();
          await store.createApproval(approval);
          say(`made ${approval.approval_id}`);
          await store.updateApproval(approval.approval_id, (a) => {
            if (a.status !== 'approved') throw conflict('consumed already', 'none');
            return { ...a, status: 'running', runner: { pid: process.pid, token: name, started_at: a.created_at } };
          });
          say(`consumed ${approval.approval_id}`);
        } else {
          await store.append(stream, () => [note(id)]);
          say(`ack ${(performance.now() - began).toFixed(2)} ${id}`);
        }
      } catch (cause) {
        failed(id, cause);
        return;
      }
    }
    say('done');
  },
  /** As many appends as go into `count` ms; says how long each took. */
  async race() {
    // All begin together.
    while (Date.now() < Number(name)) await new Promise((wake) => setTimeout(wake, 1));
    const end = performance.now() + Number(count);
    const took: number[] = [];
    while (performance.now() < end) {
      const began = performance.now();
      await store.append(stream, () => [note('race')]);
      took.push(performance.now() - began);
    }
    say(JSON.stringify(took.map((n) => Number(n.toFixed(2)))));
  },
  /** An append, an approval that is made and consumed, a declaration, a read, an append: each told as it went, whatever the others did. */
  async once() {
    await store
      .append(stream, () => [note(`${name} 1`), note(`${name} 2`)])
      .then(
        ({ events }) => say(`ack ${events.map((event) => event.id).join(' ')}`),
        (cause: unknown) => failed('append', cause),
      );
    const approval = sampleApproval();
    await store.createApproval(approval).then(
      () => say(`made ${approval.approval_id}`),
      (cause: unknown) => failed('approval', cause),
    );
    const { approval_id } = approval;
    if (await store.approval(approval_id)) {
      await store
        .updateApproval(approval_id, (a) => ({
          ...a,
          status: 'running',
          runner: { pid: process.pid, token: name, started_at: a.created_at },
        }))
        .then(
          () => say(`consumed ${approval_id}`),
          (cause: unknown) => failed('consumption', cause),
        );
    }
    await store.declare(sampleDeclaration).then(
      ({ incident }) => say(`declared ${incident.id}`),
      (cause: unknown) => failed('declaration', cause),
    );
    await store.timeline(stream).then(
      (events) => say(`read ${events.length}`),
      (cause: unknown) => failed('read', cause),
    );
    // The fault is over by now: the same process goes on.
    await store
      .append(stream, () => [note(`${name} 3`)])
      .then(
        ({ events }) => say(`ack ${events.map((event) => event.id).join(' ')}`),
        (cause: unknown) => failed('second append', cause),
      );
  },
};

await tasks[task]?.();
