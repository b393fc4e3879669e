import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import type { Warn } from '../mcp/gate/deps.ts';
import type { Clock } from '../ports/clock.ts';
import type { Delivery, Notice } from '../ports/notifier.ts';
import { readSecret } from './secrets.ts';

type Env = Readonly<Record<string, string | undefined>>;

export interface Notifications {
  /** Goes on with what an earlier process left in the outbox. */
  resume(): Promise<void>;
  send(notice: Notice): Promise<Delivery[]>;
  close(): Promise<void>;
}

/** The configured channels behind an outbox on disk. Loaded on the first notice. */
export function createNotifications(config: Config, env: Env, clock: Clock, warn: Warn): Notifications {
  const folder = join(config.data_dir, 'outbox');
  const load = async () => {
    const { createOutbox, pagerdutyChannel, slackChannel, webhookChannel } = await import(
      '../adapters/notify/index.ts'
    );
    const { slack, pagerduty, webhook } = config.notify;
    const required = (what: string, ref: { env?: string | undefined; file?: string | undefined }) => () =>
      readSecret(what, ref, env) ?? '';
    return createOutbox({
      dir: folder,
      clock,
      log: warn,
      channels: [
        ...(slack
          ? [slackChannel({ url: required('notify.slack', { env: slack.url_env, file: slack.url_file }) })]
          : []),
        ...(pagerduty
          ? [
              pagerdutyChannel({
                url: pagerduty.url,
                routing_key: required('notify.pagerduty', {
                  env: pagerduty.routing_key_env,
                  file: pagerduty.routing_key_file,
                }),
              }),
            ]
          : []),
        ...(webhook
          ? [
              webhookChannel({
                url: required('notify.webhook', { env: webhook.url_env, file: webhook.url_file }),
                secret: required('notify.webhook secret', { env: webhook.secret_env, file: webhook.secret_file }),
              }),
            ]
          : []),
      ],
    });
  };
  let outbox: ReturnType<typeof load> | null = null;
  return {
    resume: async () => {
      const queued = await readdir(folder).catch(() => []);
      if (queued.length > 0) outbox ??= load();
    },
    send: async (notice) => {
      outbox ??= load();
      return (await outbox).send(notice);
    },
    close: async () => {
      if (outbox) await (await outbox).close();
    },
  };
}
