import { mkdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Keep } from './control-plane.ts';
import { eventually, freePort, startDaemon } from './daemon.ts';
import type { Programs } from './programs.ts';

/** Real Prometheus and Alertmanager on loopback, and a small exporter that they scrape. A test starts what it needs and keeps it in its bin. */

const READY_MS = 20_000;

/** A program of the lab that answers HTTP. */
export interface Signal {
  /** With its path prefix, without a slash at the end. */
  url: string;
  stop(): Promise<void>;
}

export interface WebOptions {
  /** A port of loopback; else one that is free. */
  port?: number;
  /** `--web.route-prefix`, such as `/prometheus`. */
  prefix?: string;
  /** Content of `--web.config.file`: TLS and users (https://prometheus.io/docs/prometheus/latest/configuration/https/). */
  web?: { tls_server_config?: object; basic_auth_users?: Record<string, string> };
}

/** A user of `basic_auth_users`: bcrypt of `password`, made once with a cost of 4, since a test has no time for more. */
export const USER = {
  name: 'on-call',
  password: 'open sesame',
  hash: '$2y$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy',
} as const;

function webArguments(dir: string, port: number, options: WebOptions): string[] {
  const argv = [`--web.listen-address=127.0.0.1:${port}`];
  if (options.prefix) argv.push(`--web.route-prefix=${options.prefix}`);
  if (options.web) {
    const file = join(dir, 'web.yml');
    writeFileSync(file, stringify(options.web));
    argv.push(`--web.config.file=${file}`);
  }
  return argv;
}

const origin = (port: number, { web }: WebOptions): string =>
  `${web?.tls_server_config ? 'https' : 'http'}://127.0.0.1:${port}`;

/** Ready as soon as anything answers there: what protects it, this function need not get past. */
async function answering(what: string, port: number, options: WebOptions, daemon: ReturnType<Keep>): Promise<void> {
  const guarded = options.web !== undefined;
  await eventually(
    `${what} answers`,
    async () => {
      if (options.web?.tls_server_config) return listening(port);
      const answer = await fetch(`http://127.0.0.1:${port}${options.prefix ?? ''}/-/ready`);
      return answer.ok || (guarded && answer.status === 401);
    },
    READY_MS,
    daemon,
  );
}

/** A plain request to a TLS server is answered with 400 by Go. */
async function listening(port: number): Promise<boolean> {
  return (await fetch(`http://127.0.0.1:${port}/`)).status === 400;
}

/** `config`: the file, see https://prometheus.io/docs/alerting/latest/configuration/. */
export async function startAlertmanager(
  programs: Programs,
  dir: string,
  keep: Keep,
  options: WebOptions & { config?: object } = {},
): Promise<Signal> {
  mkdirSync(dir, { recursive: true });
  const port = options.port ?? (await freePort());
  const file = join(dir, 'alertmanager.yml');
  writeFileSync(
    file,
    stringify({
      route: { receiver: 'nobody', group_wait: '0s', group_interval: '1s', repeat_interval: '1h' },
      receivers: [{ name: 'nobody' }],
      ...options.config,
    }),
  );
  const daemon = keep(
    startDaemon(
      'alertmanager',
      programs.alertmanager,
      [
        `--config.file=${file}`,
        `--storage.path=${join(dir, 'data')}`,
        '--cluster.listen-address=',
        ...webArguments(dir, port, options),
      ],
      join(dir, 'alertmanager.log'),
    ),
  );
  await answering('Alertmanager', port, options, daemon);
  return { url: `${origin(port, options)}${options.prefix ?? ''}`, stop: () => daemon.stop() };
}

export interface ScrapeJob {
  job: string;
  /** host:port */
  target: string;
  /** Labels of the target, as a service discovery would add them. */
  labels?: Record<string, string>;
  honor_labels?: boolean;
}

/** Scrapes and evaluates each second. */
export async function startPrometheus(
  programs: Programs,
  dir: string,
  keep: Keep,
  options: WebOptions & { jobs?: ScrapeJob[]; rules?: object[]; alertmanager?: Signal },
): Promise<Signal> {
  mkdirSync(dir, { recursive: true });
  const port = options.port ?? (await freePort());
  const file = join(dir, 'prometheus.yml');
  const rules = join(dir, 'rules.yml');
  writeFileSync(rules, stringify({ groups: [{ name: 'lab', interval: '1s', rules: options.rules ?? [] }] }));
  const manager = options.alertmanager ? new URL(options.alertmanager.url) : undefined;
  writeFileSync(
    file,
    stringify({
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: [rules],
      scrape_configs: (options.jobs ?? []).map(({ job, target, labels, honor_labels }) => ({
        job_name: job,
        honor_labels: honor_labels ?? false,
        static_configs: [{ targets: [target], labels: labels ?? {} }],
      })),
      ...(manager
        ? {
            alerting: {
              alertmanagers: [{ path_prefix: manager.pathname, static_configs: [{ targets: [manager.host] }] }],
            },
          }
        : {}),
    }),
  );
  const daemon = keep(
    startDaemon(
      'prometheus',
      programs.prometheus,
      [
        `--config.file=${file}`,
        `--storage.tsdb.path=${join(dir, 'data')}`,
        '--rules.alert.resend-delay=1s',
        '--log.level=warn',
        ...webArguments(dir, port, options),
      ],
      join(dir, 'prometheus.log'),
    ),
  );
  await answering('Prometheus', port, options, daemon);
  return { url: `${origin(port, options)}${options.prefix ?? ''}`, stop: () => daemon.stop() };
}

/** What Prometheus knows, asked without the product. */
export async function instant(
  prometheus: Signal,
  query: string,
): Promise<{ metric: object; value: [number, string] }[]> {
  const answer = await fetch(`${prometheus.url}/api/v1/query?${new URLSearchParams({ query })}`);
  const { data } = (await answer.json()) as { data: { result: { metric: object; value: [number, string] }[] } };
  return data.result;
}

/** Waits until Prometheus has at least so many series. */
export const known = (prometheus: Signal, query: string, least = 1): Promise<void> =>
  eventually(`Prometheus knows ${query}`, async () => (await instant(prometheus, query)).length >= least, READY_MS);

/** One series of the exposition format; labels are escaped. */
export function line(metric: string, labels: Record<string, string>, value: number | string): string {
  const escaped = Object.entries(labels).map(
    ([key, text]) => `${key}="${text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`,
  );
  return `${metric}{${escaped.join(',')}} ${value}\n`;
}

export interface Exporter {
  /** host:port */
  target: string;
  /** What it says from now on; called at each scrape with the seconds since the start, so that counters can count. */
  says: (second: number) => string;
}

/** A server on loopback that goes with the bin. */
export function listen(
  keep: (undo: () => Promise<unknown>) => void,
  handler: http.RequestListener,
): Promise<{ url: string; host: string }> {
  return new Promise((resolve) => {
    const server = http.createServer(handler);
    server.listen(0, '127.0.0.1', () => {
      keep(
        () =>
          new Promise((gone) => {
            server.close(gone);
            server.closeAllConnections();
          }),
      );
      const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
      resolve({ url: `http://${host}`, host });
    });
  });
}

export async function startExporter(
  keep: (undo: () => Promise<unknown>) => void,
  says: Exporter['says'],
): Promise<Exporter> {
  const began = Date.now();
  const exporter: Exporter = { target: '', says };
  const { host } = await listen(keep, (_request, response) => {
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end(exporter.says((Date.now() - began) / 1_000));
  });
  exporter.target = host;
  return exporter;
}
