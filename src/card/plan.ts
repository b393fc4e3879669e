import { el, left, message } from '../page/client/dom.ts';
import { type Change, isOpen, type PlanShown, type Status } from './model.ts';

/** What the card can do for the human; null: not here. None of it approves anything. */
export interface PlanActions {
  openPage: ((address: string) => Promise<void>) | null;
  askInForm: ((plan: PlanShown) => Promise<void>) | null;
}

const STATUS_WORDS: Record<Status, string> = {
  pending: 'Nothing was run: a human must approve it first.',
  approved: 'Approved. It runs when the assistant calls the tool again.',
  running: 'Running now.',
  executed: 'Executed.',
  failed: 'Failed.',
  outcome_unknown: 'Ran; what became of it is not known.',
  declined: 'Rejected. It will never run.',
  expired: 'Expired. Nothing was run.',
  stale: 'Overtaken by the world. Nothing was run.',
};
/** The first ones decide most; the rest is one key away. */
const OPEN_CHANGES = 3;

const fact = (name: string, ...value: (Node | string)[]): Node[] => [el('dt', {}, name), el('dd', {}, ...value)];

function facts(plan: PlanShown): HTMLElement {
  const pods = plan.pods === null ? 'unknown number of pods' : `${plan.pods} pods`;
  const customers = plan.customers === null ? 'customers unknown' : `${plan.customers} customers on it`;
  return el(
    'dl',
    {},
    ...fact('Where', el('strong', {}, plan.environment), `, ${plan.cluster}`),
    ...fact('Target', el('strong', {}, plan.target), plan.namespace === null ? '' : ` in namespace ${plan.namespace}`),
    ...fact('From → to', `${plan.from} → ${plan.to}`),
    ...fact('Command', el('code', {}, plan.command)),
    ...fact('Blast radius', `${pods}, ${customers}`),
    ...fact('Reason given', plan.reason),
    ...(plan.incident === null ? [] : fact('Incident', plan.incident)),
  );
}

const changeTable = (changes: readonly Change[], label: string): HTMLElement =>
  el(
    'table',
    { 'aria-label': label },
    el('thead', {}, el('tr', {}, el('th', {}, 'What'), el('th', {}, 'Now'), el('th', {}, 'Afterwards'))),
    el(
      'tbody',
      {},
      ...changes.map((change) =>
        el(
          'tr',
          {},
          el('th', { scope: 'row' }, change.what, el('br'), el('span', {}, change.field)),
          el('td', { class: 'from' }, change.from ?? '(none)'),
          el('td', { class: 'to' }, change.to ?? '(none)'),
        ),
      ),
    ),
  );

function changes(plan: PlanShown): HTMLElement {
  if (plan.changesTotal === 0) return el('p', {}, 'No changes that can be seen.');
  const [first, rest] = [plan.changes.slice(0, OPEN_CHANGES), plan.changes.slice(OPEN_CHANGES)];
  const unseen = plan.changesTotal - plan.changes.length;
  return el(
    'section',
    { class: 'changes' },
    el('h4', {}, plan.changesTotal === 1 ? '1 change' : `${plan.changesTotal} changes`),
    changeTable(first, 'Main changes'),
    rest.length > 0 &&
      el('details', {}, el('summary', {}, `${rest.length} more changes`), changeTable(rest, 'More changes')),
    unseen > 0 && el('p', {}, `${unseen} further changes are in the manifests and not listed here.`),
  );
}

const lines = (className: string, title: string | null, texts: readonly string[]): HTMLElement | null =>
  texts.length === 0
    ? null
    : el(
        'section',
        { class: className },
        title !== null && el('h4', {}, title),
        el('ul', { class: 'rows' }, ...texts.map((text) => el('li', {}, text))),
      );

/** A plan in the chat. Redrawn only when it changed, so that focus and opened parts stay; the buttons are never replaced. */
export class PlanPanel {
  readonly element: HTMLElement;
  readonly #heading = el('h3');
  readonly #status = el('span', { role: 'status' });
  readonly #clock = el('span', { class: 'clock', role: 'timer' });
  readonly #body = el('div');
  readonly #list = el('ul');
  readonly #open = el(
    'button',
    { type: 'button', click: () => void this.#press(this.#openPage()) },
    'Open the approval page',
  );
  readonly #ask = el(
    'button',
    { type: 'button', click: () => void this.#press(this.#askInForm()) },
    'Ask me in a form',
  );
  readonly #said = message();
  readonly #ways: HTMLElement;
  readonly #actions: PlanActions;
  #plan: PlanShown;
  #drawn = '';

