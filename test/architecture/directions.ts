import type { Edge } from './sources.ts';

/**
 * Who may import what, one row a part of the tree. `own` are folders or files of the product, `packages` what comes from outside; node's own
 * modules are named one by one only where a part should do no I/O. Source: the plan of the house in CONTRIBUTING.
 */
export interface Part {
  /** Folder (with a slash at its end) or file. */
  part: string;
  own: readonly string[];
  /** Imports of types alone that are allowed on top. */
  types?: readonly string[];
  packages: readonly string[] | 'any';
}

const PURE = ['src/domain/', 'src/errors.ts'] as const;

export const PARTS: readonly Part[] = [
  { part: 'src/domain/', own: PURE, packages: ['node:crypto', 'yaml'] },
  { part: 'src/errors.ts', own: [], packages: [] },
  { part: 'src/policy/', own: ['src/policy/', ...PURE], packages: [] },
  { part: 'src/ports/', own: ['src/ports/'], types: ['src/domain/'], packages: [] },
  { part: 'src/config-lines.ts', own: ['src/errors.ts'], packages: ['yaml', 'zod'] },
  { part: 'src/config-defaults.ts', own: [], types: ['src/domain/'], packages: [] },
  {
    part: 'src/config.ts',
    own: ['src/config-defaults.ts', 'src/config-lines.ts', ...PURE],
    packages: ['node:os', 'node:path', 'zod'],
  },
  { part: 'src/adapters/', own: ['src/ports/', ...PURE], packages: 'any' },
  {
    part: 'src/mcp/',
    own: ['src/mcp/', 'src/policy/', 'src/ports/', ...PURE],
    types: ['src/config.ts'],
    packages: ['@modelcontextprotocol/server', 'node:events', 'zod'],
  },
  { part: 'tools/', own: ['tools/', 'src/mcp/', 'src/policy/', ...PURE], packages: ['node:crypto', 'zod'] },
  { part: 'prompts/', own: ['prompts/', 'src/mcp/', 'src/policy/', ...PURE], packages: [] },
  {
    part: 'src/page/client/',
    own: ['src/page/client/'],
    types: ['src/page/view.ts'],
    packages: ['@simplewebauthn/browser'],
  },
  {
    part: 'src/card/',
    own: ['src/card/', 'src/page/client/dom.ts', 'src/mcp/gate/words.ts', 'src/domain/text.ts'],
    packages: [],
  },
  {
    part: 'src/page/',
    own: ['src/page/', 'src/mcp/', 'src/policy/', 'src/ports/', ...PURE],
    packages: ['@simplewebauthn/server', 'node:crypto', 'node:http', 'node:net', 'zod'],
  },
  {
    part: 'src/cli/',
    own: [
      'src/cli/',
      'src/page/',
      'src/mcp/',
      'src/adapters/',
      'src/policy/',
      'src/ports/',
      'src/config.ts',
      'tools/',
      'prompts/',
      'package.json',
      ...PURE,
    ],
    packages: 'any',
  },
  { part: 'src/sandbox/', own: ['src/sandbox/'], packages: 'any' },
];

/** Imports from one adapter's folder into another's, each with its reason. All others are refused. */
export const BETWEEN_ADAPTERS: readonly { from: string; to: string; because: string }[] = [
  {
    from: 'src/adapters/prometheus/',
    to: 'src/adapters/http/',
    because: 'one HTTP client with deadline and size limit',
  },
  { from: 'src/adapters/alertmanager/', to: 'src/adapters/http/', because: 'the same' },
  { from: 'src/adapters/health/', to: 'src/adapters/http/', because: 'the same' },
  { from: 'src/adapters/statuspage/', to: 'src/adapters/http/', because: 'the same' },
  { from: 'src/adapters/fleet/', to: 'src/adapters/http/', because: 'the same' },
  { from: 'src/adapters/notify/', to: 'src/adapters/http/', because: 'the same' },
  {
    from: 'src/adapters/fleet/',
    to: 'src/adapters/prometheus/',
    because: 'the fleet can be a set of Prometheus queries',
  },
  {
    from: 'src/adapters/kubernetes/',
    to: 'src/adapters/commands/',
    because: 'exec plugins of a kubeconfig are programs',
  },
  {
    from: 'src/adapters/helm/',
    to: 'src/adapters/kubernetes/',
    because: "Helm's history lies in Secrets of the cluster",
  },
  {
    from: 'src/adapters/processes/',
    to: 'src/adapters/store/',
    because: "the lock's owner and an approval's runner are told by the same words",
  },
];

const within = (file: string, places: readonly string[]): boolean =>
  places.some((place) => (place.endsWith('/') ? file.startsWith(place) : file === place));

const adapterOf = (file: string): string | null => /^src\/adapters\/[^/]+\//.exec(file)?.[0] ?? null;

/** Why an import is not allowed; null when it is. */
export function refused(edge: Edge): string | null {
  const part = PARTS.find((p) => within(edge.from, [p.part]));
  if (!part) return 'its folder has no row in the table of directions';
  if (edge.package) {
    if (part.packages === 'any' || part.packages.includes(edge.to)) return null;
    return `${part.part} may use only ${part.packages.join(', ') || 'no packages'}`;
  }
  const [fromAdapter, toAdapter] = [adapterOf(edge.from), adapterOf(edge.to)];
  if (fromAdapter && toAdapter) {
    if (fromAdapter === toAdapter) return null;
    const allowed = BETWEEN_ADAPTERS.some((e) => e.from === fromAdapter && e.to === toAdapter);
    return allowed ? null : 'one adapter must not know another';
  }
  if (within(edge.to, part.own)) return null;
  if (edge.type_only && within(edge.to, part.types ?? [])) return null;
  return `${part.part} may import only ${part.own.join(', ')}`;
}
