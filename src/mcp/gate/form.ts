import { z } from 'zod';
import type { Approval } from '../../domain/approval.ts';
import { maskText } from '../../domain/mask.ts';
import { oneLine } from '../../domain/text.ts';
import { formMessage } from './words.ts';

/** What the server seals into the form's state; it binds the answer to one approval and its digest. */
export interface FormState {
  approval_id: string;
  digest: string;
  /** What the client was asked to show. */
  way: 'form' | 'page';
}
export const formState = z.strictObject({ approval_id: z.string(), digest: z.string(), way: z.enum(['form', 'page']) });

/** What a client that opens addresses tells its user before it opens the page. */
export const openMessage = (approval: Approval): string =>
  `${formMessage(approval)}\nThe page on this machine asks who you are before it shows or decides anything.`;

/** State of a tool's own question: it binds the answer to one tool and its arguments. */
export const questionState = z.strictObject({ question: z.string() });
export type QuestionState = z.infer<typeof questionState>;

/** Key of the one input request. */
export const FORM = 'approval';

/** The form as plain JSON Schema: a converted zod schema would leave a `$schema` that some clients refuse. */
export function approvalForm(approval: Approval) {
  const high = approval.plan.risk === 'high';
  return {
    message: formMessage(approval),
    requestedSchema: {
      type: 'object' as const,
      properties: {
        approve: {
          type: 'boolean' as const,
          title: 'Approve',
          description: 'Yes runs exactly this plan once. No rejects it for good.',
        },
        ...(high
          ? {
              target: {
                type: 'string' as const,
                title: `Type "${approval.plan.target}"`,
                description: 'High risk: the name of the target, typed by you.',
              },
            }
          : {}),
        approver: { type: 'string' as const, title: 'Your name', description: 'Who decides; written to the timeline.' },
        note: { type: 'string' as const, title: 'Note', description: 'Optional: why.' },
      },
      required: high ? ['approve', 'target', 'approver'] : ['approve', 'approver'],
    },
  };
}

const answer = z.discriminatedUnion('action', [
  z.object({
    action: z.literal('accept'),
    content: z.object({
      approve: z.boolean(),
      approver: z.string().trim().min(1).max(100),
      target: z.string().max(300).optional(),
      note: z.string().max(1000).optional(),
    }),
  }),
  z.object({ action: z.literal('decline') }),
  z.object({ action: z.literal('cancel') }),
]);

export type FormVerdict =
  | { kind: 'approve' | 'reject'; approver: string; note: string | null }
  | { kind: 'declined' }
  /** Nothing was decided: the plan stays open. */
  | { kind: 'unusable'; why: string };

/** Reads what the client sent. Anything but a complete, well-typed acceptance approves nothing. */
export function readAnswer(raw: unknown, approval: Approval): FormVerdict {
  const parsed = answer.safeParse(raw);
  if (!parsed.success) return { kind: 'unusable', why: "the client's answer does not carry the form's fields" };
  if (parsed.data.action === 'decline') return { kind: 'declined' };
  if (parsed.data.action === 'cancel') return { kind: 'unusable', why: 'the client closed the form without an answer' };
  const { approve, approver, target, note } = parsed.data.content;
  const who = maskText(oneLine(approver, 100));
  if (who === '') return { kind: 'unusable', why: 'the form does not say who decides' };
  const remark = note ? maskText(oneLine(note, 500)) : null;
  if (!approve) return { kind: 'reject', approver: who, note: remark };
  if (approval.plan.risk === 'high' && target !== approval.plan.target) {
    return { kind: 'unusable', why: `the target typed into the form is not "${approval.plan.target}"` };
  }
  if (target !== undefined && target !== '' && target !== approval.plan.target) {
    return { kind: 'unusable', why: `the target typed into the form is not "${approval.plan.target}"` };
  }
  return { kind: 'approve', approver: who, note: remark };
}
