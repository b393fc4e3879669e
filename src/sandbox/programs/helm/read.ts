import { toYaml } from '../../platform/yaml.ts';
import type { KubeClient } from '../kube.ts';
import { HelmError, type ReleaseRecord, readHistory, readRecords } from './records.ts';

export type Output = 'table' | 'json' | 'yaml';

export function outputOf(value: string | undefined): Output {
  if (value === undefined || value === 'table') return 'table';
  if (value === 'json' || value === 'yaml') return value;
  throw new HelmError(`invalid argument "${value}" for "-o, --output" flag: invalid format type`);
}

function structured(value: unknown, output: 'json' | 'yaml'): string {
  return output === 'json' ? `${JSON.stringify(value)}\n` : toYaml(value);
}

/** Columns padded with blanks and set apart by tabs, as Helm prints them. */
function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, cell.length);
    });
  }
  return rows.map((row) => `${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('\t')}\n`).join('');
}

const chartOf = ({ chart }: ReleaseRecord): string => `${chart.metadata.name}-${chart.metadata.version}`;

/** An instant the way C's asctime writes it, in UTC. */
function ansi(instant: string): string {
  const at = new Date(instant);
  const [day = '', , month = ''] = at.toUTCString().replace(',', '').split(' ');
  return `${day} ${month} ${String(at.getUTCDate()).padStart(2)} ${at.toISOString().slice(11, 19)} ${at.getUTCFullYear()}`;
}

export async function history(
  client: KubeClient,
  namespace: string,
  name: string,
  max: number,
  output: Output,
): Promise<string> {
  const records = (await readHistory(client, namespace, name)).slice(-max);
  if (output !== 'table') {
    const entries = records.map((record) => ({
      revision: record.version,
      updated: record.info.last_deployed,
      status: record.info.status,
      chart: chartOf(record),
      app_version: record.chart.metadata.appVersion ?? '',
      description: record.info.description,
    }));
    return structured(entries, output);
  }
  const rows = records.map((record) => [
    String(record.version),
    ansi(record.info.last_deployed),
    record.info.status,
    chartOf(record),
    record.chart.metadata.appVersion ?? '',
    record.info.description,
  ]);
  return table([['REVISION', 'UPDATED', 'STATUS', 'CHART', 'APP VERSION', 'DESCRIPTION'], ...rows]);
}

export async function list(client: KubeClient, namespace: string | undefined, output: Output): Promise<string> {
  const newest = new Map<string, ReleaseRecord>();
  for (const record of await readRecords(client, namespace)) newest.set(`${record.namespace}/${record.name}`, record);
  const entries = [...newest.values()]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((record) => ({
      name: record.name,
      namespace: record.namespace,
      revision: String(record.version),
      updated: `${record.info.last_deployed.replace('T', ' ').replace('Z', '')} +0000 UTC`,
      status: record.info.status,
      chart: chartOf(record),
      app_version: record.chart.metadata.appVersion ?? '',
    }));
  if (output !== 'table') return structured(entries, output);
  const head = ['NAME', 'NAMESPACE', 'REVISION', 'UPDATED', 'STATUS', 'CHART', 'APP VERSION'];
  return table([head, ...entries.map((entry) => Object.values(entry))]);
}

/** The record of a revision; without one, of the newest. */
async function revisionOf(
  client: KubeClient,
  namespace: string,
  name: string,
  revision: number,
): Promise<ReleaseRecord> {
  const records = await readHistory(client, namespace, name);
  const record = revision === 0 ? records.at(-1) : records.find((candidate) => candidate.version === revision);
  if (record === undefined) throw new HelmError('release: not found');
  return record;
}

export async function status(
  client: KubeClient,
  namespace: string,
  name: string,
  revision: number,
  output: Output,
): Promise<string> {
  const record = await revisionOf(client, namespace, name, revision);
  if (output !== 'table') return structured(record, output);
  const { info } = record;
  const lines = [
    `NAME: ${record.name}`,
    `LAST DEPLOYED: ${ansi(info.last_deployed)}`,
    `NAMESPACE: ${record.namespace}`,
    `STATUS: ${info.status}`,
    `REVISION: ${record.version}`,
    `DESCRIPTION: ${info.description}`,
  ];
  return `${lines.join('\n')}\n${info.notes ? `NOTES:\n${info.notes}` : ''}`;
}

/** `helm get manifest|values|hooks|notes|metadata|all`. */
export async function get(
  client: KubeClient,
  namespace: string,
  what: string,
  name: string,
  options: { revision: number; output: Output; allValues: boolean },
): Promise<string> {
  const record = await revisionOf(client, namespace, name, options.revision);
  const hooks = record.hooks.map((hook) => `---\n# Source: ${hook.path}\n${hook.manifest}`).join('');
  const values = options.allValues ? { ...record.chart.values, ...record.config } : record.config;
  switch (what) {
    case 'manifest':
      return `${record.manifest}\n`;
    case 'hooks':
      return hooks;
    case 'notes':
      return `NOTES:\n${record.info.notes ?? ''}`;
    case 'values':
      if (options.output === 'table') return `USER-SUPPLIED VALUES:\n${toYaml(values)}`;
      return structured(values, options.output);
    case 'metadata': {
      const metadata = {
        name: record.name,
        chart: record.chart.metadata.name,
        version: record.chart.metadata.version,
        appVersion: record.chart.metadata.appVersion ?? '',
        namespace: record.namespace,
        revision: record.version,
        status: record.info.status,
        deployedAt: record.info.last_deployed,
      };
      if (options.output !== 'table') return structured(metadata, options.output);
      const line = ([key, value]: [string, string | number]): string => `${key.toUpperCase()}: ${value}\n`;
      return Object.entries(metadata).map(line).join('');
    }
    case 'all':
      return `${await status(client, namespace, name, record.version, 'table')}VALUES:\n${toYaml(values)}HOOKS:\n${hooks}MANIFEST:\n${record.manifest}\n`;
    default:
      throw new HelmError(`unknown command "${what}" for "helm get"`);
  }
}
