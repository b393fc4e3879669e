import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { createAccess } from '../../../src/adapters/kubernetes/access.ts';
import { createClient } from '../../../src/adapters/kubernetes/client.ts';
import type { Bin } from '../../helpers/bin.ts';
import type { Colleague } from './at-hand.ts';
import { type Granted, roleOf } from './rbac-roles.ts';

/** A service account that may do exactly `granted` in one namespace. */
export interface Account {
  name: string;
  granted: readonly Granted[];
}

/** Makes the accounts, with one Role and one RoleBinding each; their home is another namespace than the one they may see. */
export async function makeAccounts(
  at: Colleague,
  home: string,
  namespace: string,
  accounts: readonly Account[],
): Promise<void> {
  await at.apply(
    ...accounts.flatMap(({ name, granted }) => [
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: home } },
      roleOf(name, namespace, granted),
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata: { name, namespace },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
        subjects: [{ kind: 'ServiceAccount', name, namespace: home }],
      },
    ]),
  );
}

/** A token as `kubectl create token` asks for it (TokenRequest), without a process for each. */
async function tokenOf(at: Colleague, home: string, name: string): Promise<string> {
  const client = createClient(createAccess({ env: {}, kubeconfig: at.lab.kubeconfig, context: at.lab.context }));
  const answer = (await client.create(
    {
      path: `/api/v1/namespaces/${home}/serviceaccounts/${name}/token`,
      subject: { verb: 'create', resource: 'serviceaccounts/token', namespace: home, name },
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
    },
    await client.limit({ deadline_ms: 10_000 }),
  )) as { status: { token: string } };
  return answer.status.token;
}

interface Kubeconfig {
  clusters: { name: string; cluster: Record<string, unknown> }[];
  contexts: { name: string; context: { cluster: string; user: string } }[];
}

/** A kubeconfig with one context for each account, of its name; none is the current one. `tokens` may bring some along. */
export async function writeAccountsKubeconfig(
  bin: Bin,
  at: Colleague,
  home: string,
  names: readonly string[],
  tokens: Readonly<Record<string, string>> = {},
): Promise<string> {
  const own = parse(await readFile(at.lab.kubeconfig, 'utf8')) as Kubeconfig;
  const context = own.contexts.find(({ name }) => name === at.lab.context)?.context;
  const cluster = own.clusters.find(({ name }) => name === context?.cluster)?.cluster;
  const users = await Promise.all(
    names.map(async (name) => ({ name, user: { token: tokens[name] ?? (await tokenOf(at, home, name)) } })),
  );
  const file = join(await bin.folder(), 'accounts.kubeconfig');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'cluster', cluster }],
    users,
    contexts: names.map((name) => ({ name, context: { cluster: 'cluster', user: name } })),
  };
  await writeFile(file, stringify(config), { mode: 0o600 });
  return file;
}
