import { formatDuration, type Instant, shortInstant } from '../instant.ts';
import { RECORDABLE_KINDS, type TimelineEvent } from '../timeline.ts';
import { bullets, cited, md, prose } from './markdown.ts';
import { type Facts, ofApproval, ofKind, setBy } from './types.ts';

/** What the record says for a section: Markdown, and whether it tells enough that the section is not missing. */
export interface Told {
  body: string;
  known: boolean;
}

const MOST = 20;
const told = (lines: readonly string[], known: boolean): Told => {
  const more = lines.length - MOST;
  return { body: bullets(more > 0 ? [...lines.slice(0, MOST), `${more} more in the timeline`] : lines), known };
};
const stamp = (at: Instant): string => shortInstant(at);
const eventLine = (event: TimelineEvent, message: string = event.message): string =>
  cited(`${stamp(event.occurred_at)} ${md(message, 300)}`, event.id);

/** How people and assistants mark what an event is for: `Contributing factor: the canary had no traffic`. */
const TAGS: readonly [section: string, pattern: RegExp][] = [
  ['trigger', /^trigger:\s*/i],
  ['lead_up', /^lead[- ]?up:\s*/i],
  ['contributing_factors', /^contributing factors?:\s*/i],
  ['went_well', /^(what )?went well:\s*/i],
  ['went_poorly', /^(what )?went (poorly|badly):\s*/i],
  ['lucky', /^((where )?we were |where we got )?lucky:\s*/i],
  ['open_questions', /^open questions?:\s*/i],
  ['mitigation', /^permanent fix:\s*/i],
];

function tagged(facts: Facts, section: string): string[] {
  const pattern = TAGS.find(([key]) => key === section)?.[1];
  if (!pattern) return [];
  return ofKind(facts, ...RECORDABLE_KINDS)
    .filter((event) => pattern.test(event.message))
    .map((event) => eventLine(event, event.message.replace(pattern, '')));
}

const fromTags =
  (section: string) =>
  (facts: Facts): Told => {
    const lines = tagged(facts, section);
    return told(lines, lines.length > 0);
  };

export const trigger = fromTags('trigger');
export const contributingFactors = fromTags('contributing_factors');
export const wentWell = fromTags('went_well');
export const wentPoorly = fromTags('went_poorly');
export const lucky = fromTags('lucky');

export function summary(facts: Facts): Told {
  const { incident } = facts;
  if (incident.summary === null) return told([], false);
  const id = setBy(facts, (change) => change.summary ?? change.declared?.summary);
  return { body: cited(prose(incident.summary), id), known: true };
}

export function leadUp(facts: Facts): Told {
  const before = facts.incident.impact_started_at ?? facts.incident.detected_at;
  const deploys = ofKind(facts, 'health_snapshot').filter((event) => Array.isArray(event.data?.deploys));
  const earlier = facts.ordered.filter(
    (event) =>
      event.kind !== 'detection' &&
      Date.parse(event.occurred_at) < Date.parse(before) &&
      !facts.correctedBy.has(event.id),
  );
  const lines = [
    ...tagged(facts, 'lead_up'),
    ...[...new Set([...earlier, ...deploys])].map((event) => eventLine(event)),
  ];
  return told(lines, lines.length > 0);
}

export function detection(facts: Facts): Told {
  const { incident, metrics } = facts;
  const declared = setBy(facts, (change) => change.declared);
  const by = incident.detected_by;
  const events = ofKind(facts, 'detection');
  const how = by
    ? ` by ${by.source.replaceAll('_', ' ')}${by.reference ? ` (${md(by.reference, 200)})` : ''}`
    : '; by what is not on record';
  const { ms, reason } = metrics.time_to_detect;
  return told(
    [
      cited(`Detected at ${stamp(incident.detected_at)}${how}.`, declared),
      cited(ms === null ? `Time to detect is unknown: ${reason}.` : `Time to detect: ${formatDuration(ms)}.`, declared),
      ...events.map((event) => eventLine(event)),
    ],
    by !== null || events.length > 0,
  );
}

