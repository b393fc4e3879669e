export {
  type Attempt,
  type AttemptOptions,
  type Channel,
  type PagerDutySettings,
  pagerdutyChannel,
  type SlackSettings,
  slackChannel,
  type WebhookSettings,
  webhookChannel,
} from './channels.ts';
export type { OutboxLog, Timing } from './lane.ts';
export { createOutbox, KNOWN_CHANNELS, type Outbox, type OutboxSettings } from './outbox.ts';
