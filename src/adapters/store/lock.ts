import { randomBytes } from 'node:crypto';
import { link, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { storeFailed } from '../../errors.ts';
import { errnoOf, isErrno } from './failure.ts';
import { CREATE, entriesOf, openFile, readIfThere, removeIfThere, writeAt } from './files.ts';
import type { Owner } from './owner.ts';
import { isGone, ownerSchema, thisProcess } from './owner.ts';

export interface FolderLock {
  /** Runs `work` while no other process and no other work of this one holds the folder. `STORE` after the deadline. */
  run<T>(work: () => Promise<T>): Promise<T>;
}

const LOCK = 'lock';
const OWN = 'lock.own.';
const CLAIM = 'lock.claim.';
const JUDGE_EVERY_MS = 20;
/** How often a lock that could not be removed is tried again. */
const DROP_EVERY_MS = 250;

/**
 * One writer at a time in a data folder, across processes.
 *
 * The lock is a hard link: the owner's file is written first and then linked to `lock`, so the lock is never seen without its
 * owner. Whether it is stale is asked of the operating system (is that process gone?), never of a clock: libraries that judge by
 * the age of a file (proper-lockfile and its like) rob a holder that was suspended, and when it wakes two write. So a killed holder
 * is replaced at once and a stopped one never.
 *
 * Taking away a dead holder's lock is a right that only one process can have: it links `lock.claim.<nonce of the dead>` first. If
 * the claimant dies too, the next one claims the claim, and so on; only the living end of that row may remove the lock. As
 * nonces are never used twice and the dead do not act, what it removes is what it judged.
 *
 * Within the process calls queue in order. Between processes the waiters poll at short random intervals; the work is some
 * milliseconds long, so nobody starves among the few writers that there are.
 */
export function createFolderLock(folder: string, options: { deadlineMs?: number } = {}): FolderLock {
  const deadlineMs = options.deadlineMs ?? 10_000;
  const path = join(folder, LOCK);
  let here: Promise<Omit<Owner, 'nonce'>> | null = null;
  let swept = false;
  let queue: Promise<void> = Promise.resolve();
  /** Nonce of a lock of this process that could not be removed when its work was done. */
  let left: string | null = null;
  let dropping: Promise<void> | null = null;

  /**
   * Removes the lock that was left; one at a time, so that what is removed is what was looked at: nobody else may take it, as this
   * process lives.
   */
  function dropLeft(): Promise<void> {
    dropping ??= (async () => {
      try {
        if (left !== null && (await holderOf(path))?.id === left) await removeIfThere(path);
        left = null;
      } finally {
        dropping = null;
      }
    })();
    return dropping;
  }

  /** What was done under the lock is done, whether or not the lock goes; others must not wait for this process's next write either. */
  async function release(nonce: string): Promise<void> {
    try {
      await removeIfThere(path);
    } catch {
      left = nonce;
      const again = setInterval(() => {
        if (left === null) clearInterval(again);
        else dropLeft().catch(() => undefined);
      }, DROP_EVERY_MS);
      again.unref();
    }
  }

  async function acquire(deadline: number): Promise<() => Promise<void>> {
    if (left !== null) await dropLeft();
    here ??= thisProcess();
    const me: Owner = { ...(await here), nonce: randomBytes(8).toString('hex') };
    const own = join(folder, `${OWN}${me.pid}.${me.nonce}`);
    const mine = async (): Promise<boolean> => {
      try {
        return await linked(own, path);
      } catch (cause) {
        // Swept by a process that could not see this one, as one on another host.
        if (!isErrno(cause, 'ENOENT')) throw cause;
        await writeOwner(own, me);
        return false;
      }
    };
    try {
      await writeOwner(own, me);
      let judged = Number.NEGATIVE_INFINITY;
      let blame: Owner | null = null;
      while (!(await mine())) {
        if (performance.now() >= deadline) throw lockedOut(path, blame, deadlineMs);
        if (performance.now() - judged >= JUDGE_EVERY_MS) {
          const found = await takeFromDead(folder, own, me);
          if (found === 'free') continue;
          judged = performance.now();
          blame = found;
        }
        await pause(1 + Math.random() * 4);
      }
    } finally {
      // A second name of the lock that stays behind does no harm, and the lock may be held already: this must not fail.
      await removeIfThere(own).catch(() => undefined);
    }
    return () => release(me.nonce);
  }

  async function run<T>(work: () => Promise<T>): Promise<T> {
    const deadline = performance.now() + deadlineMs;
    const before = queue;
    let leave: () => void = () => undefined;
    const turn = new Promise<void>((resolve) => {
      leave = resolve;
    });
    queue = before.then(() => turn);
    try {
      if (!(await endsWithin(before, deadlineMs))) throw lockedOut(path, null, deadlineMs);
      const leaveFolder = await acquire(deadline);
      try {
        if (!swept) {
          swept = true;
          await sweep(folder);
        }
        return await work();
      } finally {
        await leaveFolder();
      }
    } finally {
      leave();
    }
  }

  return { run };
}

async function writeOwner(own: string, me: Owner): Promise<void> {
  const handle = await openFile(own, CREATE);
  try {
    await writeAt(handle, Buffer.from(JSON.stringify(me)), 0);
  } finally {
    await handle.close();
  }
}

/** True when `name` is ours now, false when somebody has it. */
async function linked(own: string, name: string): Promise<boolean> {
  try {
    await link(own, name);
    return true;
  } catch (cause) {
    if (isErrno(cause, 'EEXIST')) return false;
    if (isErrno(cause, 'EPERM', 'ENOSYS', 'EOPNOTSUPP')) {
      throw storeFailed(
        `The file system of the data folder refuses hard links (${errnoOf(cause)}).`,
        'give a folder on another file system with --data-dir.',
        cause,
      );
    }
    throw cause;
  }
}

/** The owner of a lock or claim; `owner` is null when the file does not tell (after a power cut), null when there is no file. */
async function holderOf(name: string): Promise<{ owner: Owner | null; id: string } | null> {
  const text = await readIfThere(name);
  if (text === null) return null;
  try {
    const owner = ownerSchema.parse(JSON.parse(text));
    return { owner, id: owner.nonce };
  } catch {
    // A file without an owner was linked before a power cut and lost its bytes: nobody alive holds it.
    const ino = await stat(name).then(
      (s) => s.ino,
      () => null,
    );
    return ino === null ? null : { owner: null, id: `ino${ino}` };
  }
}

/** `free` when the lock is gone or was taken from a dead holder; else the living one that all wait for (null if unknown). */
async function takeFromDead(folder: string, own: string, me: Owner): Promise<'free' | Owner | null> {
  const path = join(folder, LOCK);
  const victim = await holderOf(path);
  if (victim === null) return 'free';
  const claims: string[] = [];
  let dead = victim;
  for (;;) {
    if (dead.owner !== null && !(await isGone(dead.owner, me))) return dead.owner;
    const claim = join(folder, `${CLAIM}${dead.id}`);
    claims.push(claim);
    if (await linked(own, claim)) break;
    const other = await holderOf(claim);
    if (other === null) return 'free';
    dead = other;
  }
  try {
    // The claim is worth something only while the lock is still the one that was judged.
    if ((await holderOf(path))?.id === victim.id) {
      const aside = join(folder, `${OWN}${me.pid}.${me.nonce}.dead`);
      await rename(path, aside);
      if ((await holderOf(aside))?.id !== victim.id) await linked(aside, path);
      await removeIfThere(aside);
      if (victim.owner) await removeIfThere(join(folder, `${OWN}${victim.owner.pid}.${victim.id}`));
    }
  } catch (cause) {
    // The dead one's lock may still be there: give up only our own end of the row.
    await removeIfThere(claims.at(-1) ?? '');
    throw cause;
  }
  for (const claim of claims) await removeIfThere(claim);
  return 'free';
}

/** Under the lock: what killed processes left. No claim can be in force while somebody living holds the lock. */
async function sweep(folder: string): Promise<void> {
  const here = await thisProcess();
  for (const name of await entriesOf(folder)) {
    if (name.startsWith(CLAIM)) await removeIfThere(join(folder, name));
    if (!name.startsWith(OWN)) continue;
    const found = await holderOf(join(folder, name)).catch(() => null);
    if (found === null) continue;
    // Killed before it wrote its owner: the name tells the pid too.
    const owner = found.owner ?? { ...here, start: null, pid: Number(name.slice(OWN.length).split('.')[0]), nonce: '' };
    if (owner.pid > 0 && (await isGone(owner, here))) await removeIfThere(join(folder, name));
  }
}

async function endsWithin(work: Promise<void>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

function lockedOut(path: string, holder: Owner | null, waitedMs: number): Error {
  const who = holder ? `process ${holder.pid} on ${holder.host.replace(/pid:\[\d+\]$/, '')}` : 'another writer';
  return storeFailed(
    `The record is held by ${who}; waited ${waitedMs / 1000} s.`,
    `if that process hangs or its host is gone for good, end it and delete ${path}; then call again.`,
  );
}
