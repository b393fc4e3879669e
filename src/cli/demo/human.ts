import { userInfo } from 'node:os';
import { ask } from '../terminal.ts';
import type { Stage } from './stage.ts';

/** The form as the client receives it. */
export interface Form {
  message: string;
  requestedSchema: { properties: Record<string, { title?: string }> };
}
export type FormAnswer = { action: 'accept'; content: Record<string, string | boolean> } | { action: 'decline' };

/** Who answers the form: the person at the terminal, or a stand-in that says that it is one. */
export async function answerForm(form: Form, target: string, interactive: boolean, stage: Stage): Promise<FormAnswer> {
  stage.human(form.message);
  const typed = 'target' in form.requestedSchema.properties;
  if (!interactive) {
    stage.note('no terminal: a stand-in human approves for the demo. In your own session nobody does that for you.');
    return {
      action: 'accept',
      content: { approve: true, approver: 'stand-in human of the demo', ...(typed ? { target } : {}) },
    };
  }
  const yes = (await ask('   Approve? [y/N] ')).toLowerCase();
  if (yes !== 'y' && yes !== 'yes') return { action: 'decline' };
  const confirmed = typed ? await ask(`   High risk. Type the target (${target}): `) : undefined;
  return {
    action: 'accept',
    content: {
      approve: true,
      approver: userInfo().username,
      ...(confirmed === undefined ? {} : { target: confirmed }),
    },
  };
}
