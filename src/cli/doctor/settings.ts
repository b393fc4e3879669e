import type { Config } from '../../config.ts';
import type { Env } from '../compose.ts';
import { readSecret, type SecretRef } from '../secrets.ts';
import { check, type Finding, fail, ok, type Said, warn } from './check.ts';

/** Channels are looked at, never written to. */
export function notificationChecks(config: Config, env: Env): Promise<Finding>[] {
  const { slack, pagerduty, webhook } = config.notify;
  const section = 'notifications';
  const channels = [
    ...(slack ? [check(section, 'slack', () => address('notify.slack', refOf(slack, 'url'), env))] : []),
    ...(pagerduty
      ? [
          check(section, 'pagerduty', () =>
            secret('notify.pagerduty', refOf(pagerduty, 'routing_key'), env, 'routing key'),
          ),
        ]
      : []),
    ...(webhook
      ? [
          check(section, 'webhook', () => {
            const said = address('notify.webhook', refOf(webhook, 'url'), env);
            return said.status === 'ok'
              ? secret('notify.webhook', refOf(webhook, 'secret'), env, 'address and secret')
              : said;
          }),
        ]
      : []),
  ];
  if (channels.length > 0) return channels;
  const none = warn(
    'no channel is configured.',
    'name slack, pagerduty or webhook under notify, or tell people yourself.',
  );
  return [check(section, 'channels', () => none)];
}

/** `<what>_env` and `<what>_file` of a channel. */
function refOf(channel: Readonly<Record<string, string | undefined>>, what: string): SecretRef {
  return { env: channel[`${what}_env`], file: channel[`${what}_file`] };
}

function secret(name: string, ref: SecretRef, env: Env, what: string): Said {
  if (readSecret(name, ref, env) === null)
    return fail(`${name} names no secret.`, 'name it by an environment variable (..._env) or a file (..._file).');
  return ok(`configured; ${what} can be read; nothing was sent`);
}

/** The address is the secret: it is never shown. */
function address(name: string, ref: SecretRef, env: Env): Said {
  const said = secret(name, ref, env, 'address');
  const value = readSecret(name, ref, env) ?? '';
  if (said.status !== 'ok') return said;
  const protocol = URL.canParse(value) ? new URL(value).protocol : '';
  return protocol === 'https:' || protocol === 'http:'
    ? said
    : fail(`${name}: what it names is not an http or https URL.`, 'put the whole URL there, and nothing else.');
}
