import { cleanText } from '../domain/text.ts';
import { commandLine } from '../mcp/gate/words.ts';

/**
 * What the card shows, read from a tool's result. Results come through the host and may be older than this card, so nothing in them is
 * taken for granted: what does not have the expected shape is shown as the result's text. Every text is cleaned of what would not be drawn.
 */
export const STATUSES = [
  'pending',
  'approved',
  'running',
  'executed',
  'failed',
  'outcome_unknown',
  'declined',
  'expired',
  'stale',
] as const;
export type Status = (typeof STATUSES)[number];

export interface Change {
  what: string;
  field: string;
  from: string | null;
  to: string | null;
}
export interface PlanShown {
  id: string;
  status: Status;
  /** Name of the gated tool; null where the result does not say it. */
  tool: string | null;
  incident: string | null;
  action: string;
  environment: string;
  cluster: string;
  target: string;
  namespace: string | null;
  from: string;
  to: string;
  command: string;
  changes: Change[];
  changesTotal: number;
  pods: number | null;
  customers: number | null;
  warnings: string[];
  risk: 'low' | 'medium' | 'high';
  reason: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
  ways: string[];
  /** Address of the approval page for this very plan. */
  page: string | null;
  /** Whether the client can ask its user in a form for this plan. */
  form: boolean;
  decisions: string[];
  outcome: string | null;
}
export interface EventShown {
  at: string;
  kind: string;
  actor: 'human' | 'assistant' | 'system';
  who: string;
  message: string;
}
export interface IncidentShown {
  id: string;
  title: string;
  drill: boolean;
  state: string;
  brief: string | null;
  timeline: EventShown[];
  eventsTotal: number;
  approvals: string[];
  actionItems: string[];
}
export type Shown =
  /** `gated`: the result of the tool that would run it, and not one that only tells about it. */
  | { kind: 'plans'; gated: boolean; plans: PlanShown[] }
  | { kind: 'incident'; incident: IncidentShown }
  | { kind: 'text'; text: string; bad: boolean };

