import type { SimClock } from '../clock.ts';
import type { Random } from '../random.ts';
import type { PodFault } from '../scenarios/types.ts';
import type { EventRecorder, EventSpec } from './events.ts';
import { type PodRun, podStatus } from './pods.ts';
import { type ObjectStore, resourceOf } from './store.ts';
import type { KubeObject, Pod } from './types.ts';

/** The kubelet of the sandbox: moves each pod through its life, as its fault commands. Delays are simulated seconds. */
export interface PodLifecycle {
  /** Starts a pod that has just been created. */
  start(pod: KubeObject): void;
  /** Takes over a pod in the middle of its life, with the state it had at the start of the sandbox. */
  adopt(pod: KubeObject, run: PodRun): void;
  runOf(uid: string): PodRun | undefined;
  /** Asks every pod again for its fault: something outside the pods has changed. */
  poke(): void;
}

export const DELAYS = {
  pull: 0.2,
  becomeReady: 0.3,
  crashAtStart: 0.3,
  crashUnderLoad: 1,
  backoff: 15,
  /** The wait of a container whose cause to crash is gone. */
  backoffWhenSound: 0.5,
  untilOom: 15,
  oomRestart: 1,
} as const;

const PODS = { apiVersion: 'v1', kind: 'Pod' };

export function createLifecycle(
  store: ObjectStore,
  clock: SimClock,
  random: Random,
  events: EventRecorder,
  faultOf: (pod: KubeObject) => PodFault | null,
): PodLifecycle {
  const runs = new Map<string, PodRun>();
  const names = new Map<string, { namespace: string; name: string }>();
  const pending = new Map<string, () => void>();
  const hastened = new Set<string>();

  const remember = (pod: KubeObject, run: PodRun): void => {
    const { uid = '', namespace = '', name } = pod.metadata;
    runs.set(uid, run);
    names.set(uid, { namespace, name });
  };
  const forget = (uid: string): void => {
    runs.delete(uid);
    names.delete(uid);
    hastened.delete(uid);
  };
  const find = (pod: KubeObject): KubeObject | undefined => {
    const found = store.get('pods', pod.metadata.namespace ?? '', pod.metadata.name);
    return found?.metadata.uid === pod.metadata.uid ? found : undefined;
  };
  const event = (pod: KubeObject, type: EventSpec['type'], reason: string, message: string): void =>
    events.record(pod, { type, reason, message, component: reason === 'Scheduled' ? 'default-scheduler' : 'kubelet' });
  const plan = (pod: KubeObject, seconds: number, action: (current: KubeObject, run: PodRun) => void): void => {
    const uid = pod.metadata.uid ?? '';
    pending.get(uid)?.();
    const cancel = clock.after(seconds, () => {
      pending.delete(uid);
      const current = find(pod);
      const run = runs.get(uid);
      if (current === undefined || run === undefined) forget(uid);
      else action(current, run);
    });
    pending.set(uid, cancel);
  };
  const set = (pod: KubeObject, run: PodRun): KubeObject => {
    remember(pod, run);
    const current = find(pod) ?? pod;
    return store.update(resourceOf(PODS), { ...current, status: podStatus(current, run, random) });
  };
  const setReady = (pod: KubeObject, run: PodRun, ready: boolean): void => {
    if (run.ready !== ready) set(pod, { ...run, ready, readyChangedAt: clock.now() });
  };

  const restartAfter = (pod: KubeObject, seconds: number): void =>
    plan(pod, seconds, (current, then) => {
      hastened.delete(current.metadata.uid ?? '');
      begin(current, { ...then, restarts: then.restarts + 1 });
    });
  const crash = (pod: KubeObject, run: PodRun, reason: string, exitCode: number, wait: number): void => {
    const now = clock.now();
    const container = (pod as Pod).spec.containers[0]?.name ?? '';
    set(pod, {
      ...run,
      stage: 'backoff',
      ready: false,
      since: now,
      readyChangedAt: run.ready ? now : run.readyChangedAt,
      last: { reason, exitCode, startedAt: run.since, finishedAt: now },
    });
    const { name, namespace } = pod.metadata;
    const where = `in pod ${name}_${namespace}(${pod.metadata.uid})`;
    event(pod, 'Warning', 'BackOff', `Back-off restarting failed container ${container} ${where}`);
    restartAfter(pod, wait);
  };

  /** Begins a container, and decides what becomes of it. */
  const begin = (pod: KubeObject, run: PodRun): void => {
    const started = set(pod, { ...run, stage: 'running', ready: false, since: clock.now() });
    event(started, 'Normal', 'Started', `Started container ${(pod as Pod).spec.containers[0]?.name ?? ''}`);
    settle(started, runs.get(pod.metadata.uid ?? '') ?? run);
  };

  /** Plans the next step of a running container from its fault. */
  const settle = (pod: KubeObject, run: PodRun): void => {
    const fault = faultOf(pod);
    if (fault === 'crash-at-start' || fault === 'disk-full') {
      plan(pod, DELAYS.crashAtStart, (p, r) => crash(p, r, 'Error', fault === 'disk-full' ? 2 : 1, DELAYS.backoff));
      return;
    }
    if (fault === 'crash-under-load' && run.restarts > 0) {
      plan(pod, DELAYS.crashAtStart, (p, r) => crash(p, r, 'Error', 139, DELAYS.backoff));
      return;
    }
    if (fault === 'stuck' || fault === 'dependency') {
      if (run.ready) setReady(pod, run, false);
      const why =
        fault === 'stuck' ? 'context deadline exceeded (Client.Timeout)' : 'HTTP probe failed with statuscode: 503';
      event(pod, 'Warning', 'Unhealthy', `Readiness probe failed: ${why}`);
      return;
    }
    plan(pod, run.ready ? 0 : DELAYS.becomeReady, (current, then) => {
      // The world may have changed while the container was starting.
      const now = faultOf(current);
      if (now === 'dependency' || now === 'stuck' || now === 'disk-full') {
        settle(current, then);
        return;
      }
      setReady(current, then, true);
      if (now === 'crash-under-load') {
        plan(current, DELAYS.crashUnderLoad, (p, r) => crash(p, r, 'Error', 139, DELAYS.backoff));
      } else if (now === 'oom') {
        const stagger = DELAYS.untilOom * (0.6 + 0.8 * random.next());
        plan(current, stagger, (p, r) => crash(p, r, 'OOMKilled', 137, DELAYS.oomRestart));
      }
    });
  };

  return {
    start(pod) {
      const now = clock.now();
      const { name, namespace } = pod.metadata;
      const node = (pod as Pod).spec.nodeName ?? '';
      event(pod, 'Normal', 'Scheduled', `Successfully assigned ${namespace}/${name} to ${node}`);
      const run: PodRun = {
        stage: 'creating',
        ready: false,
        restarts: 0,
        createdAt: now,
        since: now,
        readyChangedAt: now,
        last: null,
      };
      plan(set(pod, run), DELAYS.pull, begin);
    },
    adopt(pod, run) {
      remember(pod, run);
      if (run.stage === 'backoff') {
        restartAfter(pod, DELAYS.backoff * random.next());
      } else if (faultOf(pod) === 'oom') settle(pod, run);
    },
    runOf: (uid) => runs.get(uid),
    poke() {
      for (const [uid, run] of runs) {
        if (run.stage === 'creating' || (run.stage === 'running' && pending.has(uid))) continue;
        const at = names.get(uid);
        const pod = at === undefined ? undefined : store.get('pods', at.namespace, at.name);
        if (pod?.metadata.uid !== uid) {
          forget(uid);
          continue;
        }
        const fault = faultOf(pod);
        if (run.stage === 'backoff') {
          // Nobody should have to wait out a back-off to see that a cause is gone.
          if (fault === null && !hastened.has(uid)) restartAfter(pod, DELAYS.backoffWhenSound);
          if (fault === null) hastened.add(uid);
          continue;
        }
        const waits = fault === 'dependency' || fault === 'stuck';
        if (run.ready === waits) settle(pod, run);
      }
    },
  };
}
