import { AppError } from '../../errors.ts';
import type { Notice } from '../../ports/notifier.ts';
import { foreign } from '../http/describe.ts';
import { type PostAnswer, postJson, reveal, type Secret } from '../http/index.ts';
import { retryAfter } from './backoff.ts';
import { pagerDutyAction, pagerDutyEvent, slackMessage, webhookBody, webhookHeaders } from './formats.ts';

/** What became of one try. `error` is clean of secrets. */
export type Attempt =
  | { result: 'sent' }
  /** Try again, not before `retry_after_ms`. */
  | { result: 'retry'; error: string; retry_after_ms: number }
  /** The receiver will never take it. */
  | { result: 'rejected'; error: string };

export interface AttemptOptions {
  deadline_ms: number;
  signal?: AbortSignal | undefined;
  now: Date;
  /** When the notice was made, in milliseconds since 1970. */
  created_at: number;
}

/** One receiver. Never throws. */
export interface Channel {
  /** `slack`, `pagerduty`, `webhook`, or another name of `a-z`, `0-9` and `-`. */
  readonly name: string;
  /** False for notices that this receiver is not meant to get. */
  accepts(notice: Notice): boolean;
  deliver(notice: Notice, options: AttemptOptions): Promise<Attempt>;
}

interface Post {
  url: string;
  body: string;
  headers?: Record<string, string>;
  ca?: string | undefined;
  /** Values that must not come back in an error, even when the receiver repeats them. */
  secrets: string[];
  accepted: (status: number) => boolean;
}

const is2xx = (status: number): boolean => status >= 200 && status < 300;

function judge(answer: PostAnswer, post: Post, now: Date): Attempt {
  const { status } = answer;
  if (post.accepted(status)) return { result: 'sent' };
  const words = answer.text === '' ? '' : `: ${answer.text}`;
  const error = `the receiver answered ${status}${words}`;
  const final = status >= 400 && status < 500 && status !== 408 && status !== 429;
  if (final) return { result: 'rejected', error };
  return { result: 'retry', error, retry_after_ms: retryAfter(answer.headers['retry-after'], now) };
}

/** The URL's path as well: that is how a receiver sees it, and where webhooks hold their token. */
function formsOf(secret: string): string[] {
  if (!URL.canParse(secret)) return [secret];
  const { pathname, search } = new URL(secret);
  return [secret, pathname + search, pathname];
}

function withoutSecrets(attempt: Attempt, secrets: readonly string[]): Attempt {
  if (attempt.result === 'sent') return attempt;
  const error = secrets
    .flatMap(formsOf)
    .filter(Boolean)
    .reduce((text, secret) => text.replaceAll(secret, '***'), attempt.error);
  return { ...attempt, error: foreign(error) };
}

/** Posts what `prepare` makes; a failure to make it, such as an unreadable secret file, is tried again: it may be mended. */
async function attempt(options: AttemptOptions, prepare: () => Promise<Post>): Promise<Attempt> {
  let post: Post;
  try {
    post = await prepare();
  } catch {
    return { result: 'retry', error: 'the address or the secret of the channel could not be read', retry_after_ms: 0 };
  }
  const { url, body, headers, ca } = post;
  const { deadline_ms, signal } = options;
  try {
    const answer = await postJson({ url, body, headers, ca, deadline_ms, signal });
    return withoutSecrets(judge(answer, post, options.now), post.secrets);
  } catch (error) {
    const words = error instanceof AppError ? error.message : 'the receiver could not be reached';
    return withoutSecrets({ result: 'retry', error: words, retry_after_ms: 0 }, post.secrets);
  }
}

export interface SlackSettings {
  /** The incoming webhook's URL: a secret as a whole. */
  url: Secret;
  ca?: string | undefined;
}

export function slackChannel(settings: SlackSettings): Channel {
  return {
    name: 'slack',
    accepts: () => true,
    deliver: (notice, options) =>
      attempt(options, async () => {
        const url = (await reveal(settings.url)).trim();
        return { url, ca: settings.ca, body: JSON.stringify(slackMessage(notice)), secrets: [url], accepted: is2xx };
      }),
  };
}

export interface PagerDutySettings {
  routing_key: Secret;
  /** Default: the public endpoint of Events API v2. */
  url?: string | undefined;
  ca?: string | undefined;
}

const PAGERDUTY_URL = 'https://events.pagerduty.com/v2/enqueue';

export function pagerdutyChannel(settings: PagerDutySettings): Channel {
  return {
    name: 'pagerduty',
    accepts: (notice) => pagerDutyAction(notice) !== null,
    deliver: (notice, options) =>
      attempt(options, async () => {
        const key = (await reveal(settings.routing_key)).trim();
        const event = pagerDutyEvent(notice, key, pagerDutyAction(notice) ?? 'trigger', options.created_at);
        return {
          url: settings.url ?? PAGERDUTY_URL,
          ca: settings.ca,
          body: JSON.stringify(event),
          secrets: [key],
          // Events v2 says 202 when it has taken an event; another success is not PagerDuty's.
          accepted: (status) => status === 202,
        };
      }),
  };
}

export interface WebhookSettings {
  url: Secret;
  /** Key of the HMAC. */
  secret: Secret;
  ca?: string | undefined;
}

export function webhookChannel(settings: WebhookSettings): Channel {
  return {
    name: 'webhook',
    accepts: () => true,
    deliver: (notice, options) =>
      attempt(options, async () => {
        const url = (await reveal(settings.url)).trim();
        const secret = (await reveal(settings.secret)).trim();
        if (secret === '') throw new Error('empty secret');
        const body = webhookBody(notice, options.created_at);
        const headers = webhookHeaders(body, secret, notice.key, options.now);
        return { url, ca: settings.ca, body, headers, secrets: [url, secret], accepted: is2xx };
      }),
  };
}
