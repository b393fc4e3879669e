import type { Bin } from '../../helpers/bin.ts';
import { type Home, makeHome } from '../../helpers/home.ts';
import { until } from '../../helpers/process.ts';
import { approving, connect, type Form, type Human, type Session } from '../../helpers/session.ts';
import type { Lab } from '../lab/lab.ts';
import { writeConfiguration } from './at-hand.ts';

/** The engineer on call: a client with a form, on a server of its own for these namespaces. */
export async function onCall(
  bin: Bin,
  namespaces: string[],
  options: { lab?: Lab; deadline?: string; home?: Home } = {},
): Promise<{ session: Session; home: Home }> {
  const config = await writeConfiguration(bin, {
    namespaces,
    more: { rollout_deadline: options.deadline ?? '20s', source_deadline: '3s' },
    ...(options.lab ? { lab: options.lab } : {}),
  });
  const home = options.home?.using(config) ?? (await makeHome(bin, config));
  const session = await connect(bin, home, 'second');
  session.human = approving();
  return { session, home };
}

/** Approves after something happened while the form was open. */
export const meanwhile =
  (happens: (form: Form) => Promise<unknown>, target?: string): Human =>
  async (form) => {
    await happens(form);
    return approving(target)(form);
  };

interface Told {
  approval_id: string;
  status: string;
  outcome?: { summary: string; details: Record<string, unknown> };
}

/** The newest approval once it does not run any more. */
export const settled = async (session: Session, deadlineMs = 20_000): Promise<Told> =>
  until(
    async () => {
      const { approvals } = await session.ok('get_approval', {});
      return (approvals as Told[])[0] as Told;
    },
    (newest) => !['in_progress', 'approval_required', 'running', 'pending', 'approved'].includes(newest.status),
    deadlineMs,
  );

/** What a gated tool answered. */
export interface Gated {
  status: string;
  plan: { warnings: string[]; risk: string; target: string; command: string[]; blast_radius: { pods: number } };
  outcome?: { summary: string; details: Record<string, unknown> };
}
export const gated = async (session: Session, tool: string, args: Record<string, unknown>): Promise<Gated> =>
  (await session.ok(tool, { reason: 'a test of the real thing', ...args })) as unknown as Gated;
