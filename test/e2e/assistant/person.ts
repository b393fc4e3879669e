import type { Form, FormAnswer } from '../../helpers/session.ts';

/** The human beside the assistant: says what was seen, decides what the prompts leave to a human, answers the forms. */
export class Person {
  /** What somebody reported; null when only the signals speak. */
  readonly symptom: string | null;
  readonly forms: Form[] = [];
  #agreedTo: string | null = null;

  constructor(symptom: string | null) {
    this.symptom = symptom;
  }

  /** All signals are green: a report is worth a record, no report is not. */
  wantsItOnRecord(): boolean {
    return this.symptom !== null;
  }

  /** Hears the proposal, and later approves a form only if it is about that target. */
  agrees(target: string): void {
    this.#agreedTo = target;
  }

  answer(form: Form): FormAnswer {
    this.forms.push(form);
    const target = this.#agreedTo;
    if (target === null || !form.message.includes(target)) return { action: 'decline' };
    const typed = 'target' in form.requestedSchema.properties ? { target } : {};
    return { action: 'accept', content: { approve: true, approver: 'Ada Example', ...typed } };
  }
}
