import { z } from 'zod';
import type { Approval } from '../domain/approval.ts';
import { MINUTE } from '../domain/instant.ts';
import { type Comparison, compareFigures, type Figures } from '../domain/verify.ts';
import { JOURNAL, type Store } from '../ports/store.ts';
import type { ReadContext } from './context.ts';
import { measure } from './figures.ts';
import { SYSTEM } from './gate/deps.ts';
import { findEvent } from './timeline-pages.ts';

const number = z.number().nullable();
export const figuresView = z.object({
  at: z.string(),
  error_rate: number,
  latency_p95: number,
  ready: number,
  desired: number,
  restarts: number,
  agents_connected: number,
  customers_affected: number,
});

/** Older runs than this are not looked at any more. */
const FORGET_MS = 24 * 60 * MINUTE;

/** The figures that were recorded with the intent, before the command started; null where they were not. */
export async function baselineOf(context: Pick<ReadContext, 'record'>, approval: Approval): Promise<Figures | null> {
  const started = await findEvent(
    context.record,
    approval.incident_id ?? JOURNAL,
    (e) => e.kind === 'command_started' && e.approval_id === approval.approval_id,
  );
  const parsed = figuresView.safeParse(started?.data?.baseline);
  return parsed.success ? parsed.data : null;
}

/** Measures now and compares with the figures before the change. */
export async function compareNow(
  context: ReadContext,
  approval: Approval,
): Promise<Comparison & { before: Figures | null; after: Figures; watched_minutes: number }> {
  const [before, after] = await Promise.all([
    baselineOf(context, approval),
    measure(context, approval.plan.environment),
  ]);
  const finished = approval.outcome ? Date.parse(approval.outcome.finished_at) : context.clock.now().getTime();
  const watched = Math.max(0, context.clock.now().getTime() - finished) / MINUTE;
  return { ...compareFigures(before, after), before, after, watched_minutes: Math.round(watched * 10) / 10 };
}

/** Acts whose effect on the platform is watched. */
const WATCHED = new Set(['rollback_release', 'restart_service', 'scale_down']);

/**
 * Closes the windows that each executed change opens by itself: when one is over, the verdict goes into the record. Which windows are open
 * follows from the record alone, so a restart loses none, and the key makes it one event however many servers look.
 */
export class Windows {
  readonly #closed = new Set<string>();

  async closeDue(context: ReadContext, store: Store): Promise<number> {
    const now = context.clock.now().getTime();
    let written = 0;
    for (const approval of await store.approvals({ limit: 20 })) {
      const id = approval.approval_id;
      if (
        approval.status !== 'executed' ||
        !approval.outcome ||
        !WATCHED.has(approval.plan.action) ||
        this.#closed.has(id)
      )
        continue;
      const age = now - Date.parse(approval.outcome.finished_at);
      if (age < context.config.verification_window || age > FORGET_MS) continue;
      if (await recorded(store, approval)) {
        this.#closed.add(id);
        continue;
      }
      const seen = await compareNow(context, approval);
      const { repeated } = await store.append(
        approval.incident_id ?? JOURNAL,
        () => [
          {
            kind: 'verification',
            message: `${id} ${seen.verdict} after ${seen.watched_minutes} minutes: ${seen.findings.join('; ')}`,
            actor: SYSTEM,
            approval_id: id,
            data: { verdict: seen.verdict, before: seen.before, after: seen.after },
          },
        ],
        `verification:${id}`,
      );
      // Only now: what failed is tried again in the next round.
      this.#closed.add(id);
      if (!repeated) written += 1;
    }
    return written;
  }
}

const recorded = async (store: Store, approval: Approval): Promise<boolean> =>
  (await findEvent(
    store,
    approval.incident_id ?? JOURNAL,
    (e) => e.kind === 'verification' && e.approval_id === approval.approval_id,
  )) !== null;
