import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { makeHome } from '../helpers/home.ts';
import { type Sandbox, startSandbox } from '../helpers/sandbox.ts';
import { connect, type Session } from '../helpers/session.ts';

const bin = new Bin();
afterAll(() => bin.empty());

const WIRES = ['kubernetes', 'prometheus', 'alertmanager', 'statuspage'];
const LEVELS = ['SEV4', 'SEV3', 'SEV2', 'SEV1'];
const SURE = ['low', 'medium', 'high'];

interface Assessment {
  severity: string;
  confidence: string;
  reasons: string[];
  row: { severity: string };
  respond_by: string;
  sources: { name: string; status: string }[];
}
const level = (a: Assessment): number => LEVELS.indexOf(a.severity);
const sureness = (a: Assessment): number => SURE.indexOf(a.confidence);

describe.each([
  ['healthy', 'SEV4', 'SEV4'],
  ['single-tenant', 'SEV3', 'SEV4'],
  ['bad-deploy', 'SEV2', 'SEV2'],
  ['database-outage', 'SEV1', 'SEV1'],
])('%s', (scenario, right, withWorkaround) => {
  let sandbox: Sandbox;
  let session: Session;
  beforeAll(async () => {
    sandbox = await startSandbox(bin, scenario, '--speed', '1');
    session = await connect(bin, await makeHome(bin, sandbox.config), 'second');
  });
  afterAll(() => session.close());
  afterEach(async () => {
    for (const wire of WIRES) await sandbox.fault(wire, 'none');
  });
  const assess = async (args: Record<string, unknown> = {}): Promise<Assessment> =>
    (await session.ok('assess_severity', args)) as unknown as Assessment;

  test('with all sources: the right level, sure, with its row', async () => {
    const seen = await assess();
    expect(seen).toMatchObject({ severity: right, confidence: 'high', row: { severity: right } });
    expect(seen.sources.every((source) => source.status === 'ok')).toBe(true);
    expect(Date.parse(seen.respond_by)).toBeGreaterThan(Date.now() - 5_000);
  });

  test.each([...WIRES.map((wire) => [[wire]]), [['kubernetes', 'prometheus']], [WIRES]])(
    'without %j: less sure, not lower, and the source is named',
    async (wires) => {
      const before = await assess();
      for (const wire of wires) await sandbox.fault(wire, '500');
      const seen = await assess();
      // With nothing left to read no figure can say SEV1: what asks for a look at once is the most that can be known.
      const floor = wires.length === WIRES.length ? Math.min(level(before), LEVELS.indexOf('SEV2')) : level(before);
      expect(level(seen)).toBeGreaterThanOrEqual(floor);
      expect(seen.reasons.join('\n')).toMatch(/less sure: .+ could not be read/);
      expect(sureness(seen), seen.reasons.join('\n')).toBeLessThan(sureness(before));
      expect(seen.sources.some((source) => source.status === 'error')).toBe(true);
    },
  );

  test('a workaround lowers SEV3 and nothing else', async () => {
    const seen = await assess({ workaround: true });
    expect(seen.severity).toBe(withWorkaround);
    if (right === 'SEV3') expect(seen.reasons.join('\n')).toContain('a workaround is available');
    else if (right !== 'SEV4') expect(seen.reasons.join('\n')).toContain(`a workaround does not lower ${right}`);
    expect((await assess({ workaround: false })).severity).toBe(right);
  });
});