  constructor(plan: PlanShown, actions: PlanActions) {
    this.#plan = plan;
    this.#actions = actions;
    this.#heading.id = plan.id;
    const note = el(
      'p',
      { class: 'note', id: `${plan.id}-note` },
      'A click here approves nothing: the page and the form ask you.',
    );
    for (const button of [this.#open, this.#ask]) button.setAttribute('aria-describedby', note.id);
    this.#ways = el(
      'section',
      { class: 'ways' },
      el('h4', {}, 'How to approve or reject'),
      this.#list,
      el('div', { class: 'buttons' }, this.#open, this.#ask),
      note,
      this.#said.element,
    );
    this.element = el(
      'article',
      { class: 'panel plan', 'aria-labelledby': plan.id },
      this.#heading,
      el('p', {}, this.#status, this.#clock),
      this.#body,
      this.#ways,
    );
    this.update(plan);
  }

  get plan(): PlanShown {
    return this.#plan;
  }

  update(plan: PlanShown): void {
    this.#plan = plan;
    const fresh = JSON.stringify(plan);
    if (fresh !== this.#drawn) this.#draw(plan);
    this.#drawn = fresh;
    const pending = plan.status === 'pending';
    this.#ways.hidden = !pending;
    this.#open.hidden = plan.page === null || this.#actions.openPage === null;
    this.#ask.hidden = !plan.form || plan.tool === null || this.#actions.askInForm === null;
    this.tick(Date.now());
  }

  /** `now`: milliseconds since the epoch. */
  tick(now: number): void {
    const { status, expiresAt } = this.#plan;
    const waits = status === 'pending' || status === 'approved';
    const remaining = expiresAt - now;
    this.#clock.textContent = !waits ? '' : remaining > 0 ? `Expires in ${left(remaining)}` : 'Its time is over.';
    this.#clock.classList.toggle('soon', remaining < 60_000);
  }

  #draw(plan: PlanShown): void {
    this.element.dataset.risk = plan.risk;
    this.element.dataset.status = plan.status;
    this.#heading.replaceChildren(
      el('span', { class: 'badge' }, `${plan.risk} risk`),
      ` ${plan.action} ${plan.target} in ${plan.environment} `,
      el('code', {}, plan.id),
    );
    const words = STATUS_WORDS[plan.status];
    if (this.#status.textContent !== words) this.#status.textContent = words;
    this.#list.replaceChildren(...plan.ways.map((way) => el('li', {}, way)));
    const details = [facts(plan), lines('warnings', 'How it can go wrong', plan.warnings), changes(plan)].filter(
      (part) => part !== null,
    );
    const decided = lines('decided', null, plan.decisions) ?? '';
    if (isOpen(plan.status)) this.#body.replaceChildren(decided, ...details);
    // What is over needs a line, not a screen.
    else
      this.#body.replaceChildren(
        decided,
        plan.outcome === null ? '' : el('p', { class: 'outcome' }, plan.outcome),
        el('details', {}, el('summary', {}, 'The plan'), ...details),
      );
  }

  async #press(work: Promise<string>): Promise<void> {
    this.#said.say('One moment …');
    for (const button of [this.#open, this.#ask]) button.disabled = true;
    try {
      this.#said.say(await work);
    } catch (error) {
      this.#said.say(error instanceof Error ? `It did not work: ${error.message}.` : 'It did not work.', true);
    } finally {
      for (const button of [this.#open, this.#ask]) button.disabled = false;
    }
  }

  async #openPage(): Promise<string> {
    const { page } = this.#plan;
    if (page === null || this.#actions.openPage === null) return '';
    await this.#actions.openPage(page);
    return 'The page asks who you are, and decides there. This card follows.';
  }

  async #askInForm(): Promise<string> {
    await this.#actions.askInForm?.(this.#plan);
    return '';
  }
}
