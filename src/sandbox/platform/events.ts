import { type SimClock, stamp } from '../clock.ts';
import type { Random } from '../random.ts';
import { type ObjectStore, resourceOf } from './store.ts';
import type { KubeObject } from './types.ts';

export interface EventSpec {
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
  component: string;
}

export interface EventRecorder {
  /** Notes an event about an object; a repeated one counts up, as the API's own recorder does. */
  record(about: KubeObject, event: EventSpec): void;
  /** The same, for something that went on before the start. Instants are wall time in milliseconds. */
  past(about: KubeObject, event: EventSpec, firstAt: number, lastAt: number, count: number): void;
}

/** Real clusters forget events after an hour; this one after so many, so that a long run does not grow. */
const KEPT = 400;

export function createEvents(store: ObjectStore, clock: SimClock, random: Random): EventRecorder {
  const known = new Map<string, { namespace: string; name: string }>();
  const resource = resourceOf({ apiVersion: 'v1', kind: 'Event' });

  const write = (about: KubeObject, event: EventSpec, firstAt: number, lastAt: number, count: number): void => {
    const key = `${about.metadata.uid}|${event.reason}|${event.message}`;
    const at = known.get(key);
    const present = at === undefined ? undefined : store.get('events', at.namespace, at.name);
    if (present !== undefined) {
      const total = Number(present.count ?? 1) + count;
      store.update(resource, { ...present, count: total, lastTimestamp: stamp(lastAt) });
      return;
    }
    const namespace = about.metadata.namespace ?? 'default';
    const name = `${about.metadata.name}.${random.hex(16)}`;
    known.set(key, { namespace, name });
    const object: KubeObject = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name, namespace },
      involvedObject: {
        apiVersion: about.apiVersion,
        kind: about.kind,
        name: about.metadata.name,
        ...(about.metadata.namespace === undefined ? {} : { namespace }),
        uid: about.metadata.uid,
      },
      type: event.type,
      reason: event.reason,
      message: event.message,
      source: { component: event.component },
      reportingComponent: event.component,
      reportingInstance: '',
      firstTimestamp: stamp(firstAt),
      lastTimestamp: stamp(lastAt),
      eventTime: null,
      count,
    };
    store.create(resource, object, firstAt);
    if (known.size > KEPT) {
      const [oldest] = known;
      if (oldest === undefined) return;
      known.delete(oldest[0]);
      if (store.get('events', oldest[1].namespace, oldest[1].name) !== undefined) {
        store.remove(resource, oldest[1].namespace, oldest[1].name);
      }
    }
  };
  return {
    record: (about, event) => write(about, event, clock.now(), clock.now(), 1),
    past: write,
  };
}
