import { maskText } from '../domain/mask.ts';
import type { SourceReport } from '../domain/observe.ts';
import { oneLine } from '../domain/text.ts';
import { AppError, timedOut } from '../errors.ts';

/** Beyond a source's own deadline before it is given up from outside: for what no adapter can bound, such as an exec plugin. */
const PATIENCE_MS = 100;
/** Rights that are missing, in the words of one source. */
const SHOWN_REFUSED = 3;

export interface Read<T> {
  /** null when the source did not answer; `report` says why. With an error beside it: a part of it that may not be read is missing. */
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
  read: (options: { deadline_ms: number; signal: AbortSignal; forbidden: (error: Error) => void }) => Promise<T | null>,
): Promise<Read<T>> {
  const refused: string[] = [];
  let next = '';
  const forbidden = (error: Error): void => {
    refused.push(error.message);
    if (error instanceof AppError) next = ` Next: ${error.next}`;
  };
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
    const value = await Promise.race([read({ deadline_ms: deadlineMs, signal, forbidden }), limit]);
    if (value !== null && refused.length > 0) {
      const more = refused.length > SHOWN_REFUSED ? ` And ${refused.length - SHOWN_REFUSED} more.` : '';
      const said = `FORBIDDEN in part: ${refused.slice(0, SHOWN_REFUSED).join(' ')}${more}${next}`;
      return { value, report: report('error', oneLine(maskText(said), 600)) };
    }
    return value === null ? { value, report: report('not_configured') } : { value, report: report('ok') };
  } catch (error) {
    if (signal.aborted)
      throw new AppError('CONFLICT', 'the call was cancelled.', 'call again if the answer is still wanted');
    const code = error instanceof AppError ? error.code : null;
    const status = code === 'TIMEOUT' ? 'timeout' : code === 'NOT_CONFIGURED' ? 'not_configured' : 'error';
    return { value: null, report: report(status, inWords(error)) };
  } finally {
    clearTimeout(timer);
  }
}

const inWords = (error: unknown): string =>
  error instanceof AppError
    ? oneLine(maskText(`${error.code}: ${error.message} Next: ${error.next}`), 400)
    : oneLine(maskText(String(error)), 200);

/** `prometheus timeout (5001 ms)`: sources that did not answer, for the text; empty when all did. */
export function sourceTrouble(sources: readonly SourceReport[]): string[] {
  return (
    sources
      // Not configured and yet with an error: it is configured, and something that it needs is missing.
      .filter((s) => s.status === 'error' || s.status === 'timeout' || s.error !== undefined)
      .map((s) => `source ${s.name}: ${s.status} after ${s.latency_ms} ms${s.error ? ` (${s.error})` : ''}`)
  );
}
