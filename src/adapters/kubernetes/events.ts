import { maskText } from '../../domain/mask.ts';
import type { KubeEvent } from '../../domain/observe.ts';
import type { EventObject } from './schema.ts';
import { instantOf } from './time.ts';

const MESSAGE_LENGTH = 500;

export function toEvent(event: EventObject): KubeEvent {
  const { kind, name } = event.involvedObject ?? {};
  return {
    namespace: event.metadata.namespace,
    object: `${kind ?? 'unknown'}/${name ?? 'unknown'}`,
    reason: event.reason ?? '',
    message: maskText(event.message ?? '').slice(0, MESSAGE_LENGTH),
    count: event.series?.count ?? event.count ?? 1,
    last_seen:
      instantOf(event.series?.lastObservedTime) ??
      instantOf(event.lastTimestamp) ??
      instantOf(event.eventTime) ??
      instantOf(event.metadata.creationTimestamp),
  };
}

/** Newest first; those without an instant last. */
export const newestFirst = (a: KubeEvent, b: KubeEvent): number =>
  (b.last_seen ?? '') < (a.last_seen ?? '') ? -1 : (b.last_seen ?? '') > (a.last_seen ?? '') ? 1 : 0;
