import { join } from 'node:path';
import { JOURNAL } from '../../ports/store.ts';

export const TIMELINE = 'timeline.jsonl';
export const SNAPSHOT = 'state.json';

const INCIDENT_ID = /^INC-(\d{4,9})$/;
const APPROVAL_ID = /^APR-[A-Za-z0-9]{10}$/;
const DOCUMENT_NAME = /^[a-z0-9][a-z0-9_-]{0,60}(\.[a-z0-9]{1,10}){1,2}$/i;
const DAMAGED_COPY = /^timeline\.damaged-\d+\.jsonl$/;

export interface Layout {
  root: string;
  incidents: string;
  approvals: string;
  heads: string;
  /** The folder of a stream; null for a name that is none, which is how paths from outside never get in. */
  stream(stream: string): string | null;
  /** The file of an approval; null for a name that is none. */
  approval(id: string): string | null;
}

/** Where what lies. Pure. */
export function layoutOf(root: string): Layout {
  const incidents = join(root, 'incidents');
  const approvals = join(root, 'approvals');
  return {
    root,
    incidents,
    approvals,
    heads: join(root, 'heads'),
    stream: (stream) =>
      stream === JOURNAL ? join(root, 'journal') : INCIDENT_ID.test(stream) ? join(incidents, stream) : null,
    approval: (id) => (APPROVAL_ID.test(id) ? join(approvals, `${id}.json`) : null),
  };
}

export const incidentId = (n: number): string => `INC-${String(n).padStart(4, '0')}`;
/** 7 of `INC-0007`; null for anything else. */
export function incidentNumber(name: string): number | null {
  const match = INCIDENT_ID.exec(name);
  return match ? Number(match[1]) : null;
}
export const isApprovalFile = (name: string): boolean => name.endsWith('.json') && APPROVAL_ID.test(name.slice(0, -5));
export const isDamagedCopy = (name: string): boolean => DAMAGED_COPY.test(name);
/** Names that a caller may give to a text beside an incident; those of the record itself are not among them. */
export const isDocumentName = (name: string): boolean =>
  DOCUMENT_NAME.test(name) && name !== SNAPSHOT && !name.startsWith('timeline') && !name.endsWith('.tmp');
