import { afterAll, beforeAll, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { makeHome } from '../helpers/home.ts';
import { until } from '../helpers/process.ts';
import { type Sandbox, startSandbox } from '../helpers/sandbox.ts';
import { connect } from '../helpers/session.ts';
import { declareFrom, eventsOf } from '../helpers/story.ts';

const CORE = 'pulsestream-core-prod';
const AGENT = 'pulsestream-agent-prod';
const bin = new Bin();
let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox(bin, 'bad-deploy');
});
afterAll(() => bin.empty());

/** What the server writes down by itself of the deploys, when an incident is declared with these releases configured. */
async function captured(releases: { name: string; namespace: string }[]): Promise<string> {
  const config = await sandbox.configured((raw) => {
    Object.assign(raw.environments.prod ?? {}, { releases, namespaces: [CORE, AGENT] });
  });
  const session = await connect(bin, await makeHome(bin, config), 'plain');
  try {
    const id = await declareFrom(session, 'SEV2');
    const events = await until(
      () => eventsOf(session, id),
      (seen) => seen.some(({ message }) => /deploy/.test(message)),
    );
    return events.find(({ message }) => /deploy/.test(message))?.message ?? '';
  } finally {
    await session.close();
  }
}

const NOT_THERE = { name: 'billing', namespace: AGENT };

test.each<[string, { name: string; namespace: string }[], RegExp]>([
  [
    'the deploys of the day',
    [
      { name: 'pulsestream-core', namespace: CORE },
      { name: 'pulsestream-agent', namespace: AGENT },
    ],
    /^deploys within 24 hours: pulsestream-core revision 12 \(deployed\) at [^;]+; pulsestream-core revision 11 \(failed\) at [^;]+$/,
  ],
  [
    'releases of which no history was found',
    [{ name: 'pulsestream-core', namespace: CORE }, NOT_THERE],
    /^deploys within 24 hours of 1 of 2 releases: pulsestream-core revision 12 .+; deploys of billing in pulsestream-agent-prod are unknown \(none\)$/,
  ],
  [
    'that there was none only of the releases that were seen',
    [{ name: 'pulsestream-agent', namespace: AGENT }, NOT_THERE],
    /^no deploy within 24 hours of 1 of 2 releases; deploys of billing in pulsestream-agent-prod are unknown/,
  ],
  [
    'nothing of a namesake in another namespace',
    [
      { name: 'pulsestream-core', namespace: AGENT },
      { name: 'pulsestream-agent', namespace: CORE },
    ],
    /^recent deploys are unknown: pulsestream-core in pulsestream-agent-prod: it has no history .+ 1 more are not seen\.$/,
  ],
])('the record has, from the declaration on, %s', async (_what, releases, expected) => {
  expect(await captured(releases)).toMatch(expected);
});
