import { el, hour } from '../page/client/dom.ts';
import { Bridge, HostError, QUICK_MS, REVISION } from './bridge.ts';
import { incidentPanel } from './incident.ts';
import { tellSize, wear } from './look.ts';
import { fields, isApprovalId, isOpen, type PlanShown, read, type Shown } from './model.ts';
import { PlanPanel } from './plan.ts';

const REFRESH_MS = 5_000;
/** How long an open plan is looked at beyond its lifetime: a change that was approved may still run. */
const AFTERWARDS_MS = 15 * 60_000;
/** Failures in a row after which the card stops asking by itself. */
const PATIENCE = 3;
/** What a form may take beyond its plan's lifetime, until the answer is here. */
const FORM_GRACE_MS = 60_000;

/** The card: draws what the host passes on, follows open plans, and asks the host for what its buttons offer. */
class Card {
  readonly #main = document.querySelector('main') as HTMLElement;
  readonly #panels = new Map<string, PlanPanel>();
  readonly #fresh = el('p', { class: 'fresh' });
  readonly #again = el('button', { type: 'button', class: 'quiet', click: () => void this.#look() }, 'Look again');
  readonly #bridge: Bridge;
  #can: Record<string, unknown> = {};
  #input: Record<string, unknown> | null = null;
  /** Whether the result is one of the tool that would run the plan: only then is `#input` what it must be called with. */
  #gated = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #looking = false;

  constructor(host: Window) {
    this.#bridge = new Bridge(host, {
      notified: (method, params) => this.#notified(method, params),
      asked: (method) => this.#asked(method),
    });
  }

  async start(): Promise<void> {
    const hello = fields(
      await this.#bridge.request('ui/initialize', {
        appInfo: { name: 'incident-mcp card', version: '1' },
        appCapabilities: { availableDisplayModes: ['inline'] },
        protocolVersion: REVISION,
      }),
    );
    this.#can = fields(hello.hostCapabilities);
    wear(fields(hello.hostContext));
    this.#wait('Waiting for the result. The client may be asking you in a form.');
    this.#bridge.notify('ui/notifications/initialized');
    tellSize(this.#bridge);
    setInterval(() => {
      for (const panel of this.#panels.values()) panel.tick(Date.now());
    }, 1_000);
  }

  #notified(method: string, params: Record<string, unknown>): void {
    if (method === 'ui/notifications/tool-input') this.#input = fields(params.arguments);
    else if (method === 'ui/notifications/tool-result') this.#show(read(params));
    else if (method === 'ui/notifications/tool-cancelled') this.#wait('The call was cancelled.');
    else if (method === 'ui/notifications/host-context-changed') wear(params);
  }

  #asked(method: string): Record<string, unknown> | undefined {
    if (method === 'ping') return {};
    if (method !== 'ui/resource-teardown') return undefined;
    clearTimeout(this.#timer);
    this.#failures = PATIENCE;
    return {};
  }

  #wait(text: string): void {
    this.#main.replaceChildren(el('p', { class: 'panel', role: 'status' }, text));
  }

  #show(shown: Shown): void {
    clearTimeout(this.#timer);
    this.#panels.clear();
    if (shown.kind === 'plans') this.#showPlans(shown);
    else if (shown.kind === 'incident') this.#main.replaceChildren(incidentPanel(shown.incident, new Date()));
    else {
      const said = el('p', { class: shown.bad ? 'said message bad' : 'said' }, shown.text);
      this.#main.replaceChildren(el('section', { class: 'panel' }, said));
    }
  }

  #showPlans(shown: Shown & { kind: 'plans' }): void {
    this.#gated = shown.gated;
    for (const plan of shown.plans) this.#panels.set(plan.id, new PlanPanel(plan, this.#actions()));
    this.#main.replaceChildren(
      ...[...this.#panels.values()].map((panel) => panel.element),
      el('div', { class: 'buttons' }, this.#again),
      this.#fresh,
    );
    this.#again.hidden = true;
    this.#fresh.textContent = '';
    this.#failures = 0;
    // At once: the gated tool's own result says neither its name nor who has decided so far.
    if (this.#open().length > 0) void this.#look();
  }

  #actions() {
    const openLink = async (url: string): Promise<void> => {
      const reply = fields(await this.#bridge.request('ui/open-link', { url }));
      if (reply.isError === true) throw new HostError('the client did not open it; its address is above');
    };
    const askInForm = (plan: PlanShown): Promise<void> => this.#askInForm(plan);
    const form = this.#gated && this.#input !== null && this.#can.serverTools !== undefined;
    return { openPage: this.#can.openLinks === undefined ? null : openLink, askInForm: form ? askInForm : null };
  }

  /** Calls the tool once more for the same plan: the server then asks the human, and nobody else decides. */
  async #askInForm(plan: PlanShown): Promise<void> {
    const { tool, id } = plan;
    if (tool === null || this.#input === null) return;
    const result = await this.#bridge.request(
      'tools/call',
      { name: tool, arguments: { ...this.#input, approval_id: id } },
      Math.max(QUICK_MS, plan.expiresAt - Date.now()) + FORM_GRACE_MS,
    );
    const shown = read(result);
    if (shown.kind === 'text') throw new HostError(shown.text);
    const now = shown.kind === 'plans' ? shown.plans.find((one) => one.id === id) : undefined;
    if (now) this.#panels.get(id)?.update({ ...plan, ...now, tool });
    // The assistant did not make this call: what came of it is told to it here.
    if (this.#can.updateModelContext !== undefined)
      await this.#bridge.request('ui/update-model-context', { content: fields(result).content });
    // The gated tool does not say who decided.
    void this.#look();
  }

  #open(): PlanPanel[] {
    return [...this.#panels.values()].filter(({ plan }) => isOpen(plan.status));
  }

  /** Asks the server how the open plans stand, and again 5 s later while any is open and somebody looks. */
  async #look(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#looking || this.#can.serverTools === undefined) return;
    this.#looking = true;
    try {
      if (!document.hidden) await this.#refresh();
    } finally {
      this.#looking = false;
    }
    const open = this.#open();
    const over = open.every(({ plan }) => Date.now() > plan.expiresAt + AFTERWARDS_MS);
    const stopped = this.#failures >= PATIENCE || over;
    this.#again.hidden = open.length === 0 || !stopped;
    if (open.length === 0) this.#fresh.textContent = '';
    else if (!stopped) this.#timer = setTimeout(() => void this.#look(), REFRESH_MS);
  }

  async #refresh(): Promise<void> {
    const [first, ...others] = this.#panels.keys();
    const one = others.length === 0 && isApprovalId(first) ? { approval_id: first } : {};
    try {
      const shown = read(await this.#bridge.request('tools/call', { name: 'get_approval', arguments: one }));
      if (shown.kind !== 'plans') throw new HostError('no approvals in the answer');
      for (const plan of shown.plans) this.#panels.get(plan.id)?.update(plan);
      this.#failures = 0;
      this.#fresh.textContent = `As of ${hour(new Date().toISOString())}; it follows by itself.`;
    } catch {
      this.#failures += 1;
      this.#fresh.textContent = 'The server was not reached just now: what you see may be old.';
    }
  }
}

// Opened outside of a chat, it has nobody to talk to and keeps its sentence.
if (window.parent !== window) new Card(window.parent).start().catch(() => undefined);
