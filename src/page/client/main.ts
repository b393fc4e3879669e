import type { PageState } from '../view.ts';
import { follow, get, post, Refused, session } from './api.ts';
import { el } from './dom.ts';
import { enrol } from './enrol.ts';
import { incidentPanel } from './incident.ts';
import { type PlanCard, planCard } from './plan.ts';
import { signIn } from './sign-in.ts';

const main = document.querySelector('main') as HTMLElement;
const who = document.querySelector('#who') as HTMLElement;
const wanted = /^\/approvals\/(APR-[0-9A-Z]{10})$/.exec(location.pathname)?.[1];
const POLL_MS = 3_000;

/** The signed-in page: draws the state, follows the record, counts down. */
class Board {
  readonly #cards = new Map<string, PlanCard>();
  readonly #waiting = el(
    'section',
    { 'aria-labelledby': 'waiting' },
    el('h2', { id: 'waiting' }, 'Plans that wait for you'),
  );
  readonly #none = el('p', { class: 'none' }, 'Nothing waits for a decision.');
  readonly #pending = el('div', {});
  readonly #incidents = el('section', { 'aria-label': 'Open incidents' });
  readonly #decided = el('section', { 'aria-label': 'Decided plans' });
  #skew = 0;
  #drawnIncidents = '';
  #focused = false;
  #over = 0;

  start(): void {
    this.#waiting.append(this.#none, this.#pending);
    main.replaceChildren(this.#waiting, this.#incidents, this.#decided);
    void this.refresh();
    void this.#follow();
    setInterval(() => this.#tick(), 1_000);
  }

  async refresh(): Promise<void> {
    try {
      this.#draw(await get<PageState>('/api/state'));
      document.body.classList.remove('stale');
    } catch (error) {
      if (error instanceof Refused && error.code === 'FORBIDDEN') return leave();
      // The server may be gone; what is on the page is then old, and says so.
      document.body.classList.add('stale');
    }
  }

  async #follow(): Promise<void> {
    for (;;) {
      await follow(() => void this.refresh()).catch(() => undefined);
      await new Promise((wake) => setTimeout(wake, POLL_MS));
      await this.refresh();
    }
  }

  #draw(state: PageState): void {
    this.#skew = Date.parse(state.now) - Date.now();
    this.#over = Date.parse(state.session_expires_at);
    who.replaceChildren(
      state.person === null ? 'signed in with the secret ' : `signed in as ${state.person} `,
      el('button', { class: 'quiet', click: () => void post('/api/sign-out', {}).finally(leave) }, 'Sign out'),
    );
    for (const view of state.approvals) {
      let card = this.#cards.get(view.approval_id);
      if (!card) {
        card = planCard(view, state, () => void this.refresh());
        this.#cards.set(view.approval_id, card);
      }
      card.update(view);
      const home = view.status === 'pending' ? this.#pending : this.#decided;
      if (card.element.parentElement !== home) home.prepend(card.element);
    }
    this.#none.hidden = this.#pending.childElementCount > 0;
    this.#title();
    if (this.#decided.childElementCount > 0 && !this.#decided.querySelector('h2'))
      this.#decided.prepend(el('h2', {}, 'Decided plans'));
    const incidents = JSON.stringify(state.incidents);
    if (incidents !== this.#drawnIncidents) {
      this.#drawnIncidents = incidents;
      this.#incidents.replaceChildren(
        ...(state.incidents.length > 0 ? [el('h2', {}, 'Open incidents')] : []),
        ...state.incidents.map(incidentPanel),
      );
    }
    this.#tick();
    if (wanted && !this.#focused) document.getElementById(wanted)?.focus();
    this.#focused = true;
  }

  #title(): void {
    const waiting = this.#pending.childElementCount;
    document.title = waiting > 0 ? `(${waiting}) Approvals - incident-mcp` : 'Approvals - incident-mcp';
  }

  #tick(): void {
    const now = Date.now() + this.#skew;
    for (const card of this.#cards.values()) card.tick(now);
    if (this.#over > 0 && now >= this.#over) leave();
  }
}

function leave(): void {
  session.end();
  location.reload();
}

function begin(): void {
  if (location.pathname === '/enrol') {
    const ticket = location.hash.slice(1);
    history.replaceState(null, '', '/enrol');
    main.replaceChildren(enrol(ticket));
  } else if (session.get() !== null) new Board().start();
  else main.replaceChildren(signIn(begin));
}

begin();
