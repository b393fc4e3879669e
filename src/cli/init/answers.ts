import { resolve } from 'node:path';
import { oneLine } from '../../domain/text.ts';
import { type AppError, invalidInput } from '../../errors.ts';
import type { Env } from '../compose.ts';
import { complain, print } from '../output.ts';
import { ask } from '../terminal.ts';
import type { InitFlags } from './flags.ts';
import type { Answers, Release } from './yaml.ts';

/** Those of the shipped runbook; the configuration's own default. */
const DEFAULT_RELEASES: readonly Release[] = [
  { name: 'pulsestream-core', namespace: 'pulsestream-core-prod' },
  { name: 'pulsestream-agent', namespace: 'pulsestream-agent-prod' },
];
const NAME = /^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/;
const ENVIRONMENT = /^[a-z0-9][a-z0-9_-]{0,40}$/;

/** The answers from flags, the rest from the person at the terminal (`interactive`) or from defaults. */
export async function gatherAnswers(flags: InitFlags, env: Env, interactive: boolean): Promise<Answers> {
  const kubeconfig = pathOf(flags.kubeconfig);
  const known = await contextsOf(kubeconfig, env);
  if (interactive && known.names.length > 0) print(`Contexts of the kubeconfig: ${known.names.join(', ')}`);
  const q = questions(interactive);
  const answers: Answers = {
    environment: await q(flags.environment, 'Name of the environment', 'prod', environmentOf),
    kubeconfig,
    context: await q(flags.context, 'Kube context', known.current ?? '', (text) => orNull(text)),
    releases: await q(
      flags.releases.length > 0 ? flags.releases.join(' ') : undefined,
      'Helm releases as NAME/NAMESPACE',
      DEFAULT_RELEASES.map(({ name, namespace }) => `${name}/${namespace}`).join(' '),
      releasesOf,
    ),
    prometheus: await q(flags.prometheus, 'URL of Prometheus (empty: none)', '', (text) => urlOf('prometheus', text)),
    alertmanager: await q(flags.alertmanager, 'URL of Alertmanager (empty: none)', '', (text) =>
      urlOf('alertmanager', text),
    ),
    protected: await q(
      protectionOf(flags),
      "Protected: ask for more than a client's form before a high risk",
      'yes',
      yesNo,
    ),
    data_dir: pathOf(flags.data_dir),
  };
  if (answers.context !== null && known.names.length > 0 && !known.names.includes(answers.context))
    complain(`Note: the kubeconfig has no context "${answers.context}"; it has ${known.names.join(', ')}.`);
  return answers;
}

/** One value: the flag's, or asked for until it can be used, or the default. A wrong flag throws. */
function questions(interactive: boolean) {
  return async <T>(
    flag: string | undefined,
    question: string,
    fallback: string,
    read: (text: string) => T,
  ): Promise<T> => {
    if (flag !== undefined) return read(flag);
    if (!interactive) return read(fallback);
    for (;;) {
      const typed = await ask(`${question}${fallback === '' ? '' : ` [${fallback}]`}: `);
      try {
        return read(typed === '' ? fallback : typed);
      } catch (error) {
        complain(`  ${(error as AppError).message} ${(error as AppError).next}`);
      }
    }
  };
}

const orNull = (text: string): string | null => oneLine(text, 253) || null;

function environmentOf(text: string): string {
  if (ENVIRONMENT.test(text)) return text;
  throw invalidInput(
    `"${oneLine(text, 50)}" is no name for an environment.`,
    'use lower-case letters, digits, "-" and "_", at most 41.',
  );
}

function releasesOf(text: string): Release[] {
  return text
    .split(/[\s,]+/)
    .filter((part) => part !== '')
    .map((part) => {
      const [name = '', namespace = '', ...more] = part.split('/');
      if (more.length > 0 || !NAME.test(name) || !NAME.test(namespace))
        throw invalidInput(
          `"${oneLine(part, 80)}" is not a release with its namespace.`,
          'give it as NAME/NAMESPACE, such as pulsestream-core/pulsestream-core-prod.',
        );
      return { name, namespace };
    });
}

function urlOf(what: string, text: string): string | null {
  if (text.trim() === '') return null;
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : null;
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw invalidInput(`the address of ${what} is not an http or https URL.`, 'give it like https://host:9090.');
  // Not echoed: what stands before the @ is a password.
  if (url.username !== '' || url.password !== '')
    throw invalidInput(
      `the address of ${what} holds credentials.`,
      `leave them out, and name them by ${what}.auth with token_env, token_file or password_file.`,
    );
  return text.trim();
}

function protectionOf(flags: InitFlags): string | undefined {
  if (flags.protected && flags.no_protected)
    throw invalidInput('--protected and --no-protected exclude each other.', 'give one of them.');
  return flags.protected ? 'yes' : flags.no_protected ? 'no' : undefined;
}

function yesNo(text: string): boolean {
  if (/^y(es)?$/i.test(text)) return true;
  if (/^no?$/i.test(text)) return false;
  throw invalidInput(`"${oneLine(text, 20)}" is neither yes nor no.`, 'type yes or no.');
}

/** Absolute, because a path in the file is relative to the file; `~/` is for the configuration to fill in. */
const pathOf = (text: string | undefined): string | null =>
  text === undefined ? null : text.startsWith('~/') ? text : resolve(text);

/** What the kubeconfig offers; nothing where there is none or it is broken, which `doctor` tells. */
async function contextsOf(kubeconfig: string | null, env: Env): Promise<{ names: string[]; current: string | null }> {
  try {
    const { loadKubeconfig } = await import('../../adapters/kubernetes/kubeconfig.ts');
    const { config, context } = await loadKubeconfig({ env, ...(kubeconfig === null ? {} : { kubeconfig }) });
    return { names: config.getContexts().map(({ name }) => name), current: context };
  } catch {
    return { names: [], current: null };
  }
}
