import type { ApprovalView } from '../view.ts';
import { post } from './api.ts';
import { el, field, hour, left, message } from './dom.ts';
import { assertion, known } from './passkeys.ts';

/** A plan on the page. `update` redraws what changed and leaves what is being typed alone. */
export interface PlanCard {
  element: HTMLElement;
  update(view: ApprovalView): void;
  /** `now`: the server's clock, milliseconds. */
  tick(now: number): void;
}

/** Who looks, and whether any passkey is enrolled. */
export interface Viewer {
  person: string | null;
  passkeys: boolean;
}

const fact = (name: string, ...value: (Node | string)[]): Node[] => [el('dt', {}, name), el('dd', {}, ...value)];

function facts(view: ApprovalView): HTMLElement {
  const { plan } = view;
  const pods = plan.blast_radius.pods === null ? 'unknown number of pods' : `${plan.blast_radius.pods} pods`;
  const customers =
    plan.blast_radius.customers === null ? 'customers unknown' : `${plan.blast_radius.customers} customers on it`;
  return el(
    'dl',
    {},
    ...fact('Where', el('strong', {}, plan.environment), `, ${plan.cluster}`),
    ...fact('Target', el('strong', {}, plan.target), plan.namespace === null ? '' : ` in namespace ${plan.namespace}`),
    ...fact('From → to', `${plan.from} → ${plan.to}`),
    ...fact('Command', el('code', {}, view.command)),
    ...fact('Blast radius', `${pods}, ${customers}`),
    ...fact('Reason given', plan.reason),
    ...fact('Asked for by', view.requested_by, view.incident_id === null ? '' : ` in ${view.incident_id}`),
  );
}

/** The first ones decide most; the rest is one key away. */
const OPEN_CHANGES = 8;

type Change = ApprovalView['plan']['changes'][number];

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
          el('th', { scope: 'row' }, `${change.kind}/${change.name}`, el('br'), el('span', {}, change.field)),
          el('td', { class: 'from' }, change.from ?? '(none)'),
          el('td', { class: 'to' }, change.to ?? '(none)'),
        ),
      ),
    ),
  );

function changes(view: ApprovalView): HTMLElement {
  const { plan } = view;
  if (plan.changes_total === 0) return el('p', {}, 'No changes that can be seen.');
  const [first, rest] = [plan.changes.slice(0, OPEN_CHANGES), plan.changes.slice(OPEN_CHANGES)];
  const unseen = plan.changes_total - plan.changes.length;
  return el(
    'section',
    { class: 'changes' },
    el('h4', {}, `${plan.changes_total} changes`),
    changeTable(first, 'Main changes'),
    rest.length > 0 &&
      el('details', {}, el('summary', {}, `${rest.length} more changes`), changeTable(rest, 'More changes')),
    unseen > 0 && el('p', {}, `${unseen} further changes are in the manifests and not listed here.`),
  );
}

const warnings = (view: ApprovalView): HTMLElement | null =>
  view.plan.warnings.length === 0
    ? null
    : el(
        'section',
        { class: 'warnings' },
        el('h4', {}, 'How it can go wrong'),
        el('ul', {}, ...view.plan.warnings.map((warning) => el('li', {}, warning))),
      );

const decisions = (view: ApprovalView): HTMLElement | null =>
  view.decisions.length === 0
    ? null
    : el(
        'ul',
        { class: 'decisions' },
        ...view.decisions.map((one) =>
          el(
            'li',
            {},
            `${one.decision === 'approve' ? 'Approved' : 'Rejected'} by ${one.approver} (${one.way}), ${hour(one.at)}${one.note ? `: ${one.note}` : ''}`,
          ),
        ),
      );

const STATUS_WORDS: Partial<Record<ApprovalView['status'], string>> = {
  approved: 'Approved. It runs when the assistant calls the tool again.',
  running: 'Running now.',
  executed: 'Executed.',
  failed: 'Failed.',
  outcome_unknown: 'Ran; what became of it is not known.',
  declined: 'Rejected. It will never run.',
  expired: 'Expired. Nothing was run.',
  stale: 'Overtaken by the world. Nothing was run.',
};
const summaryLine = (view: ApprovalView): HTMLElement =>
  el('p', { class: 'status' }, STATUS_WORDS[view.status] ?? view.status);

