import { type AppError, timedOut } from '../../errors.ts';
import type { ReadOptions } from '../../ports/kubernetes.ts';

/** The deadline of one whole read, shared by all of its requests. */
export interface Limit {
  signal: AbortSignal | undefined;
  /** Milliseconds left; throws `TIMEOUT` when there are none or the caller has given up. */
  remaining(): number;
  error(): AppError;
}

export function startLimit(options: ReadOptions, server: string): Limit {
  const end = performance.now() + options.deadline_ms;
  const error = (): AppError =>
    options.signal?.aborted
      ? timedOut('the read was cancelled.', 'ask again if it is still wanted.')
      : timedOut(
          `the Kubernetes API server ${server} did not answer within ${options.deadline_ms} ms.`,
          'check that the cluster is reachable (VPN, firewall) and try again.',
        );
  return {
    signal: options.signal,
    error,
    remaining() {
      const left = end - performance.now();
      if (left <= 0 || options.signal?.aborted) throw error();
      return left;
    },
  };
}

/** What `work` resolves with, or the limit's error when that comes first. The work itself is left to end by its own bounds. */
export async function within<T>(limit: Limit, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  const out = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(limit.error());
    timer = setTimeout(onAbort, limit.remaining());
    limit.signal?.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, out]);
  } finally {
    clearTimeout(timer);
    if (onAbort) limit.signal?.removeEventListener('abort', onAbort);
  }
}
