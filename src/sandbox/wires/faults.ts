export const WIRE_NAMES = [
  'kubernetes',
  'prometheus',
  'alertmanager',
  'health',
  'statuspage',
  'slack',
  'pagerduty',
  'webhook',
] as const;

export type WireName = (typeof WIRE_NAMES)[number] | 'control';

export const FAULT_MODES = [
  'none',
  'silent',
  'refuse',
  '401',
  '403',
  '404',
  '429',
  '500',
  'half',
  'garbage',
  'slow',
] as const;

/** A fault in force: a number is an HTTP status to answer with; null is none. */
export type Fault = 'silent' | 'refuse' | 'half' | 'garbage' | 'slow' | number | null;

/**
 * The faults that the control wire has set.
 * silent: accept and never answer. refuse: destroy the connection at once. half: half the body, then destroy.
 * garbage: 200 with what is not JSON. slow: one byte in 100 ms.
 */
export interface Faults {
  of(wire: WireName, path: string): Fault;
  /** Sets a fault; `path` limits it to the paths that contain it. Returns what is wrong with the request, or null. */
  set(wire: unknown, mode: unknown, path: unknown): string | null;
}

export function createFaults(): Faults {
  const rules = new Map<string, { fault: Fault; path: string }>();
  return {
    of(wire, path) {
      const rule = rules.get(wire);
      return rule !== undefined && path.includes(rule.path) ? rule.fault : null;
    },
    set(wire, mode, path) {
      if (!(WIRE_NAMES as readonly unknown[]).includes(wire)) return `wire must be one of ${WIRE_NAMES.join(', ')}`;
      const known = FAULT_MODES.find((candidate) => candidate === String(mode));
      if (known === undefined) return `mode must be one of ${FAULT_MODES.join(', ')}`;
      if (path !== undefined && typeof path !== 'string') return 'path must be a string';
      const fault = known === 'none' ? null : /^\d+$/.test(known) ? Number(known) : (known as Fault);
      if (fault === null) rules.delete(wire as string);
      else rules.set(wire as string, { fault, path: path ?? '' });
      return null;
    },
  };
}
