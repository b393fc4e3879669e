import type { Bin } from '../../helpers/bin.ts';
import type { Colleague } from './at-hand.ts';
import { writeAccountsKubeconfig } from './rbac-accounts.ts';
import { documentsOf, type RoleFile } from './rbac-roles.ts';

/** The accounts' home in docs/rbac. */
const HOME = 'incident-mcp';

/** Applies what docs/rbac says to an administrator: the accounts in `home`, the Roles of each file in its namespaces. */
export async function applyDocumented(
  at: Colleague,
  home: string,
  where: Readonly<Record<RoleFile, readonly string[]>>,
): Promise<void> {
  const moved = (namespace: string): string => (namespace === HOME ? home : namespace);
  const accounts = documentsOf('accounts').filter(({ kind }) => kind === 'ServiceAccount');
  await at.apply(
    ...accounts.map((one) => ({ ...one, metadata: { ...one.metadata, namespace: home } })),
    ...(['reader', 'operator'] as const).flatMap((file) =>
      where[file].flatMap((namespace) =>
        documentsOf(file).map(({ subjects, ...one }) => ({
          ...one,
          metadata: { ...one.metadata, namespace },
          ...(subjects ? { subjects: subjects.map((s) => ({ ...s, namespace: moved(s.namespace) })) } : {}),
        })),
      ),
    ),
  );
}

/** A kubeconfig with the contexts `reader` and `operator`, their tokens from `kubectl create token` as docs/rbac/README.md has it. */
export async function documentedKubeconfig(bin: Bin, at: Colleague, home: string): Promise<string> {
  const token = async (account: string): Promise<string> =>
    (await at.kubectl('create', 'token', account, '-n', home, '--duration=1h')).trim();
  const [reader, operator] = await Promise.all([token('incident-mcp-reader'), token('incident-mcp-operator')]);
  return writeAccountsKubeconfig(bin, at, home, ['reader', 'operator'], { reader, operator });
}
