import { describe, expect, it } from 'vitest';
import { APPROVAL_STATUSES } from '../../src/domain/approval.ts';
import { gateOutput, gateResult, howToApprove } from '../../src/mcp/gate/result.ts';
import { commandLine, formMessage, planLines, planTitle, renderGate } from '../../src/mcp/gate/words.ts';
import { approval, plan } from '../domain/builders.ts';

const MEANS = { form: true, page: null };
const change = (n: number) => ({ kind: 'Deployment', name: `svc-${n}`, field: 'image', from: 'a:1', to: null });
const whole = plan({
  changes: Array.from({ length: 20 }, (_, i) => change(i + 1)),
  changes_total: 23,
  warnings: ['Argo CD owns these objects.', 'Revision 11 was skipped: it failed.'],
});

describe('what the human is shown', () => {
  it('holds what decides: action, target, place, from, to, command, blast radius, reason, warnings, expiry', () => {
    const text = planLines(whole).join('\n');
    for (const part of [
      'rollback_release (medium risk)',
      'pulsestream-core in namespace pulsestream-core-prod',
      'prod (https://10.0.0.1:6443)',
      '12 -> 10',
      'helm rollback pulsestream-core 10',
      '3 pods, customers unknown',
      'bad deploy',
      '! Argo CD owns these objects.',
      '! Revision 11 was skipped: it failed.',
      '2026-03-02T12:10:00Z',
    ]) {
      expect(text).toContain(part);
    }
  });

  it('shows the first changes and counts all of them', () => {
    const lines = planLines(whole);
    expect(lines).toContain('Changes (23):');
    expect(lines).toContain('- Deployment/svc-8 image: a:1 -> (none)');
    expect(lines).not.toContain('- Deployment/svc-9 image: a:1 -> (none)');
    expect(lines).toContain('- ... and 15 more');
    expect(planLines(plan({ changes_total: 0 }))).toContain('Changes:      none that can be seen');
  });

  it('quotes what a shell would read otherwise, so that no argument hides', () => {
    expect(commandLine(['helm', 'rollback', 'core', '10', '--namespace=core-prod'])).toBe(
      'helm rollback core 10 --namespace=core-prod',
    );
    expect(commandLine(['echo', 'a b', '', '$(x)', "it's"])).toBe(`echo "a b" "" "$(x)" "it's"`);
  });

  it('has a title and a message of the form', () => {
    expect(planTitle(plan())).toBe('rollback_release pulsestream-core in prod: 12 -> 10');
    const high = formMessage(approval({ plan: plan({ risk: 'high' }) }));
    expect(high).toContain('APR-7K2M9Q4XBT');
    expect(high).toContain('High risk: type the target ("pulsestream-core") to confirm.');
    expect(formMessage(approval())).not.toContain('High risk');
  });
});

describe('the ways to approve', () => {
  it.each([
    [['client_form', 'terminal'], 2],
    [['terminal'], 1],
    [['client_form'], 1],
  ] as const)('%s', (ways, n) => {
    expect(howToApprove(approval({ ways: [...ways] }), MEANS)).toHaveLength(n);
  });

  it('are those that exist here: no form where the client has none, and the page where there is one', () => {
    const page = 'http://localhost:4000/approvals/APR-7K2M9Q4XBT';
    const ways = howToApprove(approval({ ways: ['client_form', 'page_secret'] }), { form: false, page });
    expect(ways).toEqual([expect.stringContaining(page)]);
  });

  it.each(APPROVAL_STATUSES.filter((status) => status !== 'pending'))('are none when it is %s', (status) => {
    expect(howToApprove(approval({ status }), MEANS)).toEqual([]);
  });
});

describe("the gate's answer", () => {
  it.each(APPROVAL_STATUSES)(
    'of an approval that is %s fits the output schema and starts with its status',
    (status) => {
      const result = gateResult(approval({ status }), 'words.', MEANS);
      expect(gateOutput.safeParse(result).success).toBe(true);
      expect(renderGate(result)).toMatch(new RegExp(`^${result.status} APR-7K2M9Q4XBT: words\\.`));
    },
  );

  it('shows plan and ways while a human must decide, and the outcome after it ran', () => {
    const open = renderGate(gateResult(approval(), 'show it.', MEANS));
    expect(open).toContain('Command:      helm rollback pulsestream-core 10');
    expect(open).toContain('incident-mcp approve APR-7K2M9Q4XBT');
    const outcome = {
      status: 'executed' as const,
      summary: 'now revision 13',
      started_at: '2026-03-02T12:01:00.000Z',
      finished_at: '2026-03-02T12:02:00.000Z',
      details: {},
    };
    const done = renderGate(gateResult(approval({ status: 'executed', outcome }), 'it ran once.', MEANS));
    expect(done).toMatch(/<untrusted source="outcome" id="[0-9a-f]+">\nnow revision 13/);
    expect(done).not.toContain('A human approves');
  });
});
