import type { Revision } from '../../../src/domain/observe.ts';
import type { Bin } from '../../helpers/bin.ts';
import { makeHome } from '../../helpers/home.ts';
import { connect, type Session } from '../../helpers/session.ts';
import { type ConfiguredRelease, type HelmName, writeConfiguration } from './at-hand.ts';
import { writeChart } from './chart.ts';

/** A deploy of `check_recent_deploys`. */
export type Deploy = Revision & { suspicion: number; reasons: string[] };

export const deploysOf = (data: Record<string, unknown>): Deploy[] => data.deploys as Deploy[];

/** A client of a server that knows these releases. */
export async function watching(bin: Bin, releases: ConfiguredRelease[], helm: HelmName = 'helm4'): Promise<Session> {
  return connect(bin, await makeHome(bin, await writeConfiguration(bin, { releases, helm })), 'second');
}

/** A chart of one ConfigMap, whose value `number` the API server takes as text (`--set-string`) and refuses as a number (`--set`). */
export function tinyChart(bin: Bin): Promise<string> {
  return writeChart(
    bin,
    { name: 'tiny', version: '1.0.0', appVersion: '2.0.0' },
    {
      'templates/config.yaml':
        'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "{{ .Release.Name }}"}\ndata: {number: {{ toJson .Values.number }}}\n',
    },
  );
}
