import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isOpen, read, STATUSES } from '../../src/card/model.ts';
import { APPROVAL_STATUSES, type Approval } from '../../src/domain/approval.ts';
import { GATE_STATUSES, gateResult, howToApprove } from '../../src/mcp/gate/result.ts';

const ID = 'APR-7K2M9Q4XBT';
const PAGE = `http://localhost:40123/approvals/${ID}`;
const approval: Approval = {
  approval_id: ID,
  tool: 'restart_service',
  arguments_hash: 'x',
  incident_id: 'INC-0001',
  plan: {
    action: 'restart_service',
    environment: 'prod',
    cluster: 'prod-eu',
    target: 'analysis-engine',
    namespace: 'core',
    from: 'not restarted by hand so far',
    to: 'new pods of the same template',
    command: ['kubectl', 'rollout', 'restart', 'deployment/analysis-engine', '--namespace=core'],
    changes: [{ kind: 'Deployment', name: 'analysis-engine', field: 'restartedAt', from: null, to: 'now' }],
    changes_total: 1,
    blast_radius: { pods: 3, customers: null },
    warnings: ['One replica: expect a gap.'],
    risk: 'medium',
    reason: 'stuck',
    digest: 'd',
    expires_at: '2026-03-02T12:10:00Z',
  },
  world: {},
  status: 'pending',
  ways: ['client_form', 'terminal', 'page_secret', 'passkey'],
  approvers_needed: 1,
  decisions: [],
  requested_by: 'chat 1.0.0',
  created_at: '2026-03-02T12:00:00Z',
  expires_at: '2026-03-02T12:10:00Z',
  secret_id: null,
  passkeys: [],
  runner: null,
  outcome: null,
};
const asResult = (structuredContent: unknown) => ({ content: [{ type: 'text', text: 'said' }], structuredContent });
const planOf = (structuredContent: unknown) => {
  const shown = read(asResult(structuredContent));
  return shown.kind === 'plans' ? shown.plans[0] : undefined;
};
const gate = (changes: object = {}) => ({
  ...gateResult(approval, 'm', { form: true, page: PAGE }),
  ...changes,
});

describe('what the card reads from a result', () => {
  it('are the plan, the page and the form in the very words of the gate', () => {
    const shown = read(asResult(gate()));
    expect(shown).toMatchObject({ kind: 'plans', gated: true });
    expect(planOf(gate())).toMatchObject({
      id: ID,
      status: 'pending',
      page: PAGE,
      form: true,
      target: 'analysis-engine',
      command: 'kubectl rollout restart deployment/analysis-engine --namespace=core',
      pods: 3,
      customers: null,
      expiresAt: Date.parse('2026-03-02T12:10:00Z'),
    });
  });

  it('is no button where there is no such way', () => {
    const ways = howToApprove(approval, { form: false, page: null });
    expect(planOf(gate({ how_to_approve: ways }))).toMatchObject({ page: null, form: false });
  });

  it('are all statuses of the gate and of the record', () => {
    expect([...STATUSES].sort()).toEqual([...APPROVAL_STATUSES].sort());
    for (const status of [...GATE_STATUSES, ...APPROVAL_STATUSES]) expect(planOf(gate({ status }))).toBeDefined();
    expect(STATUSES.filter(isOpen)).toEqual(['pending', 'approved', 'running']);
  });

  it.each([
    ['of another host', 'open http://evil.example/approvals/APR-7K2M9Q4XBT (it asks'],
    ['with a user that looks like the host', `open http://localhost:1@evil.example/approvals/${ID} (it asks`],
    ['of a host that begins alike', `open http://localhost.evil.example:80/approvals/${ID} (it asks`],
    ['of another scheme', `open javascript:alert(1)//http://localhost:1/approvals/${ID} (it asks`],
    ['that goes on', `open http://localhost:40123/approvals/${ID}/../../x (it asks`],
    ['with a query', `open http://localhost:40123/approvals/${ID}?secret=1 (it asks`],
    ['of another plan', 'open http://localhost:40123/approvals/APR-0000000000 (it asks'],
    ['without a port', `open http://localhost/approvals/${ID} (it asks`],
    ['over a line', `open http://localhost:40123/approvals/${ID}\n (it asks`],
  ])('is never an address %s', (_name, way) => {
    expect(planOf(gate({ how_to_approve: [way] }))?.page ?? null).toBeNull();
  });

  it('are texts without what is not drawn: a value cannot pretend to be another', () => {
    const plan = planOf(
      gate({
        plan: {
          ...approval.plan,
          target: 'ana\u200blysis\u202e-engine',
          command: ['helm', 'a\u202eb'],
          changes: [{ kind: 'K', name: 'n', field: 'f', from: '\u001b[31mred', to: `x${'y'.repeat(3_000)}` }],
        },
      }),
    );
    expect(plan?.target).toBe('analysis-engine');
    expect(plan?.command).toBe('helm "a\\u202eb"');
    expect(plan?.changes[0]?.from).toBe('red');
    expect(plan?.changes[0]?.to).toMatch(/y… \(1001 more characters\)$/);
  });

  it.each([
    ['an error', { isError: true, content: [{ type: 'text', text: 'CONFLICT: no.' }], structuredContent: gate() }],
    ['a result without structure', { content: [{ type: 'text', text: 'CONFLICT: no.' }] }],
    [
      'a list without approvals',
      { content: [{ type: 'text', text: 'CONFLICT: no.' }], structuredContent: { approvals: [] } },
    ],
    [
      'a plan without a sound id',
      { ...asResult(gate({ approval_id: 'APR-1"' })), content: [{ text: 'CONFLICT: no.' }] },
    ],
  ])('is the text of %s', (_name, result) => {
    expect(read(result)).toMatchObject({ kind: 'text', text: 'CONFLICT: no.' });
  });

  it('is something for whatever comes, and an address only of the one form', () => {
    const hostile = fc.oneof(
      fc.anything(),
      fc.record({ structuredContent: fc.anything(), content: fc.anything() }),
      fc
        .record({
          status: fc.constantFrom(...GATE_STATUSES),
          plan: fc.dictionary(fc.string(), fc.anything()),
          how: fc.array(fc.string()),
        })
        .map(({ status, plan, how }) =>
          asResult({ ...gate({ status, how_to_approve: how }), plan: { ...approval.plan, ...plan } }),
        ),
    );
    fc.assert(
      fc.property(hostile, (result) => {
        const shown = read(result);
        expect(['plans', 'incident', 'text']).toContain(shown.kind);
        if (shown.kind === 'plans')
          for (const { page } of shown.plans)
            expect(page ?? 'http://localhost:1/approvals/APR-0000000000').toMatch(
              /^http:\/\/localhost:\d{1,5}\/approvals\/APR-[0-9A-Z]{10}$/,
            );
      }),
      { numRuns: 2_000, ...(process.env.INCIDENT_MCP_SEED ? { seed: Number(process.env.INCIDENT_MCP_SEED) } : {}) },
    );
  });
});
