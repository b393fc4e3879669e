import { PasskeyFile } from '../../adapters/passkeys/index.ts';
import type { Config } from '../../config.ts';
import { describeDemands, type PolicyCase, policyCases, WAY_WORDS } from '../../policy/approval-policy.ts';
import { type Enrolled, reachOf } from '../../policy/who-can.ts';
import { type ApproverSecret, approverSecrets } from '../approver-secret.ts';
import { check, type Finding, fail, ok, type Said, warn } from './check.ts';

/** The policy of one environment in words, and who could approve under it now; without rules it is the built-in one. */
export const policyCheck = (name: string, config: Config): Promise<Finding> =>
  check(name, 'approval policy', async () => {
    const who = await enrolled(config);
    const isProtected = config.environments[name]?.protected ?? true;
    const cases = policyCases({ name, protected: isProtected }, config.approval.policy, config.approval.lifetime);
    const looks = cases.map((one) => look(one, who));
    const found = [
      isProtected ? 'protected' : 'not protected',
      ...looks.flatMap(({ lines }) => lines),
      `at present: ${presentWords(who, config)}`,
    ].join('\n');
    return judged(found, looks);
  });

/** A file that is missing or damaged lets nobody in; its own check says so. */
async function enrolled(config: Config): Promise<Enrolled> {
  const secrets = await approverSecrets(config.secret_file).catch((): ApproverSecret[] => []);
  const passkeys = await new PasskeyFile(config.passkeys_file).all().catch(() => []);
  return {
    shared: secrets.some(({ person }) => person === null),
    named: secrets.flatMap(({ person }) => person ?? []),
    passkeys: [...new Set(passkeys.map(({ person }) => person))],
    operator: config.operator,
  };
}

interface Look {
  lines: string[];
  /** Why nobody, or not enough people, could approve; with what to do. */
  blocked: { why: string; next: string } | null;
  /** What a rule names and nobody can use. */
  unused: { why: string; next: string } | null;
}

function look({ rule, when, demands }: PolicyCase, who: Enrolled): Look {
  const { open, closed, people } = reachOf(demands, who);
  const lines = [`${when}: ${describeDemands(demands)}`];
  const [first] = closed;
  for (const { way, why } of closed) lines.push(`  now nobody by ${WAY_WORDS[way]} (${why})`);
  const needed = demands.approvers_needed;
  const short = open.length === 0 || (people !== null && people < needed);
  if (short && open.length > 0)
    lines.push(
      `  now only ${people} of ${needed} could approve${demands.exclude_requester ? `, ${who.operator} left out` : ''}`,
    );
  const next = first?.next ?? 'enrol another person: `incident-mcp init --secret-only --approver NAME`';
  return {
    lines,
    blocked: short ? { why: `${when}: a plan could not be approved now.`, next: `${next}.` } : null,
    // The built-in policy takes whatever there is; a rule that names a way means it.
    unused: rule !== null && first ? { why: '', next: `${first.next}.` } : null,
  };
}

function judged(found: string, looks: readonly Look[]): Said {
  const blocked = looks.find((one) => one.blocked !== null)?.blocked;
  if (blocked) return fail(`${found}\n${blocked.why}`, blocked.next);
  const unused = looks.find((one) => one.unused !== null)?.unused;
  return unused ? warn(found, unused.next) : ok(found);
}

function presentWords(who: Enrolled, config: Config): string {
  const secrets = [
    ...(who.named.length > 0 ? [`secrets of ${who.named.join(', ')}`] : []),
    ...(who.shared ? ['the shared secret (names are typed)'] : []),
  ];
  return [
    secrets.join(' and ') || 'no secret',
    who.passkeys.length > 0 ? `passkeys of ${who.passkeys.join(', ')}` : 'no passkey',
    config.approval.page.enabled === 'off'
      ? 'the page is off here, and opened by `incident-mcp page`'
      : 'the page opens when a plan waits for it',
    `plans are asked for by ${who.operator}`,
  ].join('; ');
}
