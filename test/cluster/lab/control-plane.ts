import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type Daemon, eventually, freePort, runToEnd, startDaemon } from './daemon.ts';
import type { Programs } from './programs.ts';

/** A running API server and how its administrator reaches it. */
export interface ApiServer {
  url: string;
  /** Kubeconfig of the administrator, by client certificate; its context is `context`. */
  kubeconfig: string;
  context: string;
  /** The authority that signed the server's certificate and may sign clients. */
  ca: string;
  /** Folder for `certs`. */
  pki: string;
}

const READY_MS = 60_000;

/** Takes a daemon as soon as it is started, so that it is stopped also when what follows fails. */
export type Keep = (daemon: Daemon) => Daemon;

/** Makes PKI/NAME.crt and PKI/NAME.key; `valid` is a Go duration, negative for a certificate that has expired. */
export async function certificate(
  programs: Programs,
  pki: string,
  name: string,
  options: { group?: string; valid?: string } = {},
): Promise<{ cert: string; key: string }> {
  const argv = ['certs', `-dir=${pki}`, `-name=${name}`];
  if (options.group !== undefined) argv.push(`-group=${options.group}`);
  if (options.valid !== undefined) argv.push(`-valid=${options.valid}`);
  await runToEnd(programs.controlplane, argv, { deadlineMs: 10_000 });
  return { cert: join(pki, `${name}.crt`), key: join(pki, `${name}.key`) };
}

/** A kubeconfig with one context. */
export function writeKubeconfig(
  file: string,
  context: string,
  server: Record<string, unknown>,
  user: Record<string, unknown>,
): void {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': context,
    clusters: [{ name: context, cluster: server }],
    users: [{ name: context, user }],
    contexts: [{ name: context, context: { cluster: context, user: context } }],
  };
  writeFileSync(file, stringify(config), { mode: 0o600 });
}

/** Gives its URL. */
export async function startEtcd(programs: Programs, dir: string, keep: Keep): Promise<string> {
  const [client, peer] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${client}`;
  const peers = `http://127.0.0.1:${peer}`;
  const daemon = keep(
    startDaemon(
      'etcd',
      programs.controlplane,
      [
        'etcd',
        `--data-dir=${join(dir, 'etcd')}`,
        `--listen-client-urls=${url}`,
        `--advertise-client-urls=${url}`,
        `--listen-peer-urls=${peers}`,
        `--initial-advertise-peer-urls=${peers}`,
        `--initial-cluster=default=${peers}`,
        '--log-level=error',
        // A test's cluster that loses its last second in a power cut loses nothing.
        '--unsafe-no-fsync',
        '--quota-backend-bytes=4294967296',
      ],
      join(dir, 'etcd.log'),
    ),
  );
  await eventually(
    'etcd answers',
    async () => {
      return (await fetch(`${url}/health`)).ok;
    },
    READY_MS,
    daemon,
  );
  return url;
}

/** Starts an API server with data of its own (`name` is its prefix in etcd); several share one etcd and know nothing of each other. */
export async function startApiServer(
  programs: Programs,
  dir: string,
  etcd: string,
  name: string,
  keep: Keep,
): Promise<ApiServer> {
  const pki = join(dir, `pki-${name}`);
  mkdirSync(pki, { recursive: true });
  const serving = await certificate(programs, pki, 'serving');
  const admin = await certificate(programs, pki, 'admin', { group: 'system:masters' });
  const accounts = await certificate(programs, pki, 'service-accounts');
  const ca = join(pki, 'ca.crt');
  const port = await freePort();
  const url = `https://127.0.0.1:${port}`;
  const daemon = keep(
    startDaemon(
      `kube-apiserver ${name}`,
      programs.controlplane,
      [
        'kube-apiserver',
        `--etcd-servers=${etcd}`,
        `--etcd-prefix=/${name}`,
        `--secure-port=${port}`,
        '--bind-address=127.0.0.1',
        '--advertise-address=127.0.0.1',
        // Nothing in the lab reaches the API server by its service, and loopback is no address for one.
        '--endpoint-reconciler-type=none',
        `--cert-dir=${pki}`,
        `--tls-cert-file=${serving.cert}`,
        `--tls-private-key-file=${serving.key}`,
        `--client-ca-file=${ca}`,
        `--service-account-key-file=${accounts.key}`,
        `--service-account-signing-key-file=${accounts.key}`,
        '--service-account-issuer=https://lab.example',
        '--api-audiences=https://lab.example',
        '--authorization-mode=RBAC',
        '--service-cluster-ip-range=10.0.0.0/16',
        // Pods of the lab need no token, and nothing here makes the default service account in time.
        // Its nodes are ready when they say so: there is no controller that would take the taint away.
        '--disable-admission-plugins=ServiceAccount,TaintNodesByCondition',
        '--max-requests-inflight=800',
        '--max-mutating-requests-inflight=400',
      ],
      join(dir, `kube-apiserver-${name}.log`),
    ),
  );
  const kubeconfig = join(dir, `${name}.kubeconfig`);
  writeKubeconfig(
    kubeconfig,
    name,
    { server: url, 'certificate-authority': ca },
    { 'client-certificate': admin.cert, 'client-key': admin.key },
  );
  await eventually(
    `kube-apiserver ${name} is ready`,
    async () => {
      await runToEnd(programs.kubectl, [`--kubeconfig=${kubeconfig}`, 'get', '--raw', '/readyz'], {
        deadlineMs: 5_000,
      });
      return true;
    },
    READY_MS,
    daemon,
  );
  return { url, kubeconfig, context: name, ca, pki };
}

/** Controllers and scheduler of that API server. */
export async function startControllers(programs: Programs, dir: string, api: ApiServer, keep: Keep): Promise<void> {
  const ports = [await freePort(), await freePort()] as const;
  const common = (port: number): string[] => [
    `--kubeconfig=${api.kubeconfig}`,
    '--leader-elect=false',
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    `--cert-dir=${api.pki}`,
    '--kube-api-qps=400',
    '--kube-api-burst=800',
  ];
  keep(
    startDaemon(
      'kube-controller-manager',
      programs.controlplane,
      [
        'kube-controller-manager',
        ...common(ports[0]),
        '--controllers=deployment,replicaset,statefulset,daemonset,job,cronjob,namespace,garbagecollector,disruption,serviceaccount,podgc,endpointslice',
        '--concurrent-deployment-syncs=20',
        '--concurrent-replicaset-syncs=20',
        `--service-account-private-key-file=${join(api.pki, 'service-accounts.key')}`,
      ],
      join(dir, 'kube-controller-manager.log'),
    ),
  );
  keep(
    startDaemon(
      'kube-scheduler',
      programs.controlplane,
      ['kube-scheduler', ...common(ports[1])],
      join(dir, 'kube-scheduler.log'),
    ),
  );
}