/** The form under a pending plan. */
function decisionForm(view: ApprovalView, viewer: Viewer, decided: () => void): HTMLElement {
  const { plan } = view;
  const said = message();
  const byPasskey = view.ways.includes('passkey') && viewer.passkeys && known();
  const bySecret = view.ways.includes('page_secret');
  const name = el('input', { type: 'text', autocomplete: 'name', required: bySecret });
  name.value = viewer.person ?? '';
  const target = el('input', { type: 'text', autocomplete: 'off', spellcheck: 'false' });
  const note = el('input', { type: 'text', autocomplete: 'off' });
  const secret = el('input', { type: 'password', autocomplete: 'off' });
  const base = (decision: 'approve' | 'reject') => ({
    digest: plan.digest,
    decision,
    ...(note.value ? { note: note.value } : {}),
    ...(target.value ? { target: target.value } : {}),
    ...(name.value ? { approver: name.value } : {}),
  });
  const send = async (body: () => Promise<object> | object): Promise<void> => {
    said.say('One moment …');
    try {
      await post(`/api/approvals/${view.approval_id}/decision`, await body());
      decided();
    } catch (error) {
      said.say(error instanceof Error ? error.message : 'it did not work.', true);
    } finally {
      secret.value = '';
    }
  };
  const passkey = async (): Promise<object> => ({
    ...base('approve'),
    passkey: await assertion(`/api/approvals/${view.approval_id}/options`, {
      digest: plan.digest,
      decision: 'approve',
    }),
  });
  return el(
    'form',
    {
      class: 'decide',
      submit: (event) => {
        event.preventDefault();
        if (bySecret) void send(() => ({ ...base('approve'), secret: secret.value }));
      },
    },
    el('h4', {}, 'Your decision'),
    field('Your name', name),
    plan.risk === 'high' ? field(`High risk: type ${plan.target} to approve`, target) : null,
    field('Note (optional)', note),
    bySecret ? field("Approver's secret", secret) : null,
    el(
      'div',
      { class: 'buttons' },
      byPasskey &&
        el('button', { type: 'button', class: 'go', click: () => void send(passkey) }, 'Approve with a passkey'),
      bySecret && el('button', { type: 'submit', class: 'go' }, 'Approve with the secret'),
      el('button', { type: 'button', class: 'stop', click: () => void send(() => base('reject')) }, 'Reject'),
    ),
    !byPasskey && !bySecret
      ? el('p', {}, `Policy takes no approval from this page here: ${view.ways.join(', ')}. You can reject it.`)
      : null,
    said.element,
  );
}

export function planCard(first: ApprovalView, viewer: Viewer, decided: () => void): PlanCard {
  const heading = el('h3', { tabindex: '-1', id: first.approval_id });
  const clock = el('span', { class: 'clock' });
  const body = el('div', {});
  const form = el('div', {});
  const element = el(
    'article',
    { class: 'panel plan', 'aria-labelledby': first.approval_id },
    heading,
    clock,
    body,
    form,
  );
  let view = first;
  let drawn = '';
  let asking = false;
  const update = (next: ApprovalView): void => {
    view = next;
    const fresh = JSON.stringify(next);
    if (fresh === drawn) return;
    drawn = fresh;
    element.dataset.risk = next.plan.risk;
    heading.replaceChildren(
      el('span', { class: 'badge' }, `${next.plan.risk} risk`),
      ` ${next.title} `,
      el('code', {}, next.approval_id),
    );
    const parts = [
      next.approvers_wanted !== '' && next.status === 'pending'
        ? el(
            'p',
            { class: 'wanted' },
            next.approvers_missing > 0 && next.approvers_needed > 1
              ? `${next.approvers_wanted} ${next.approvers_missing} more.`
              : next.approvers_wanted,
          )
        : null,
      decisions(next),
      facts(next),
      warnings(next),
      changes(next),
    ];
    const shown = parts.filter((part) => part !== null);
    if (next.status === 'pending') body.replaceChildren(...shown);
    else {
      // What is decided needs a line, not a screen.
      const [status, outcome] = [summaryLine(next), next.outcome ? el('p', {}, next.outcome.summary) : ''];
      body.replaceChildren(status, outcome, el('details', {}, el('summary', {}, 'The plan'), ...shown));
    }
    if (next.status !== 'pending') form.replaceChildren();
    else if (!asking) form.replaceChildren(decisionForm(next, viewer, decided));
    asking = next.status === 'pending';
  };
  update(first);
  return {
    element,
    update,
    tick: (now) => {
      const remaining = Date.parse(view.expires_at) - now;
      clock.textContent =
        view.status === 'pending' || view.status === 'approved' ? `Expires in ${left(remaining)}` : '';
      clock.classList.toggle('soon', remaining < 60_000);
    },
  };
}
