import { lstat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { digestFits, digestOfValue } from '../../domain/chain.ts';
import { conflict, invalidInput, notFound, storeFailed } from '../../errors.ts';
import type { Approval, DamagedDocument } from '../../ports/store.ts';
import { Damaged, openDocument, textOf } from './document.ts';
import { isErrno } from './failure.ts';
import { ensureFolder, entriesOf, isRealFolder, removeIfThere, replaceFile, sweepTemporary } from './files.ts';
import type { Layout } from './layout.ts';
import { isApprovalFile } from './layout.ts';
import { Misfit, parseApproval } from './schema.ts';
import { mapSome } from './serial.ts';

export interface ApprovalFiles {
  /** Those that write are to be called under the folder's lock. */
  create(approval: Approval): Promise<void>;
  read(id: string): Promise<Approval | null>;
  list(): Promise<{ approvals: Approval[]; damaged: DamagedDocument[] }>;
  update(id: string, change: (approval: Approval) => Approval): Promise<Approval>;
}

interface Cached {
  stamp: string;
  approval: Approval | null;
  problem: string | null;
}

/**
 * One sealed document an approval. The seal is the chain's (HMAC with a key): an approval that was edited by other hands does not
 * count as approved, it counts as damaged. A damaged one is left where it is, never overwritten, and never run.
 */
export function createApprovals(layout: Layout, key: Uint8Array | null): ApprovalFiles {
  const cache = new Map<string, Cached>();
  let swept = false;

  const parseSealed = (raw: unknown, file: string): Approval => {
    const approval = parseApproval(raw);
    const { seal, ...body } = approval as Approval & { seal?: unknown };
    if (!digestFits(body, seal, key)) throw new Misfit('the seal does not fit the content');
    // A copy under another name is not that other approval.
    if (file !== `${body.approval_id}.json`) throw new Misfit(`it is the file of ${body.approval_id}`);
    return body;
  };

  const sealed = (body: Approval): Approval => ({ ...body, seal: digestOfValue(body, key) }) as Approval;

  const openAt = (path: string) =>
    openDocument<Approval>(path, (raw) => parseSealed(raw, basename(path)), { durable: true });

  async function read(id: string): Promise<Approval | null> {
    const path = layout.approval(id);
    if (path === null || !(await isRealFolder(layout.approvals))) return null;
    try {
      return (await openAt(path)).data;
    } catch (cause) {
      throw unusable(id, cause);
    }
  }

  /** Replaces the document, or leaves it as `before` (null: not there) when that cannot be made durable. */
  async function write(path: string, approval: Approval, before: Approval | null): Promise<Approval> {
    // Through JSON and the schema first: what is written must be what will be read.
    const body = parseApproval(JSON.parse(JSON.stringify(approval)));
    const document = await openAt(path);
    document.data = sealed(body);
    try {
      await document.write();
    } catch (cause) {
      // It may stand there already, only not flushed: what is refused must not count.
      const undo =
        before === null ? removeIfThere(path) : replaceFile(path, textOf(sealed(before)), { durable: false });
      await undo.catch(() => undefined);
      throw cause;
    }
    return body;
  }

  return {
    read,
    async create(approval) {
      const path = layout.approval(approval.approval_id);
      if (path === null) {
        throw invalidInput(
          `"${approval.approval_id.slice(0, 40)}" is no id of an approval.`,
          'ids are APR- and 10 letters or digits.',
        );
      }
      await ensureFolder(layout.approvals);
      if (!swept) await sweepTemporary(layout.approvals);
      swept = true;
      if (await lstat(path).catch(() => null)) {
        throw conflict(`The approval ${approval.approval_id} is there already.`, 'make a new plan.');
      }
      await write(path, approval, null);
    },
    async update(id, change) {
      const before = await read(id);
      const path = layout.approval(id);
      if (before === null || path === null) {
        throw notFound(`There is no approval ${id.slice(0, 40)}.`, 'get_approval shows those that there are.');
      }
      const after = change(structuredClone(before));
      if (after.approval_id !== before.approval_id) {
        throw storeFailed(`The approval ${id} would change its id.`, 'make a new plan instead.');
      }
      return write(path, after, before);
    },
    async list() {
      if (!(await isRealFolder(layout.approvals))) return { approvals: [], damaged: [] };
      const names = (await entriesOf(layout.approvals)).filter(isApprovalFile);
      const found = await mapSome(names, 16, async (name): Promise<Cached & { name: string }> => {
        const path = join(layout.approvals, name);
        const stat = await lstat(path, { bigint: true }).catch(() => null);
        const stamp = stat ? `${stat.ino}:${stat.size}:${stat.mtimeNs}` : '';
        const known = cache.get(name);
        if (known && known.stamp === stamp) return { ...known, name };
        const fresh: Cached = { stamp, approval: null, problem: null };
        try {
          fresh.approval = (await openAt(path)).data;
        } catch (cause) {
          if (!(cause instanceof Damaged) && !isErrno(cause, 'ELOOP', 'EISDIR', 'EACCES')) throw cause;
          fresh.problem = cause instanceof Damaged ? cause.message : 'cannot be opened as a plain file';
        }
        cache.set(name, fresh);
        return { ...fresh, name };
      });
      const approvals = found.flatMap(({ approval }) => (approval ? [structuredClone(approval)] : []));
      approvals.sort(
        (a, b) => Date.parse(b.created_at) - Date.parse(a.created_at) || (a.approval_id < b.approval_id ? 1 : -1),
      );
      const damaged = found.flatMap(({ name, problem }) =>
        problem === null ? [] : [{ name: `approvals/${name}`, problem }],
      );
      return { approvals, damaged };
    },
  };
}

function unusable(id: string, cause: unknown): unknown {
  if (!(cause instanceof Damaged)) return cause;
  return storeFailed(
    `The approval ${id} is damaged (${cause.message}); it was left as it is and cannot be used.`,
    'call the tool again without approval_id for a new plan.',
    cause,
  );
}
