import type { Processes, ProcessIdentity } from '../../ports/processes.ts';
import { isGone, thisProcess } from '../store/owner.ts';

const SEPARATOR = '\n';

/** This process as the runner of what it runs. */
export async function selfIdentity(): Promise<ProcessIdentity> {
  const self = await thisProcess();
  return { pid: self.pid, token: [self.host, self.start ?? ''].join(SEPARATOR) };
}

/** Liveness by pid, boot and start time; a process on another host counts as alive, since it cannot be known. */
export function createProcesses(): Processes {
  return {
    alive: async (identity) => {
      const [host = '', start = ''] = identity.token.split(SEPARATOR);
      const owner = { pid: identity.pid, host, start: start === '' ? null : start, nonce: '0'.repeat(16) };
      return !(await isGone(owner, await thisProcess()));
    },
  };
}