export function response(facts: Facts): Told {
  const { incident, clock } = facts;
  const first = incident.first_response;
  const declared = setBy(facts, (change) => change.declared);
  const lines: string[] = [];
  if (first) {
    const took = Date.parse(first.at) - Date.parse(incident.declared_at);
    const known = first.known_by.replaceAll('_', ' ');
    lines.push(
      cited(
        `First response by ${md(first.by, 80)} at ${stamp(first.at)}, ${formatDuration(took)} after the declaration (known by ${known}).`,
        first.event_id,
      ),
    );
  } else {
    lines.push(
      cited('No act of a human is on record that would be known by more than the word of an assistant.', declared),
    );
  }
  if (clock)
    lines.push(
      cited(
        `The first response was due at ${stamp(clock.first_response.due_at)}: ${clock.first_response.state}.`,
        declared,
        first?.event_id,
      ),
    );
  for (const breach of incident.breaches) {
    lines.push(
      cited(`The deadline of the ${breach.kind.replace('_', ' ')} at ${stamp(breach.due_at)} passed.`, breach.event_id),
    );
  }
  for (const event of ofKind(facts, 'role_assigned', 'severity_changed', 'acknowledged')) lines.push(eventLine(event));
  return told(lines, first !== null || incident.roles.commander !== undefined);
}

export function mitigation(facts: Facts): Told {
  const { incident } = facts;
  const ran = facts.approvals.filter((a) => a.outcome !== null);
  const lines = ran.map((a) => {
    const who = [...new Set(a.decisions.filter((d) => d.decision === 'approve').map((d) => md(d.approver, 80)))].join(
      ', ',
    );
    return cited(
      `${stamp(a.outcome?.started_at ?? a.created_at)} ${a.plan.action} of ${md(a.plan.target, 100)} (${md(String(a.plan.from), 80)} to ${md(String(a.plan.to), 80)}): ${a.status.replace('_', ' ')}; ${md(a.outcome?.summary ?? '', 300)}; approved by ${who || 'nobody on record'} (${a.approval_id}).`,
      ofApproval(facts, a.approval_id, 'approval_decided'),
      ofApproval(facts, a.approval_id, 'command_finished', 'command_started'),
    );
  });
  if (incident.mitigated_at) {
    const id = setBy(facts, (change) => change.mitigated_at ?? (change.status === 'mitigated' ? change.status : null));
    lines.push(cited(`The impact stopped at ${stamp(incident.mitigated_at)}.`, id));
  }
  if (incident.resolved_at) {
    const id = facts.events.find((event) => event.change?.status === 'resolved')?.id;
    lines.push(
      cited(
        `Resolved at ${stamp(incident.resolved_at)}${incident.reopened > 0 ? `; reopened ${incident.reopened} times` : ''}.`,
        id,
      ),
    );
  }
  const acts = ofKind(facts, 'action', 'mitigation', 'recovery', 'verification');
  const fixes = tagged(facts, 'mitigation');
  const isFix = (event: TimelineEvent): boolean => /^permanent fix:/i.test(event.message);
  lines.push(
    ...acts.filter((event) => !isFix(event)).map((event) => eventLine(event)),
    ...fixes.map((line) => `Permanent fix: ${line}`),
  );
  const executed = ran.some((a) => a.status === 'executed');
  return told(lines, incident.mitigated_at !== null || executed || acts.some((event) => event.kind === 'mitigation'));
}

export function rootCause(facts: Facts): Told {
  const cause = facts.incident.root_cause;
  if (cause === null) return told([], false);
  return {
    body: cited(
      prose(cause),
      setBy(facts, (change) => change.root_cause),
    ),
    known: true,
  };
}

export function decisions(facts: Facts): Told {
  const lines = ofKind(facts, 'decision').map((event) => eventLine(event));
  for (const a of facts.approvals) {
    if (a.status !== 'declined' && a.status !== 'expired' && a.status !== 'stale') continue;
    const id =
      ofApproval(facts, a.approval_id, 'approval_decided') ?? ofApproval(facts, a.approval_id, 'plan_proposed');
    lines.push(
      cited(
        `Proposed and not run (${a.status}): ${a.plan.action} of ${md(a.plan.target, 100)}; reason given: ${md(a.plan.reason, 200)} (${a.approval_id}).`,
        id,
      ),
    );
  }
  return told(lines, lines.length > 0);
}

export function openQuestions(facts: Facts): Told {
  const lines = [
    ...tagged(facts, 'open_questions'),
    ...ofKind(facts, 'hypothesis').map((event) => `Hypothesis on record: ${eventLine(event)}`),
  ];
  return told(lines, lines.length > 0);
}

export function seenBefore(facts: Facts): Told {
  const lines = facts.similar.map(
    (i) =>
      `${i.id} (${i.severity_peak}, ${i.declared_at.slice(0, 10)}) ${md(i.title, 150)}; root cause: ${i.root_cause ? md(i.root_cause, 200) : 'not on record'}`,
  );
  return told(lines.length > 0 ? lines : ['No earlier incident of these components is on record.'], true);
}
