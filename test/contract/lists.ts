import { describe, expect, test } from 'vitest';
import { type Answer, type Check, raw, type World } from './world.ts';

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
const METADATA = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json';
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/** What lists look like on the wire: pages, tables, metadata, selectors. */
export function listsContract(world: () => World, check: Check): void {
  const secrets = (query: string, accept?: string): Promise<Answer> =>
    raw(
      world(),
      `/api/v1/namespaces/${world().release.namespace}/secrets?${query}`,
      accept === undefined ? {} : { accept },
    );
  const HELM = 'labelSelector=owner%3Dhelm';
  const names = ({ body }: Answer): string[] => body.items.map((item) => item.metadata.name);

  describe('lists', () => {
    check('come in pages that together are the whole, in its order', async () => {
      const whole = await secrets(HELM);
      expect(whole).toMatchObject({ status: 200, body: { kind: 'SecretList', apiVersion: 'v1' } });
      expect(whole.body.metadata.continue ?? '').toBe('');
      const paged: string[] = [];
      let token = '';
      for (let pages = 0; pages < 100; pages++) {
        const page = await secrets(`${HELM}&limit=2${token === '' ? '' : `&continue=${encodeURIComponent(token)}`}`);
        expect(page.body.items.length).toBeLessThanOrEqual(2);
        // With a selector the server does not count what it has not looked at.
        expect(page.body.metadata.remainingItemCount).toBeUndefined();
        paged.push(...names(page));
        token = page.body.metadata.continue ?? '';
        if (token === '') break;
      }
      expect(paged.length).toBeGreaterThan(2);
      expect(paged).toEqual(names(whole));
      expect(paged).toEqual(paged.toSorted((a, b) => (a < b ? -1 : 1)));
    });

    check('tell how many remain where there is no selector', async () => {
      const whole = await secrets('');
      const { metadata } = (await secrets('limit=1')).body;
      expect(metadata.remainingItemCount).toBe(whole.body.items.length - 1);
    });

    check('refuse a token that is none', async () => {
      const { status, body } = await secrets('limit=1&continue=nonsense');
      expect(status).toBe(400);
      expect(body).toMatchObject({ kind: 'Status', status: 'Failure', reason: 'BadRequest', code: 400 });
      expect(body.message).toContain('continue key is not valid');
    });

    test('answer 410 to a token that they no longer know', async ({ skip }) => {
      const { expired, release } = world();
      if (!expired) return skip('this server forgets no token');
      const token = await expired(`/api/v1/namespaces/${release.namespace}/secrets?${HELM}&limit=1`);
      const { status, body } = await secrets(`${HELM}&limit=1&continue=${encodeURIComponent(token)}`);
      expect({ status, reason: body.reason }).toEqual({ status: 410, reason: 'Expired' });
    });

    check('of metadata carry nothing else', async () => {
      const { body } = await secrets(HELM, METADATA);
      expect(body).toMatchObject({ kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1' });
      expect(body.items.length).toBeGreaterThan(2);
      for (const item of body.items) {
        expect(Object.keys(item).sort()).toEqual(
          ['metadata'].concat('kind' in item ? ['apiVersion', 'kind'] : []).sort(),
        );
        const { labels, creationTimestamp, uid } = item.metadata;
        expect(labels).toMatchObject({ owner: 'helm', name: world().release.release });
        expect(labels.status).toMatch(/^[a-z-]+$/);
        expect(labels.version).toMatch(/^\d+$/);
        // Helm writes `modifiedAt` in place of `createdAt` as soon as it updates a record.
        expect([labels.createdAt, labels.modifiedAt].filter((label) => label !== undefined)).toEqual([
          expect.stringMatching(/^\d{10}$/),
        ]);
        expect(creationTimestamp).toMatch(INSTANT);
        expect(uid).toMatch(/^[0-9a-f-]{36}$/);
      }
    });

    test.each([
      ['in (…)', 'labelSelector=owner%3Dhelm%2Cname%20in%20(RELEASE%2Cghost)', true],
      ['a name that is not there', 'labelSelector=owner%3Dhelm%2Cname%20in%20(ghost)', false],
      ['!=', 'labelSelector=owner!%3Dhelm%2Cowner', false],
      ['a field', 'fieldSelector=type%3Dhelm.sh%2Frelease.v1', true],
      ['a field that is not so', 'fieldSelector=type%3Dhelm.sh%2Fother', false],
    ])('are selected by %s', async (_name, query, some) => {
      const { status, body } = await secrets(query.replace('RELEASE', world().release.release));
      expect(status).toBe(200);
      expect(body.items.length > 0).toBe(some);
    });

    test.each([
      ['a label selector', 'labelSelector=a%20in', /unable to parse requirement/],
      ['a field', 'fieldSelector=spec.colour%3Dred', /(is not a known field selector|field label not supported)/],
    ])('refuse %s that is none', async (_name, query, message) => {
      const { status, body } = await secrets(query);
      expect({ status, reason: body.reason }).toEqual({ status: 400, reason: 'BadRequest' });
      expect(body.message).toMatch(message);
    });

    check('of nothing are empty, also in a namespace that is not there', async () => {
      const { status, body } = await raw(world(), '/api/v1/namespaces/no-such-namespace/secrets');
      expect({ status, items: body.items }).toEqual({ status: 200, items: [] });
    });
  });

  describe('the table of pods', () => {
    const pods = (include: string): Promise<Answer> => {
      const { namespace } = world().workloads.Deployment;
      return raw(world(), `/api/v1/namespaces/${namespace}/pods?includeObject=${include}`, { accept: TABLE });
    };

    check('has the columns of `kubectl get pods`, and texts in them', async () => {
      const { body } = await pods('None');
      expect(body).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1' });
      expect(body.columnDefinitions.map(({ name, priority }) => [name, priority])).toEqual([
        ...['Name', 'Ready', 'Status', 'Restarts', 'Age'].map((name) => [name, 0]),
        ...['IP', 'Node', 'Nominated Node', 'Readiness Gates'].map((name) => [name, 1]),
      ]);
      expect(body.rows.length).toBeGreaterThan(0);
      for (const { cells, object } of body.rows) {
        expect(object).toBeNull();
        expect(cells.map((cell) => typeof cell)).toEqual(cells.map(() => 'string'));
        expect(cells[1]).toMatch(/^\d+\/\d+$/);
        expect(cells[3]).toMatch(/^\d+( \(\w+ ago\))?$/);
      }
    });

    check('carries metadata where asked', async () => {
      const { body } = await pods('Metadata');
      const { namespace } = world().workloads.Deployment;
      for (const { cells, object } of body.rows) {
        expect(object).toMatchObject({
          kind: 'PartialObjectMetadata',
          apiVersion: 'meta.k8s.io/v1',
          metadata: { name: cells[0], namespace },
        });
        expect(object?.spec).toBeUndefined();
      }
    });
  });
}
