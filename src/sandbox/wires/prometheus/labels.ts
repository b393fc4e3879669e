import type { Strings } from '../../platform/types.ts';

export function unnamed(labels: Strings): Strings {
  const { __name__: _name, ...rest } = labels;
  return rest;
}

/** The same for the same labels, in whatever order they are. */
export function keyOf(labels: Strings): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}
