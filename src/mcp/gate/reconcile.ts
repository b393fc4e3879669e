import type { Approval } from '../../domain/approval.ts';
import { toInstant } from '../../domain/instant.ts';
import { AppError } from '../../errors.ts';
import type { ReadContext } from '../context.ts';
import type { AnyGatedTool } from '../tool.ts';
import type { GateDeps } from './deps.ts';
import { writeOutcome } from './execute.ts';

/** After this long without an answer from the world, "unknown" is the answer. */
const GIVE_UP_MS = 15 * 60_000;

/** Whether the process that ran it is gone. */
export const isOrphaned = async (approval: Approval, deps: GateDeps): Promise<boolean> =>
  approval.status === 'running' && approval.runner !== null && !(await deps.processes.alive(approval.runner));

/**
 * Finds out what became of a run whose server died, by asking Helm or Kubernetes, and records it. Leaves it `running` while
 * the world says that it still goes on, or cannot be asked. Never acts, hence may be repeated.
 */
export async function reconcile(
  approval: Approval,
  tool: AnyGatedTool | undefined,
  context: ReadContext,
  deps: GateDeps,
): Promise<Approval> {
  if (!approval.runner || !(await isOrphaned(approval, deps))) return approval;
  const startedAt = approval.runner.started_at;
  const age = deps.clock.now().getTime() - Date.parse(startedAt);
  const found = tool ? await ask(tool, approval, context, deps) : null;
  if (!found && age < GIVE_UP_MS) return approval;
  const result = found ?? {
    status: 'outcome_unknown' as const,
    summary: 'the server that ran it stopped, and the cluster does not tell what became of it',
    details: {},
  };
  const fresh = await deps.store.approval(approval.approval_id);
  if (!fresh || !(await isOrphaned(fresh, deps))) return fresh ?? approval;
  try {
    return await writeOutcome(
      fresh,
      {
        ...result,
        summary: `found out after the server that ran it had stopped: ${result.summary}`,
        started_at: startedAt,
        finished_at: toInstant(deps.clock.now()),
      },
      deps,
    );
  } catch (error) {
    // Another server looked at the same time and settled it first.
    if (!(error instanceof AppError) || error.code !== 'CONFLICT') throw error;
    return (await deps.store.approval(approval.approval_id)) ?? approval;
  }
}

async function ask(tool: AnyGatedTool, approval: Approval, context: ReadContext, deps: GateDeps) {
  try {
    return await tool.reconcile(approval, context);
  } catch (error) {
    deps.warn('the outcome of an interrupted run cannot be asked for yet', {
      approval_id: approval.approval_id,
      error: error instanceof AppError ? error.code : String(error),
    });
    return null;
  }
}

/** Of the newest approvals, at start of all: every run without an outcome whose server is gone. Tries again while the world cannot be asked. */
export async function reconcileAll(
  toolByName: (name: string) => AnyGatedTool | undefined,
  context: ReadContext,
  deps: GateDeps,
  newest = 1_000,
): Promise<{ settled: number; open: number }> {
  let settled = 0;
  let open = 0;
  for (const approval of await deps.store.approvals({ limit: newest })) {
    if (!(await isOrphaned(approval, deps))) continue;
    const after = await reconcile(approval, toolByName(approval.tool), context, deps);
    if (after.status === 'running') open += 1;
    else settled += 1;
  }
  return { settled, open };
}
