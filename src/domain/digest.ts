import { createHash } from 'node:crypto';
import type { Draft } from './plan.ts';
import { canonicalJson } from './timeline.ts';

const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');

/** The parts of a draft that decide what will run; the rest explains it to people. */
export type Decisive = Pick<
  Draft,
  'action' | 'environment' | 'cluster' | 'target' | 'namespace' | 'from' | 'to' | 'command' | 'changes' | 'world'
>;

/**
 * SHA-256 (lower-case hex) over the canonical JSON of all that decides what will run. Reason, warnings, risk, blast radius and
 * lifetime are left out: they are measured anew at each call and may move without the act being another one.
 * Source: the product's contract, "Gated" (`digest`) and "Approval" step 4.
 */
export function digestOf(draft: Decisive): string {
  return sha256(
    canonicalJson({
      action: draft.action,
      environment: draft.environment,
      cluster: draft.cluster,
      target: draft.target,
      namespace: draft.namespace,
      from: draft.from,
      to: draft.to,
      command: draft.command,
      changes: draft.changes,
      world: draft.world,
    }),
  );
}

/**
 * SHA-256 (lower-case hex) over a tool and its arguments. `approval_id` is left out, because the call that asks has none and
 * the call that runs names the one it was given; all else must be the same.
 */
export function argumentsHash(tool: string, args: Readonly<Record<string, unknown>>): string {
  const { approval_id: _ignored, ...rest } = args;
  return sha256(canonicalJson({ tool, args: rest }));
}
