import { afterEach, describe, expect, it } from 'vitest';
import { createKubernetes } from '../../../src/adapters/kubernetes/index.ts';
import { readSource } from '../../../src/mcp/sources.ts';
import { type Api, deployment, type Handler, json, startApi } from './api.ts';

const apis: Api[] = [];
afterEach(async () => {
  for (const api of apis.splice(0)) await api.close();
});

const FORBIDDEN = {
  kind: 'Status',
  message: 'pods is forbidden: User "x" cannot list resource "pods" in API group ""',
};

/** An API server that forbids what `forbidden` says, and a read of the workloads of two namespaces from it. */
async function workloads(forbidden: (path: string) => boolean, other: Handler | null = null) {
  const api = await startApi((seen, response) => {
    const { pathname } = seen.url;
    if (forbidden(pathname)) return json(response, FORBIDDEN, 403);
    if (other) other(seen, response);
    if (response.headersSent) return;
    json(response, { items: pathname.endsWith('/a/deployments') ? [deployment('web')] : [] });
  });
  apis.push(api);
  const { reader } = createKubernetes({ kubeconfig: api.kubeconfig, env: {} });
  return readSource('kubernetes', 20_000, new AbortController().signal, (options) =>
    reader.listWorkloads(['a', 'b'], options),
  );
}

describe('lists of which a part is forbidden', () => {
  it('give the rest, and the source names each right that is missing', async () => {
    const { value, report } = await workloads((path) => path.includes('/b/') && !path.endsWith('statefulsets'));
    expect(value?.map(({ name }) => name)).toEqual(['web']);
    expect(report.status).toBe('error');
    expect(report.error).toContain('FORBIDDEN in part: ');
    for (const resource of ['deployments.apps', 'daemonsets.apps'])
      expect(report.error).toContain(`do not allow to list ${resource} in namespace b.`);
    expect(report.error).toContain('Next: ');
    expect(report.error).not.toContain('statefulsets');
  });

  it('count what is not told one by one', async () => {
    const { report } = await workloads((path) => !path.endsWith('/a/deployments'));
    expect(report.error?.match(/do not allow/g)).toHaveLength(3);
    expect(report.error).toContain('And 2 more.');
  });

  it('are an error as a whole where nothing is allowed', async () => {
    const { value, report } = await workloads(() => true);
    expect(value).toBeNull();
    expect(report.error).toMatch(/^FORBIDDEN: .* list \w+\.apps in namespace a\./);
  });

  it('are an error as a whole where a part fails for another reason', async () => {
    const { value, report } = await workloads(
      (path) => path.endsWith('/b/deployments'),
      (seen, response) => {
        if (seen.url.pathname.endsWith('/a/daemonsets')) json(response, { message: 'etcd is away' }, 500);
      },
    );
    expect(value).toBeNull();
    expect(report.error).toMatch(/^UNAVAILABLE: /);
  });
});
