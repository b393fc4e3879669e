import type { SimClock } from '../clock.ts';
import type { Random } from '../random.ts';
import { type PlatformFacts, type PodFault, type Scenario, SERVICES, type Service } from '../scenarios/types.ts';
import { type ActionLog, createActionLog } from './actions.ts';
import { type AlertBook, alertsFor, createAlertBook } from './alerts.ts';
import { createControllers } from './controllers.ts';
import { type Customer, createCustomers } from './customers.ts';
import { type Effects, isImpaired, soundEffects } from './effects.ts';
import { createEvents } from './events.ts';
import { fillCluster } from './filler.ts';
import { createLifecycle, type PodLifecycle } from './lifecycle.ts';
import { countServices, effectsOf, factsOf, mapServices, PLACES, serviceOf, tagOf } from './observe.ts';
import { seedPlatform } from './seed.ts';
import { createStore, type ObjectStore, same } from './store.ts';
import { createTimeline, type EffectsTimeline } from './timeline.ts';
import type { KubeObject } from './types.ts';

/** The simulated platform: the cluster's objects, what follows from them, and what was done to it. */
export interface Platform {
  readonly scenario: Scenario;
  readonly clock: SimClock;
  readonly store: ObjectStore;
  readonly customers: readonly Customer[];
  readonly timeline: EffectsTimeline;
  readonly alerts: AlertBook;
  readonly actions: ActionLog;
  /** What is wrong with a pod now; null for a sound one and for one that is not the platform's. */
  faultOf(pod: KubeObject): PodFault | null;
  recovered(): boolean;
  stop(): void;
}

const NEEDS_DATABASE: ReadonlySet<Service> = new Set(['control-plane', 'ingest-gateway', 'analysis-engine']);
/** A database away for a moment, as in its own restart, is ridden out by the connection pools. */
const DATABASE_GRACE = 2;

export function createPlatform(scenario: Scenario, clock: SimClock, random: Random, pods: number): Platform {
  const store = createStore(clock.now, random.fork('uids'));
  const events = createEvents(store, clock, random.fork('events'));
  const customers = createCustomers(random.fork('customers'));
  const names = random.fork('pods');
  const originals = new Map<string, number>();
  const readySinceStart = new Set<Service>();
  let databaseAwaySince: number | null = null;
  let seeding = true;
  let facts: PlatformFacts = {
    desired: mapServices(() => 1),
    ready: mapServices(() => 0),
    readySinceStart: mapServices(() => false),
    impaired: scenario.onset !== null,
  };

  const faultOf = (pod: KubeObject): PodFault | null => {
    const service = serviceOf(pod);
    if (service === null) return null;
    const original = originals.get(pod.metadata.uid ?? '') ?? null;
    const own = scenario.faultOf({ service, tag: tagOf(pod), original }, facts);
    if (own !== null) return own;
    const away = databaseAwaySince !== null && clock.elapsed() - databaseAwaySince >= DATABASE_GRACE;
    return away && NEEDS_DATABASE.has(service) ? 'dependency' : null;
  };
  const onsetSecond = -(scenario.onset ?? 0);
  const seeded = seedPlatform({
    store,
    clock,
    random: names,
    events,
    scenario,
    faultOf: (pod, index) => {
      originals.set(pod.metadata.uid ?? '', index);
      const fault = faultOf(pod);
      if (serviceOf(pod) === 'postgres' && fault !== null) databaseAwaySince = onsetSecond;
      return fault;
    },
  });
  fillCluster(store, clock, random.fork('filler'), pods - seeded.length);

  const providerDown = (): boolean => {
    const outage = scenario.providerOutage;
    return outage !== null && clock.elapsed() < outage.lasts - outage.began;
  };
  const observe = (): Effects => {
    const counts = countServices(store);
    for (const service of Object.keys(counts) as Service[]) if (counts[service].ready > 0) readySinceStart.add(service);
    if (counts.postgres.ready > 0) databaseAwaySince = null;
    else if (databaseAwaySince === null && !seeding) {
      databaseAwaySince = clock.elapsed();
      clock.after(DATABASE_GRACE, refresh);
    }
    facts = factsOf(counts, readySinceStart, facts.impaired);
    const effects = effectsOf(counts, faultOf, {
      providerDown: providerDown(),
      customersOffline: scenario.customersOffline,
    });
    facts = { ...facts, impaired: isImpaired(effects) };
    return effects;
  };

  // Until the onset all was well with the same platform; since then it has been as it is at the start.
  const first = observe();
  const timeline = createTimeline(customers, soundEffects(facts.desired), -30 * 86_400);
  if (!same(timeline.current(), first)) timeline.note(onsetSecond, first);
  const alerts = createAlertBook(clock, clock.startedAt + onsetSecond * 1000);
  const updateAlerts = (): void => {
    const { queueOldest } = timeline.at(clock.elapsed());
    alerts.update(alertsFor(timeline.current(), timeline.currentSignals(), customers, queueOldest));
  };
  updateAlerts();

  let lifecycle: PodLifecycle | null = null;
  let refreshing = false;
  let again = false;
  function refresh(): void {
    if (refreshing) {
      again = true;
      return;
    }
    refreshing = true;
    do {
      again = false;
      const effects = observe();
      if (!same(effects, timeline.current())) timeline.note(clock.elapsed(), effects);
      updateAlerts();
      lifecycle?.poke();
    } while (again);
    refreshing = false;
  }

  lifecycle = createLifecycle(store, clock, names, events, faultOf);
  const live = lifecycle;
  const controllers = createControllers(store, clock.now, names, events, (pod) => live.start(pod));
  for (const service of SERVICES) {
    const { plural, namespace } = PLACES[service];
    for (const { kind, metadata } of store.list(plural, namespace)) {
      if (metadata.name !== service) continue;
      for (const set of store.owned('replicasets', metadata.uid ?? '')) {
        controllers.sync(set.kind, namespace, set.metadata.name);
      }
      controllers.sync(kind, namespace, service);
    }
  }
  for (const { pod, run } of seeded) live.adopt(pod, run);
  const deaf = store.listen((change) => {
    const { kind } = change.object;
    if (kind === 'Pod' || kind === 'Deployment' || kind === 'StatefulSet' || kind === 'DaemonSet') refresh();
  });
  seeding = false;
  const outage = scenario.providerOutage;
  if (outage !== null) clock.after(outage.lasts - outage.began, refresh);

  return {
    scenario,
    clock,
    store,
    customers,
    timeline,
    alerts,
    actions: createActionLog(clock.now),
    faultOf,
    recovered: () => scenario.recovered(facts),
    stop() {
      deaf();
      controllers.stop();
    },
  };
}
