import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backoff, LONGEST_BACKOFF, retryAfter, waitFor } from '../../../src/adapters/notify/backoff.ts';
import {
  escapeMrkdwn,
  pagerDutyAction,
  pagerDutyEvent,
  slackMessage,
  webhookBody,
  webhookHeaders,
} from '../../../src/adapters/notify/formats.ts';
import { pagerDutyEventSchema, slackMessageSchema } from '../../../src/adapters/notify/schema.ts';
import type { Notice } from '../../../src/ports/notifier.ts';
import { notice } from './notice.ts';

const AT = Date.parse('2026-03-01T14:20:00Z');

const wild = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc
    .tuple(fc.constantFrom('&', '<!channel>', '😀', 'x', '\u001b[31m', '\n', '\ud800'), fc.nat(6_000))
    .map(([part, times]) => part.repeat(times)),
);
const anyNotice: fc.Arbitrary<Notice> = fc.record({
  incident_id: fc.constantFrom('INC-0001', 'INC-12345'),
  key: fc.constant('k'),
  kind: fc.constantFrom('declared', 'updated', 'resolved', 'approval', 'update'),
  severity: fc.constantFrom('SEV1', 'SEV2', 'SEV3', 'SEV4'),
  environment: wild,
  title: wild,
  text: wild,
  head_hash: fc.constant('0f'.repeat(32)),
  cycle: fc.nat(100),
});

describe('Slack', () => {
  test('a message', () => {
    expect(slackMessage(notice({ title: 'a <b> & c', text: '<!channel> see <http://x|here>' }))).toEqual({
      text: 'SEV2 INC-0007 declared: a &lt;b&gt; &amp; c',
      unfurl_links: false,
      unfurl_media: false,
      blocks: [
        { type: 'header', text: { type: 'plain_text', text: 'SEV2 INC-0007 declared: a <b> & c' } },
        { type: 'section', text: { type: 'mrkdwn', text: '&lt;!channel&gt; see &lt;http://x|here&gt;' } },
        { type: 'context', elements: [{ type: 'mrkdwn', text: 'INC-0007 | SEV2 | prod | record abababababababab' }] },
      ],
    });
  });

  test('any notice fits the limits, and no markup survives', () => {
    fc.assert(
      fc.property(anyNotice, (each) => {
        const message = slackMessage(each);
        expect(slackMessageSchema.safeParse(message).error).toBeUndefined();
        for (const block of message.blocks) {
          const texts = block.type === 'context' ? block.elements : [block.text];
          for (const { type, text } of texts) if (type === 'mrkdwn') expect(text).not.toMatch(/[<>]|&(?!amp;|lt;|gt;)/);
        }
      }),
    );
  });

  test('an entity is never cut', () => {
    expect(escapeMrkdwn('ab<c', 6)).toBe('ab…');
    expect(escapeMrkdwn('ab<c', 9)).toBe('ab&lt;c');
  });
});

describe('PagerDuty', () => {
  test.each<[Notice['severity'], string]>([
    ['SEV1', 'critical'],
    ['SEV2', 'error'],
    ['SEV3', 'warning'],
    ['SEV4', 'info'],
  ])('%s is %s', (severity, expected) => {
    const event = pagerDutyEvent(notice({ severity }), 'R', 'trigger', AT);
    expect(event).toMatchObject({
      routing_key: 'R',
      event_action: 'trigger',
      dedup_key: 'INC-0007/1',
      payload: { severity: expected, source: 'prod', timestamp: '2026-03-01T14:20:00.000Z' },
    });
  });

  test.each<[Notice['kind'], string | null]>([
    ['declared', 'trigger'],
    ['updated', 'trigger'],
    ['resolved', 'resolve'],
    ['approval', null],
    ['update', null],
  ])('%s: %s', (kind, expected) => {
    expect(pagerDutyAction(notice({ kind }))).toBe(expected);
  });

  test('acknowledge and resolve carry the key alone; a reopened incident has another', () => {
    expect(pagerDutyEvent(notice({ cycle: 2 }), 'R', 'acknowledge', AT)).toEqual({
      routing_key: 'R',
      event_action: 'acknowledge',
      dedup_key: 'INC-0007/2',
    });
  });

  test('any notice fits the limits', () => {
    fc.assert(
      fc.property(anyNotice, (each) => {
        const event = pagerDutyEvent(each, 'R', 'trigger', AT);
        expect(pagerDutyEventSchema.safeParse(event).error).toBeUndefined();
      }),
    );
  });
});

test('the webhook is signed over timestamp and body', () => {
  const body = webhookBody(notice({ title: 'é\u202e' }), AT);
  expect(JSON.parse(body)).toEqual({
    ...notice({ title: 'é' }),
    version: 1,
    created_at: '2026-03-01T14:20:00.000Z',
  });
  const headers = webhookHeaders(body, 's3', 'k', new Date(AT + 999));
  const signature = createHmac('sha256', 's3').update(`1772374800.${body}`).digest('hex');
  expect(headers).toEqual({
    'X-Incident-Timestamp': '1772374800',
    'X-Incident-Signature': `v1=${signature}`,
    'X-Incident-Key': 'k',
  });
});

test('the back-off doubles from 1 s to 5 min and keeps at least half', () => {
  expect([1, 2, 3, 9, 10, 1000].map((n) => backoff(n, 1))).toEqual([1_000, 2_000, 4_000, 256_000, 300_000, 300_000]);
  fc.assert(
    fc.property(fc.nat(100_000), fc.double({ min: 0, max: 1, noNaN: true }), (attempts, random) => {
      const ms = backoff(attempts, random);
      expect(ms).toBeGreaterThanOrEqual(500);
      expect(ms).toBeLessThanOrEqual(LONGEST_BACKOFF);
    }),
  );
});

test.each([
  ['3', 3_000],
  [' 0 ', 0],
  ['Sun, 01 Mar 2026 14:20:30 GMT', 30_000],
  ['Sun, 01 Mar 2026 14:19:30 GMT', 0],
  ['999999', 3_600_000],
  ['soon', 0],
  ['-5', 0],
  [undefined, 0],
])('Retry-After %j is %d ms', (header, expected) => {
  expect(retryAfter(header, new Date(AT))).toBe(expected);
});

test.each([
  ['due', { next_attempt_at: 90, not_before: 0 }, false, 0],
  ['back-off', { next_attempt_at: 150, not_before: 0 }, false, 50],
  ['a hurry skips the back-off', { next_attempt_at: 150, not_before: 0 }, true, 0],
  ['and not Retry-After', { next_attempt_at: 150, not_before: 130 }, true, 30],
  ['a clock set back does not hold it for ever', { next_attempt_at: 100 + 3_600_001, not_before: 0 }, false, 0],
])('wait: %s', (_name, entry, hurry, expected) => {
  expect(waitFor(entry, 100, hurry)).toBe(expected);
});
