import { afterEach, describe, expect, it } from 'vitest';
import { createKubernetes } from '../../../src/adapters/kubernetes/index.ts';
import { type Api, type Handler, startApi } from './api.ts';

const READ = { deadline_ms: 5_000 };
const COLUMNS = ['Name', 'Ready', 'Status', 'Restarts'].map((name) => ({ name }));

let api: Api | null = null;
afterEach(async () => {
  await api?.close();
  api = null;
});

async function start(handler: Handler) {
  api = await startApi(handler);
  return { api, reader: createKubernetes({ kubeconfig: api.kubeconfig, env: {} }).reader };
}

const answer = (response: Parameters<Handler>[1], body: unknown, status = 200): void => {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
};
const table = (...rows: { name: string; namespace?: string }[]) => ({
  kind: 'Table',
  columnDefinitions: COLUMNS,
  rows: rows.map(({ name, namespace }) => ({
    cells: [name, '1/1', 'Running', '0'],
    object: namespace === undefined ? null : { metadata: { namespace } },
  })),
});
const names = (...list: string[]) => ({ items: list.map((name) => ({ metadata: { name } })) });
const forbidden = { kind: 'Status', message: 'no' };

describe('pods of all namespaces', () => {
  it('are read namespace by namespace, without the metadata of each pod', async () => {
    const seen = await start(({ url }, response) =>
      answer(response, url.pathname === '/api/v1/namespaces' ? names('x', 'y') : table({ name: 'db-0' })),
    );
    expect((await seen.reader.summarizePods([], READ)).map((s) => `${s.namespace}/${s.owner}`)).toEqual([
      'x/db',
      'y/db',
    ]);
    const pods = seen.api.seen.filter(({ url }) => url.pathname.endsWith('/pods'));
    expect(pods.map(({ url }) => url.pathname).sort()).toEqual([
      '/api/v1/namespaces/x/pods',
      '/api/v1/namespaces/y/pods',
    ]);
    expect(pods.every(({ url }) => url.searchParams.get('includeObject') === 'None')).toBe(true);
  });

  it.each([
    ['namespaces may not be listed', (path: string) => (path === '/api/v1/namespaces' ? 403 : 200), names('x')],
    ['one namespace is closed', (path: string) => (path === '/api/v1/namespaces/x/pods' ? 403 : 200), names('x', 'y')],
    ['there are too many', () => 200, { ...names('x'), metadata: { continue: 'more' } }],
    ['the list is none', () => 200, { kind: 'Something' }],
  ])('are read in one list where %s', async (_why, status, list) => {
    const seen = await start(({ url }, response) => {
      const code = status(url.pathname);
      if (code !== 200) return answer(response, forbidden, code);
      answer(response, url.pathname === '/api/v1/namespaces' ? list : table({ name: 'db-0', namespace: 'z' }));
    });
    expect(await seen.reader.summarizePods([], READ)).toMatchObject([{ namespace: 'z', owner: 'db', pods: 1 }]);
    expect(seen.api.seen.at(-1)?.url.pathname).toBe('/api/v1/pods');
    expect(seen.api.seen.at(-1)?.url.searchParams.get('includeObject')).toBe('Metadata');
  });

  it('name the right that is missing for all of them', async () => {
    const seen = await start((_seen, response) => answer(response, forbidden, 403));
    await expect(seen.reader.summarizePods([], READ)).rejects.toMatchObject({
      code: 'FORBIDDEN',
      message: expect.stringMatching(/list pods in all namespaces/),
    });
  });

  it('fail when a namespace cannot be read for another reason', async () => {
    const seen = await start(({ url }, response) => {
      if (url.pathname === '/api/v1/namespaces') return answer(response, names('x', 'y'));
      answer(response, {}, url.pathname.includes('/y/') ? 500 : 200);
    });
    await expect(seen.reader.summarizePods([], READ)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});

it('a list of all workloads comes in small pages, so that whole objects do not fill the memory', async () => {
  const seen = await start((_seen, response) => answer(response, { items: [] }));
  await seen.reader.listWorkloads([], READ);
  expect(seen.api.seen.map(({ url }) => url.searchParams.get('limit'))).toEqual(['200', '200', '200']);
});
