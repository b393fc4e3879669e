import { z } from 'zod';
import { SEVERITIES } from '../../domain/severity.ts';

export const noticeSchema = z.object({
  incident_id: z.string(),
  key: z.string(),
  kind: z.enum(['declared', 'acknowledged', 'updated', 'resolved', 'approval', 'update']),
  severity: z.enum(SEVERITIES),
  environment: z.string(),
  title: z.string(),
  text: z.string(),
  head_hash: z.string(),
  cycle: z.number().int(),
});

/** One message in the outbox: a file of a channel's folder. Holds no address and no secret of the channel. */
export const entrySchema = z.object({
  notice: noticeSchema,
  /** All instants in milliseconds since 1970. */
  created_at: z.number(),
  attempts: z.number().int().nonnegative(),
  /** Own back-off: a hurry may skip it. */
  next_attempt_at: z.number(),
  /** The receiver's Retry-After: nothing skips it. */
  not_before: z.number(),
  last_error: z.string().nullable(),
});

export type Entry = z.infer<typeof entrySchema>;

/** Slack incoming webhook (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks, Block Kit limits). */
export const slackMessageSchema = z.strictObject({
  text: z.string().min(1).max(4_000),
  unfurl_links: z.literal(false),
  unfurl_media: z.literal(false),
  blocks: z.array(
    z.discriminatedUnion('type', [
      z.strictObject({
        type: z.literal('header'),
        text: z.strictObject({ type: z.literal('plain_text'), text: z.string().min(1).max(150) }),
      }),
      z.strictObject({
        type: z.literal('section'),
        text: z.strictObject({ type: z.literal('mrkdwn'), text: z.string().min(1).max(3_000) }),
      }),
      z.strictObject({
        type: z.literal('context'),
        elements: z.array(z.strictObject({ type: z.literal('mrkdwn'), text: z.string().min(1).max(3_000) })).max(10),
      }),
    ]),
  ),
});
export type SlackMessage = z.infer<typeof slackMessageSchema>;

/** PagerDuty Events API v2 (https://developer.pagerduty.com/docs/events-api-v2/trigger-events/). */
export const pagerDutyEventSchema = z.strictObject({
  routing_key: z.string().min(1),
  event_action: z.enum(['trigger', 'acknowledge', 'resolve']),
  dedup_key: z.string().min(1).max(255),
  client: z.string().optional(),
  payload: z
    .strictObject({
      summary: z.string().min(1).max(1024),
      source: z.string().min(1),
      severity: z.enum(['critical', 'error', 'warning', 'info']),
      timestamp: z.iso.datetime(),
      custom_details: z.record(z.string(), z.union([z.string(), z.number()])),
    })
    .optional(),
});
export type PagerDutyEvent = z.infer<typeof pagerDutyEventSchema>;
