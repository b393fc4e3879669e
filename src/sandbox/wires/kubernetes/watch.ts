import type { ServerResponse } from 'node:http';
import { KubeError, statusOf } from '../../platform/errors.ts';
import type { Resource } from '../../platform/resources.ts';
import type { Change, ObjectStore } from '../../platform/store.ts';
import type { KubeObject } from '../../platform/types.ts';
import type { Stream } from '../http.ts';
import { type Form, matcherOf } from './read.ts';
import { partial, tableOf } from './table.ts';

const DEFAULT_SECONDS = 1_800;

/** The stream of changes of one kind: one JSON document a line, until the client leaves or its timeout passes. */
export function watchStream(
  store: ObjectStore,
  resource: Resource,
  namespace: string | undefined,
  query: URLSearchParams,
  form: Form,
  now: () => number,
): Stream {
  const matches = matcherOf(query, resource.kind);
  const asked = query.get('resourceVersion') ?? '';
  const seconds = Math.min(Number(query.get('timeoutSeconds') ?? DEFAULT_SECONDS) || DEFAULT_SECONDS, DEFAULT_SECONDS);
  if (query.get('sendInitialEvents') === 'true') {
    throw KubeError.invalid('ListOptions.meta.k8s.io', '', 'sendInitialEvents is forbidden for watch by this server');
  }
  const fits = (object: KubeObject): boolean =>
    (namespace === undefined || object.metadata.namespace === namespace) && matches(object);
  const shape = (object: KubeObject): unknown => {
    if (form === 'partial') return partial(object);
    if (form !== 'table') return object;
    return tableOf(resource.kind, [object], { resourceVersion: object.metadata.resourceVersion }, now(), 'Metadata');
  };

  return {
    stream(response: ServerResponse, closed: AbortSignal) {
      response.writeHead(200, { 'content-type': 'application/json' });
      const write = (type: string, object: unknown): void => {
        response.write(`${JSON.stringify({ type, object })}\n`);
      };
      const writeChange = ({ type, object, before }: Change): void => {
        const is = fits(object);
        const was = before !== null && fits(before);
        if (type === 'MODIFIED' && is !== was) write(is ? 'ADDED' : 'DELETED', shape(object));
        else if (is) write(type, shape(object));
      };
      if (asked === '' || asked === '0') {
        for (const object of store.list(resource.plural).filter(fits)) write('ADDED', shape(object));
      } else {
        const missed = store.since(Number(asked));
        if (missed === null) {
          const gone = new KubeError(410, 'Expired', `too old resource version: ${asked}`);
          write('ERROR', statusOf(gone));
          response.end();
          return;
        }
        for (const change of missed) if (change.resource.plural === resource.plural) writeChange(change);
      }
      // Sends the head at once, so that the client knows the watch stands.
      response.flushHeaders();
      const deaf = store.listen((change) => {
        if (change.resource.plural === resource.plural) writeChange(change);
      });
      const timer = setTimeout(() => response.end(), seconds * 1000);
      closed.addEventListener('abort', () => {
        deaf();
        clearTimeout(timer);
      });
    },
  };
}
