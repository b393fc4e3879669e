import { afterAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { makeHome } from '../helpers/home.ts';
import { startSandbox } from '../helpers/sandbox.ts';
import type { Plan } from './assistant/answers.ts';
import { Assistant } from './assistant/assistant.ts';
import { connectAssistant, GENERATIONS, type Generation } from './assistant/client.ts';
import { plan, tellCustomers, watch } from './assistant/mitigate.ts';
import { Person } from './assistant/person.ts';
import { triage } from './assistant/triage.ts';
import { moveWords, tableOf, type Verdict, wrongs } from './assistant/verdict.ts';

/** Scenario and what people report; where nobody does, the signals speak alone. */
const SCENARIOS: readonly (readonly [string, string | null])[] = [
  ['healthy', null],
  ['bad-deploy', null],
  ['agent-disconnect', null],
  ['database-outage', null],
  ['memory-leak', null],
  ['llm-outage', 'Analyses are slow.'],
  ['single-tenant', null],
  ['ui-glitch', 'Support ticket: a column of the web interface is misaligned. Workaround: another browser.'],
  ['red-herring', null],
];
const SPEED = '5';
const EXPECTED_END: Record<string, string> = { 'database-outage': 'mitigated' };

const verdicts: Verdict[] = [];
afterAll(() => void process.stdout.write(`\n${tableOf(verdicts)}\n`));

/** One incident by the prompts alone; the truth is asked when the assistant has nothing more to do. */
async function play(bin: Bin, scenario: string, symptom: string | null, generation: Generation): Promise<Verdict> {
  const sandbox = await startSandbox(bin, scenario, '--speed', SPEED);
  const person = new Person(symptom);
  const wire = await connectAssistant(bin, await makeHome(bin, sandbox.config), generation, (form) =>
    person.answer(form),
  );
  const assistant = new Assistant(wire);

  const seen = await triage(assistant, person);
  let done: Plan | null = null;
  let proposal = assistant.cost();
  if (seen.incident !== null && seen.move !== null) {
    const gated = await plan(assistant, person, seen.incident, seen.move);
    proposal = assistant.cost();
    expect(gated.status).toBe('executed');
    done = gated.plan;
    const end = await watch(assistant, seen, done);
    expect(end).toBe(EXPECTED_END[scenario] ?? 'resolved');
  } else if (seen.incident !== null && seen.provider !== null) {
    expect((await tellCustomers(assistant, person, seen.incident)).action_needed).toBe(false);
  }

  const truth = done === null ? await sandbox.truth() : await sandbox.recovered();
  const { data } = await wire.call('list_incidents', {});
  const incidents = data.incidents as { severity: string }[];
  const severity = incidents[0]?.severity ?? 'none';
  expect(incidents).toHaveLength(truth.severity === 'none' ? 0 : 1);
  return {
    scenario,
    generation,
    proposal,
    calls_in_all: assistant.cost().calls,
    severity,
    move: moveWords(done),
    wrong: wrongs(truth, severity, done, proposal),
  };
}

describe.each(GENERATIONS)('an assistant that knows only the prompts, by a %s-generation client', (generation) => {
  test.each(SCENARIOS)('%s', async (scenario, symptom) => {
    const bin = new Bin();
    try {
      const verdict = await play(bin, scenario, symptom, generation);
      verdicts.push(verdict);
      expect(verdict.wrong).toEqual([]);
    } finally {
      await bin.empty();
    }
  });
});
