import { maskText } from '../domain/mask.ts';
import type { SourceReport } from '../domain/observe.ts';
import { oneLine } from '../domain/text.ts';
import { AppError, timedOut } from '../errors.ts';

/** Beyond a source's own deadline before it is given up from outside: for what no adapter can bound, such as an exec plugin. */
const PATIENCE_MS = 100;

export interface Read<T> {
  /** null when the source did not answer; `report` says why. */
  value: T | null;
  report: SourceReport;
}

/**
 * Reads one source within its deadline and never throws for its failure: the tool answers with what it has, and names the source.
 * A cancelled call is the caller's wish and does throw.
 */
export async function readSource<T>(
  name: string,
  deadlineMs: number,
  signal: AbortSignal,
  read: (options: { deadline_ms: number; signal: AbortSignal }) => Promise<T | null>,
): Promise<Read<T>> {
  const began = performance.now();
  const report = (status: SourceReport['status'], error?: string): SourceReport => ({
    name,
    status,
    latency_ms: Math.round(performance.now() - began),
    ...(error === undefined ? {} : { error }),
  });
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(timedOut(`${name} did not answer within ${deadlineMs} ms.`, 'try again, or look whether it is up.')),
      deadlineMs + PATIENCE_MS,
    );
  });
  try {
    const value = await Promise.race([read({ deadline_ms: deadlineMs, signal }), limit]);
    return value === null ? { value, report: report('not_configured') } : { value, report: report('ok') };
  } catch (error) {
    if (signal.aborted)
      throw new AppError('CONFLICT', 'the call was cancelled.', 'call again if the answer is still wanted');
    if (!(error instanceof AppError))
      return { value: null, report: report('error', oneLine(maskText(String(error)), 200)) };
    const status = error.code === 'TIMEOUT' ? 'timeout' : error.code === 'NOT_CONFIGURED' ? 'not_configured' : 'error';
    return { value: null, report: report(status, oneLine(maskText(`${error.code}: ${error.message}`), 200)) };
  } finally {
    clearTimeout(timer);
  }
}

/** `prometheus timeout (5001 ms)`: sources that did not answer, for the text; empty when all did. */
export function sourceTrouble(sources: readonly SourceReport[]): string[] {
  return sources
    .filter((s) => s.status === 'error' || s.status === 'timeout')
    .map((s) => `source ${s.name}: ${s.status} after ${s.latency_ms} ms${s.error ? ` (${s.error})` : ''}`);
}
