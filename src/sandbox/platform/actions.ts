import { decodeRecord } from './releases.ts';
import { same } from './store.ts';
import type { KubeObject, Workload } from './types.ts';

/** A change that was really made to the platform. */
export interface Action {
  at: string;
  kind: 'rollback' | 'restart' | 'scale' | 'scale_down' | 'update' | 'create' | 'delete';
  /** `deployment/ingest-gateway`, the release of a rollback, the environment of a platform scale-down. */
  target: string;
  detail: string;
}

export interface ActionLog {
  list(): readonly Action[];
  /** Notes one change that came over the wire from a client with this user agent. */
  note(client: string, before: KubeObject | null, after: KubeObject | null): void;
}

const RESTARTED = 'kubectl.kubernetes.io/restartedAt';

/**
 * Tells from the objects what was done. What Helm changes in the course of a rollback is one action, told by the Secret
 * it opens the rollback with; what one run of the platform's command scales is one action too.
 */
export function createActionLog(now: () => number): ActionLog {
  const actions: Action[] = [];
  const rollbacks = new Map<string, Action>();
  const runs = new Map<string, Action>();
  const add = (kind: Action['kind'], target: string, detail: string): Action => {
    const action: Action = { at: new Date(now()).toISOString(), kind, target, detail };
    actions.push(action);
    return action;
  };

  const noteRelease = (before: KubeObject | null, after: KubeObject | null): void => {
    const labels = after?.metadata.labels ?? {};
    const { name = '', status = '', version = '' } = labels;
    if (before === null && status === 'pending-rollback') {
      // Helm says in the description to which revision it rolls back.
      const to = /Rollback to (\d+)/.exec(descriptionOf(after))?.[1] ?? '?';
      const detail = `revision ${Number(version) - 1} -> ${to}, recorded as revision ${version}`;
      rollbacks.set(`${name}/${version}`, add('rollback', name, `${detail}: pending-rollback`));
      return;
    }
    if (status === 'uninstalling' && before?.metadata.labels?.status !== status) {
      // With this Helm begins to delete all that the release has made.
      add('delete', name, `release uninstalled at revision ${version}`);
      return;
    }
    const known = rollbacks.get(`${name}/${version}`);
    if (known !== undefined) known.detail = `${known.detail.replace(/: [a-z-]+$/, '')}: ${status}`;
    else if (before === null) add('create', `secret/${after?.metadata.name}`, 'release record');
  };

  return {
    list: () => actions,
    note(client, before, after) {
      const object = after ?? before;
      if (object === null) return;
      const target = `${object.kind.toLowerCase()}/${object.metadata.name}`;
      const where = `namespace ${object.metadata.namespace ?? '-'}`;
      if (object.kind === 'Secret' && object.metadata.labels?.owner === 'helm') {
        noteRelease(before, after);
        return;
      }
      if (client.startsWith('Helm/')) return;
      if (before === null) {
        add('create', target, where);
        return;
      }
      if (after === null) {
        add('delete', target, where);
        return;
      }
      const was = before as Workload;
      const is = after as Workload;
      const restarted = is.spec?.template?.metadata.annotations?.[RESTARTED];
      if (restarted !== undefined && restarted !== was.spec?.template?.metadata.annotations?.[RESTARTED]) {
        add('restart', target, `${where}, restartedAt ${restarted}`);
      } else if (is.spec !== undefined && is.spec.replicas !== was.spec?.replicas) {
        const scaled = `${object.metadata.name} ${was.spec?.replicas} -> ${is.spec.replicas}`;
        const run = /^pulsar\/\S+ \((\S+) (\S+)\)/.exec(client);
        const known = runs.get(run?.[2] ?? '');
        if (run === null) add('scale', target, `${where}, replicas ${was.spec?.replicas} -> ${is.spec.replicas}`);
        else if (known !== undefined) known.detail += `, ${scaled}`;
        else runs.set(run[2] ?? '', add('scale_down', run[1] ?? '', scaled));
      } else if (
        !same(was.spec, is.spec) ||
        !same(was.data, is.data) ||
        !same(was.metadata.labels, is.metadata.labels)
      ) {
        add('update', target, where);
      }
    },
  };
}

function descriptionOf(secret: KubeObject | null): string {
  const data = (secret?.data as Record<string, string> | undefined)?.release;
  const record = data === undefined ? null : decodeRecord(data);
  return String((record?.info as Record<string, unknown> | undefined)?.description ?? '');
}
