import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { type Instant, isInstant, toInstant } from '../../domain/instant.ts';
import { objectsIn } from '../../domain/manifest-diff.ts';
import { maskText } from '../../domain/mask.ts';
import type { Revision, RevisionPayload } from '../../domain/observe.ts';
import { type HelmRecord, recordSchema } from './schema.ts';

const unzip = promisify(gunzip);
/** Bytes of an unpacked record; a Secret holds 1 MiB at most, so this is a bound against a bomb. */
const MAX_RECORD = 32 * 1024 * 1024;
const GZIP_MAGIC = Buffer.from([0x1f, 0x8b, 0x08]);

/** Unpacks the `release` field of a Secret: base64 of the API, base64 of Helm, gzip, JSON. Rejects when any of them is broken. */
export async function decodeRecord(field: string): Promise<HelmRecord> {
  const packed = Buffer.from(Buffer.from(field, 'base64').toString('latin1'), 'base64');
  // Helm 2 and very old Helm 3 stored it unpacked; Helm still reads that, by the magic number.
  const json = packed.subarray(0, 3).equals(GZIP_MAGIC) ? await unzip(packed, { maxOutputLength: MAX_RECORD }) : packed;
  return recordSchema.parse(JSON.parse(json.toString('utf8')));
}

/** The facts of the labels with those of the record over them. */
export function withRecord(revision: Revision, record: HelmRecord): Revision {
  const chart = record.chart?.metadata;
  const { last_deployed, deleted, rollback_revision } = record.info;
  const uninstalled_at = instantOf(deleted);
  return {
    ...revision,
    chart: chart?.name ? `${chart.name}-${chart.version}` : null,
    app_version: chart?.appVersion || null,
    deployed_at: instantOf(last_deployed) ?? revision.deployed_at,
    // Of a failed operation it is Helm's error, which can quote the objects of the chart.
    description: record.info.description ? maskText(record.info.description) : null,
    ...(uninstalled_at === null ? {} : { uninstalled_at }),
    ...(rollback_revision ? { rollback_to: rollback_revision } : {}),
  };
}

/** Go prints nanoseconds and the zero time as year 1; an empty string is an unset one. */
function instantOf(text: string): Instant | null {
  const instant = text.replace(/(\.\d{9})\d+/, '$1');
  return isInstant(instant) && !instant.startsWith('0001-') ? toInstant(new Date(instant)) : null;
}

export function toPayload(revision: Revision, record: HelmRecord): RevisionPayload {
  return {
    ...withRecord(revision, record),
    manifest: record.manifest,
    hooks: (record.hooks ?? []).map(({ name, kind, events }) => ({ name, kind, events: events ?? [] })),
    hook_manifests: (record.hooks ?? []).map(({ manifest }) => manifest).join('\n---\n'),
    crds: crdsOf(record),
    config: record.config ?? {},
  };
}

/** Names of the chart's custom resource definitions: its `crds/` folder, which Helm installs once and never rolls back. */
function crdsOf(record: HelmRecord): string[] {
  const names = (record.chart?.files ?? [])
    .filter(({ name }) => /^crds\/.+\.(ya?ml|json)$/.test(name))
    .flatMap(({ name, data }) => {
      try {
        return objectsIn(Buffer.from(data, 'base64').toString('utf8'), name).map((object) => object.name);
      } catch {
        // Not our file to judge: its name says enough for a warning.
        return [name];
      }
    });
  return [...new Set(names)];
}
