import { apiVersionOf, RESOURCES } from '../../platform/resources.ts';

export const SERVER_VERSION = {
  major: '1',
  minor: '32',
  gitVersion: 'v1.32.4',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '2025-04-23T00:00:00Z',
  goVersion: 'go1.23.6',
  compiler: 'gc',
  platform: 'linux/amd64',
};

const VERBS = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];
const REVIEWS = 'authorization.k8s.io';

function groups(): string[] {
  return [...new Set(RESOURCES.map((resource) => resource.group).filter((group) => group !== '')), REVIEWS];
}

function versionOf(group: string): string {
  return RESOURCES.find((resource) => resource.group === group)?.version ?? 'v1';
}

function groupEntry(name: string): Record<string, unknown> {
  const version = { groupVersion: `${name}/${versionOf(name)}`, version: versionOf(name) };
  return { name, versions: [version], preferredVersion: version };
}

/** The discovery documents: what the paths above the resources answer. Undefined where there is none. */
export function discovery(path: string): unknown {
  if (path === '/api') {
    return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
  }
  if (path === '/apis') {
    return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups().map(groupEntry) };
  }
  const group = /^\/apis\/([^/]+)$/.exec(path)?.[1];
  if (group !== undefined) {
    return groups().includes(group) ? { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(group) } : undefined;
  }
  const groupVersion = path === '/api/v1' ? 'v1' : /^\/apis\/([^/]+\/[^/]+)$/.exec(path)?.[1];
  return groupVersion === undefined ? undefined : resourceList(groupVersion);
}

function resourceList(groupVersion: string): unknown {
  const list = (resources: unknown[]) => ({ kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources });
  if (groupVersion === `${REVIEWS}/v1`) {
    return list(
      ['SelfSubjectAccessReview', 'SelfSubjectRulesReview'].map((kind) => {
        const singularName = kind.toLowerCase();
        return { name: `${singularName}s`, singularName, namespaced: false, kind, verbs: ['create'] };
      }),
    );
  }
  const own = RESOURCES.filter((resource) => apiVersionOf(resource) === groupVersion);
  if (own.length === 0) return undefined;
  return list(
    own.flatMap((resource) => {
      const { plural, singular, namespaced, kind, shortNames } = resource;
      const entry = { name: plural, singularName: singular, namespaced, kind, verbs: VERBS, shortNames };
      const scale = { name: `${plural}/scale`, singularName: '', namespaced, kind: 'Scale' };
      const more: unknown[] = [];
      if (resource.scalable) {
        more.push({ ...scale, group: 'autoscaling', version: 'v1', verbs: ['get', 'patch', 'update'] });
      }
      if (plural === 'pods') {
        more.push({ name: 'pods/log', singularName: '', namespaced: true, kind: 'Pod', verbs: ['get'] });
      }
      return [entry, ...more];
    }),
  );
}
