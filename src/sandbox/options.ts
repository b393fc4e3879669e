/** The scenarios of the sandbox, in the order of the documentation. */
export const SCENARIO_NAMES = [
  'healthy',
  'bad-deploy',
  'agent-disconnect',
  'database-outage',
  'memory-leak',
  'llm-outage',
  'single-tenant',
  'ui-glitch',
  'red-herring',
] as const;

export type ScenarioName = (typeof SCENARIO_NAMES)[number];

export interface SandboxOptions {
  scenario: ScenarioName;
  /** How many simulated seconds pass in a real one. */
  speed: number;
  /** Given by the caller or null; null also makes the approver's secret random. */
  seed: number | null;
  /** Total number of pods wanted; the platform's own come first, filler makes up the rest. */
  pods: number;
  exitWithParent: boolean;
  /** Folder to use in place of a fresh temporary one; it is left behind on exit. */
  dir: string | null;
}

export type ParsedArguments =
  | { kind: 'run'; options: SandboxOptions }
  | { kind: 'help'; text: string }
  | { kind: 'wrong'; message: string };

export const USAGE = `Usage: sandbox [SCENARIO] [--speed N] [--seed N] [--pods N] [--exit-with-parent] [--dir DIR]

A platform in a box: Kubernetes, Prometheus, Alertmanager, health endpoints, a status page and sinks on loopback.
Prints one JSON line when everything listens, and runs until it is told to end.

Scenarios: ${SCENARIO_NAMES.join(', ')} (default bad-deploy)

  --speed N           simulated seconds in a real one (0.1 to 1000, default 1)
  --seed N            names, numbers and the approver's secret follow from it (an integer)
  --pods N            fill the cluster up to N pods (at most 50000)
  --exit-with-parent  end when standard input ends
  --dir DIR           use this folder, and leave it behind, in place of a temporary one
`;

function isScenario(name: string): name is ScenarioName {
  return (SCENARIO_NAMES as readonly string[]).includes(name);
}

export function parseArguments(argv: readonly string[]): ParsedArguments {
  const options: SandboxOptions = {
    scenario: 'bad-deploy',
    speed: 1,
    seed: null,
    pods: 0,
    exitWithParent: false,
    dir: null,
  };
  const wrong = (message: string): ParsedArguments => ({ kind: 'wrong', message });
  let named = false;
  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--help' || word === '-h') return { kind: 'help', text: USAGE };
    if (word === '--exit-with-parent') {
      options.exitWithParent = true;
      continue;
    }
    if (!word.startsWith('-')) {
      if (named) return wrong(`unexpected argument ${JSON.stringify(word)}`);
      if (!isScenario(word)) {
        return wrong(`unknown scenario ${JSON.stringify(word)}; known are ${SCENARIO_NAMES.join(', ')}`);
      }
      options.scenario = word;
      named = true;
      continue;
    }
    const equals = word.indexOf('=');
    const flag = equals < 0 ? word : word.slice(0, equals);
    if (!['--speed', '--seed', '--pods', '--dir'].includes(flag)) return wrong(`unknown option ${flag}`);
    const value = equals < 0 ? rest.shift() : word.slice(equals + 1);
    if (value === undefined || value === '') return wrong(`${flag} needs a value`);
    if (flag === '--dir') {
      options.dir = value;
      continue;
    }
    const number = Number(value);
    if (flag === '--speed') {
      if (!(number >= 0.1 && number <= 1000)) return wrong('--speed must be a number from 0.1 to 1000');
      options.speed = number;
    } else if (flag === '--seed') {
      if (!Number.isSafeInteger(number)) return wrong('--seed must be an integer');
      options.seed = number;
    } else {
      if (!Number.isInteger(number) || number < 0 || number > 50_000) {
        return wrong('--pods must be an integer from 0 to 50000');
      }
      options.pods = number;
    }
  }
  return { kind: 'run', options };
}
