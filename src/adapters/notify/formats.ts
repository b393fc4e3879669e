import { createHmac } from 'node:crypto';
import { toInstant } from '../../domain/instant.ts';
import type { Severity } from '../../domain/severity.ts';
import { cleanText, oneLine } from '../../domain/text.ts';
import type { Notice } from '../../ports/notifier.ts';
import type { PagerDutyEvent, SlackMessage } from './schema.ts';

/** What each receiver is sent: pure, and checked against the receivers' own rules by the schemas of the tests. */

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** Escapes for Slack's mrkdwn, so that `<!channel>` and disguised links stay text; at most `max` characters, no entity cut. */
export function escapeMrkdwn(text: string, max: number): string {
  let escaped = '';
  for (const character of text) {
    const next = ENTITIES[character] ?? character;
    if (escaped.length + next.length > max - 1) return `${escaped}…`;
    escaped += next;
  }
  return escaped;
}

const VERBS: Readonly<Record<Notice['kind'], string>> = {
  declared: 'declared',
  acknowledged: 'acknowledged',
  updated: 'changed',
  resolved: 'resolved',
  approval: 'needs an approval',
  update: 'update',
};

const headline = (notice: Notice): string =>
  `${notice.severity} ${notice.incident_id} ${VERBS[notice.kind]}: ${oneLine(notice.title)}`;

/** The first 16 digits are enough for a witness and short enough to read. */
const witness = (notice: Notice): string => oneLine(notice.head_hash, 16).slice(0, 16);

export function slackMessage(notice: Notice): SlackMessage {
  const facts = `${notice.incident_id} | ${notice.severity} | ${oneLine(notice.environment)} | record ${witness(notice)}`;
  const text = cleanText(notice.text).trim();
  return {
    text: escapeMrkdwn(headline(notice), 1_000),
    unfurl_links: false,
    unfurl_media: false,
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: cutTo(headline(notice), 150) } },
      ...(text === ''
        ? []
        : [{ type: 'section' as const, text: { type: 'mrkdwn' as const, text: escapeMrkdwn(text, 3_000) } }]),
      { type: 'context', elements: [{ type: 'mrkdwn', text: escapeMrkdwn(facts, 500) }] },
    ],
  };
}

function cutTo(text: string, max: number): string {
  if (text.length <= max) return text;
  const end = /[\uD800-\uDBFF]/.test(text.charAt(max - 2)) ? max - 2 : max - 1;
  return `${text.slice(0, end)}…`;
}

const PAGERDUTY_SEVERITY: Readonly<Record<Severity, 'critical' | 'error' | 'warning' | 'info'>> = {
  SEV1: 'critical',
  SEV2: 'error',
  SEV3: 'warning',
  SEV4: 'info',
};

/**
 * What a notice does to the PagerDuty alert; null for messages that must not touch it: after a resolve the same key would
 * open a new alert and wake somebody for a note.
 */
export function pagerDutyAction(notice: Notice): PagerDutyEvent['event_action'] | null {
  if (notice.kind === 'declared' || notice.kind === 'updated') return 'trigger';
  if (notice.kind === 'acknowledged') return 'acknowledge';
  return notice.kind === 'resolved' ? 'resolve' : null;
}

/** `at` is when the notice was made, in milliseconds since 1970. The routing key is a secret. */
export function pagerDutyEvent(
  notice: Notice,
  routing_key: string,
  action: PagerDutyEvent['event_action'],
  at: number,
): PagerDutyEvent {
  const identity = {
    routing_key,
    event_action: action,
    // Counting the cycle: a reopened incident is a new alert.
    dedup_key: cutTo(`${notice.incident_id}/${notice.cycle}`, 255),
  };
  if (action !== 'trigger') return identity;
  return {
    ...identity,
    client: 'incident-mcp',
    payload: {
      summary: cutTo(headline(notice), 1024),
      source: oneLine(notice.environment, 200) || 'unknown',
      severity: PAGERDUTY_SEVERITY[notice.severity],
      timestamp: toInstant(new Date(at)),
      custom_details: {
        incident_id: notice.incident_id,
        severity: notice.severity,
        environment: oneLine(notice.environment, 200),
        text: cleanText(notice.text, 4_000),
        head_hash: notice.head_hash,
        key: notice.key,
      },
    },
  };
}

/** The body of the signed webhook. `at`: when the notice was made, in milliseconds since 1970. */
export const webhookBody = (notice: Notice, at: number): string =>
  JSON.stringify({
    version: 1,
    ...notice,
    title: oneLine(notice.title),
    text: cleanText(notice.text),
    created_at: toInstant(new Date(at)),
  });

/**
 * Headers that let the receiver check where a message comes from, that it is fresh, and that it is no double:
 * HMAC-SHA256 over `<timestamp>.<body>`, timestamp in whole seconds since 1970 at the time of this attempt.
 */
export function webhookHeaders(body: string, secret: string, key: string, now: Date): Record<string, string> {
  const timestamp = String(Math.floor(now.getTime() / 1000));
  const signature = createHmac('sha256', secret).update(`${timestamp}.${body}`, 'utf8').digest('hex');
  return {
    'X-Incident-Timestamp': timestamp,
    'X-Incident-Signature': `v1=${signature}`,
    'X-Incident-Key': key,
  };
}
