import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Bin } from '../../helpers/bin.ts';
import { type Home, makeHome } from '../../helpers/home.ts';
import { connect, type Session } from '../../helpers/session.ts';
import { type Keep, writeKubeconfig } from '../lab/control-plane.ts';
import { eventually } from '../lab/daemon.ts';
import { listen, type Signal } from '../lab/signals.ts';
import { labAtHand, writeConfiguration } from './at-hand.ts';

/** Puts daemons into the bin. */
export const keeping =
  (bin: Bin): Keep =>
  (daemon) => {
    bin.add(() => daemon.stop());
    return daemon;
  };

/** A folder for the data of one program. */
export const place = async (bin: Bin, name: string): Promise<string> => join(await bin.folder(), name);

/** One environment: its signals, and what else differs. */
export interface Watched {
  signals: object;
  fleet?: object;
  health_endpoints?: object[];
}

interface Watching {
  namespaces?: string[];
  services?: string[];
  deadline?: string;
  env?: Record<string, string>;
}

/**
 * A server process with an environment for each key. Where no namespace is given, Kubernetes is an address that refuses at once: these tests
 * are about the other sources, and must not read the namespaces of others.
 */
export async function watchingAll(
  bin: Bin,
  environments: Record<string, Watched>,
  options: Watching = {},
): Promise<Session & { home: Home }> {
  const lab = labAtHand();
  const namespaces = options.namespaces ?? [];
  const kubernetes =
    namespaces.length > 0
      ? { kubeconfig: lab.kubeconfig, context: lab.context }
      : { kubeconfig: await nowhere(bin), context: 'nowhere' };
  const releases = [{ name: 'platform', namespace: namespaces[0] ?? 'default', services: options.services ?? [] }];
  const config = await writeConfiguration(bin, {
    more: {
      source_deadline: options.deadline ?? '4s',
      environments: Object.fromEntries(
        Object.entries(environments).map(([name, one]) => [name, { ...kubernetes, namespaces, releases, ...one }]),
      ),
    },
  });
  const home = await makeHome(bin, config);
  Object.assign(home.env, options.env);
  return Object.assign(await connect(bin, home, 'second'), { home });
}

/** A server process with one environment `prod`. */
export const watching = (
  bin: Bin,
  signals: object,
  { fleet, health_endpoints, ...options }: Watching & Omit<Watched, 'signals'> = {},
): Promise<Session & { home: Home }> =>
  watchingAll(
    bin,
    { prod: { signals, ...(fleet ? { fleet } : {}), ...(health_endpoints ? { health_endpoints } : {}) } },
    options,
  );

async function nowhere(bin: Bin): Promise<string> {
  const file = join(await bin.folder(), 'nowhere.kubeconfig');
  writeKubeconfig(file, 'nowhere', { server: 'https://127.0.0.1:1' }, { token: 'none' });
  return file;
}

export interface SeenAlert {
  name: string;
  severity: string;
  component: string | null;
  namespace: string | null;
  started_at: string | null;
  summary: string;
  state: string;
}
export interface SeenHealth {
  status: string;
  components: { name: string; namespace: string | null; status: string; reason: string }[];
  components_unhealthy: number;
  alerts: SeenAlert[];
  alerts_total: number;
  alerts_firing: number;
  sources: { name: string; status: string; latency_ms: number; error?: string }[];
}

export async function healthOf(
  session: Session,
  args: Record<string, unknown> = {},
): Promise<{ text: string; data: SeenHealth }> {
  const { isError, text, data } = await session.call('get_system_health', args);
  if (isError) throw new Error(text);
  return { text, data: data as unknown as SeenHealth };
}

export const source = (data: { sources: SeenHealth['sources'] }, name: string): SeenHealth['sources'][number] => {
  const found = data.sources.find((one) => one.name === name);
  if (!found) throw new Error(`no source ${name}`);
  return found;
};

/** What Alertmanager has, asked without the product. */
export async function alertsOf(
  manager: Signal,
): Promise<{ labels: Record<string, string>; status: { state: string } }[]> {
  const answer = await fetch(`${manager.url}/api/v2/alerts`);
  return (await answer.json()) as { labels: Record<string, string>; status: { state: string } }[];
}

/** Waits until alerts of all these names are in Alertmanager and none is still unprocessed. */
export const firing = (manager: Signal, ...names: string[]): Promise<void> =>
  eventually(
    `${names.join(', ')} fire`,
    async () => {
      const alerts = await alertsOf(manager);
      const there = new Set(alerts.map(({ labels }) => labels.alertname));
      return names.every((name) => there.has(name)) && alerts.every(({ status }) => status.state !== 'unprocessed');
    },
    20_000,
  );

/** Alerts as any client of Alertmanager sends them. */
export async function post(manager: Signal, path: 'alerts' | 'silences', body: unknown): Promise<void> {
  const answer = await fetch(`${manager.url}/api/v2/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path} ${answer.status}: ${await answer.text()}`);
}

/** A silence of half an hour for the alerts of that name, as `amtool silence add alertname=NAME` makes it. */
export const silence = (manager: Signal, alertname: string): Promise<void> =>
  post(manager, 'silences', {
    matchers: [{ name: 'alertname', value: alertname, isRegex: false, isEqual: true }],
    startsAt: new Date().toISOString(),
    endsAt: new Date(Date.now() + 1_800_000).toISOString(),
    createdBy: 'ada',
    comment: 'known',
  });

/** What a proxy on the way does; undefined lets the request pass to `path` of the program behind it. */
export type Gate = (request: IncomingMessage, response: ServerResponse) => { path: string } | undefined;

/** A reverse proxy in front of a real program, as sign-in proxies and Grafana are. Bytes pass unchanged. */
export async function inFront(bin: Bin, behind: Signal, gate: Gate): Promise<string> {
  const { url } = await listen(
    (undo) => bin.add(undo),
    (request, response) => {
      const pass = gate(request, response);
      if (!pass) return;
      const { authorization: _, ...headers } = request.headers;
      const onward = http.request(`${behind.url}${pass.path}`, { method: request.method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      onward.on('error', () => response.destroy());
      request.pipe(onward);
    },
  );
  return url;
}

/** Answers without passing on. */
export const refuse = (
  response: ServerResponse,
  status: number,
  headers: Record<string, string>,
  body = '',
): undefined => {
  response.writeHead(status, headers).end(body);
};