/** Longest text of a change or message that is drawn, characters. */
const LONG = 2_000;
const ID = /^APR-[0-9A-Z]{10}$/;
/** The one kind of address that a button may lead to; the server puts it into a sentence. */
const PAGE = /\bopen (http:\/\/localhost:\d{1,5}\/approvals\/(APR-[0-9A-Z]{10})) \(/;
const FORM = /^In the client: fill in the form\b/;
/** Statuses of the gated tools that have another name in the record. */
const GATE_NAMES: Record<string, Status> = { approval_required: 'pending', in_progress: 'running' };
const OPEN: readonly Status[] = ['pending', 'approved', 'running'];

export const isOpen = (status: Status): boolean => OPEN.includes(status);
export const isApprovalId = (value: unknown): value is string => typeof value === 'string' && ID.test(value);
/** The names that tools have; anything else is not called. */
const isToolName = (value: unknown): value is string => typeof value === 'string' && /^[a-z]+(_[a-z]+)+$/.test(value);

type Fields = Record<string, unknown>;
export const fields = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const maybe = (value: unknown): string | null =>
  typeof value === 'string' ? cleanText(value, LONG) : typeof value === 'number' ? String(value) : null;
const text = (value: unknown): string => maybe(value) ?? '';
const figure = (value: unknown): number | null => (typeof value === 'number' ? value : null);
const texts = (value: unknown): string[] => list(value).map(text);

/** What to draw for a result of `tools/call`. */
export function read(result: unknown): Shown {
  const { structuredContent, content, isError } = fields(result);
  const data = fields(structuredContent);
  if (isError !== true) {
    const gate = plan(data);
    if (gate) return { kind: 'plans', gated: true, plans: [gate] };
    const plans = list(data.approvals).map(plan);
    if (data.incident === undefined && plans.length > 0 && plans.every((one) => one !== null))
      return { kind: 'plans', gated: false, plans };
    const found = incident(data);
    if (found) return { kind: 'incident', incident: found };
  }
  const said = list(content).map((part) => text(fields(part).text));
  return { kind: 'text', text: said.join('\n').trim() || 'The result has no text.', bad: isError === true };
}

function plan(value: unknown): PlanShown | null {
  const outer = fields(value);
  const inner = fields(outer.plan);
  const status = statusOf(outer.status);
  const id = outer.approval_id;
  if (status === null || !isApprovalId(id) || typeof inner.target !== 'string') return null;
  const blast = fields(inner.blast_radius);
  const changes = list(inner.changes).map(change);
  const ways = texts(outer.how_to_approve);
  return {
    id,
    status,
    tool: isToolName(outer.tool) ? outer.tool : null,
    incident: maybe(outer.incident_id),
    action: text(inner.action),
    environment: text(inner.environment),
    cluster: text(inner.cluster),
    target: text(inner.target),
    namespace: maybe(inner.namespace),
    from: text(inner.from),
    to: text(inner.to),
    command: commandLine(list(inner.command).map(String)),
    changes,
    changesTotal: figure(inner.changes_total) ?? changes.length,
    pods: figure(blast.pods),
    customers: figure(blast.customers),
    warnings: texts(inner.warnings),
    risk: inner.risk === 'low' || inner.risk === 'medium' ? inner.risk : 'high',
    reason: text(inner.reason),
    expiresAt: Date.parse(text(inner.expires_at)) || 0,
    ways,
    page: pageOf(ways, id),
    form: ways.some((way) => FORM.test(way)),
    decisions: list(outer.decisions).map(decision),
    outcome: outer.outcome === undefined ? null : text(fields(outer.outcome).summary),
  };
}

function statusOf(value: unknown): Status | null {
  if (typeof value !== 'string') return null;
  const name = GATE_NAMES[value] ?? value;
  return STATUSES.find((status) => status === name) ?? null;
}

/** The page's address for this plan, and for no other. */
function pageOf(ways: readonly string[], id: string): string | null {
  for (const way of ways) {
    const found = PAGE.exec(way);
    if (found?.[1] !== undefined && found[2] === id) return found[1];
  }
  return null;
}

function change(value: unknown): Change {
  const { kind, name, field, from, to } = fields(value);
  return { what: `${text(kind)}/${text(name)}`, field: text(field), from: maybe(from), to: maybe(to) };
}

function decision(value: unknown): string {
  const { decision: decided, approver, way, at } = fields(value);
  return `${decided === 'approve' ? 'Approved' : 'Rejected'} by ${text(approver)} (${text(way)}), ${text(at).slice(11, 19)}Z`;
}

function incident(data: Fields): IncidentShown | null {
  const head = fields(data.incident);
  if (typeof head.id !== 'string') return null;
  const timeline = list(data.timeline).map(event);
  return {
    id: text(head.id),
    title: text(head.title),
    drill: head.drill === true,
    state: text(data.state),
    brief: maybe(data.brief),
    timeline,
    eventsTotal: figure(data.events_total) ?? timeline.length,
    approvals: list(data.approvals).map((one) => {
      const { approval_id, status, action, target, from, to, outcome } = fields(one);
      const became = maybe(outcome);
      return `${text(approval_id)} ${text(status)}: ${text(action)} ${text(target)}, ${text(from)} → ${text(to)}${became === null ? '' : ` (${became})`}`;
    }),
    actionItems: list(data.action_items).map((one) => {
      const { id, title, kind, owner, due, done } = fields(one);
      const facts = [text(kind), maybe(owner), maybe(due), done === true ? 'done' : 'open'];
      return `${text(id)} ${text(title)} (${facts.filter((fact) => fact !== null).join(', ')})`;
    }),
  };
}

function event(value: unknown): EventShown {
  const { occurred_at, kind, actor, message } = fields(value);
  const { type, name } = fields(actor);
  const known = type === 'human' || type === 'assistant' ? type : 'system';
  return {
    at: text(occurred_at),
    kind: text(kind).replaceAll('_', ' '),
    actor: known,
    who: known === 'system' ? 'server' : `${known} ${text(name)}`,
    message: text(message),
  };
}
