import { maskText } from '../../domain/mask.ts';
import { cleanText } from '../../domain/text.ts';
import { AppError } from '../../errors.ts';

export type CheckStatus = 'ok' | 'warn' | 'fail';

/** What one check found. */
export interface Finding {
  /** `this machine`, or the name of an environment. */
  section: string;
  name: string;
  status: CheckStatus;
  /** What was found; may have several lines. */
  found: string;
  /** What to do; null where nothing is to be done. */
  next: string | null;
}

export type Said = Omit<Finding, 'section' | 'name'>;

export const ok = (found: string): Said => ({ status: 'ok', found, next: null });
export const warn = (found: string, next: string): Said => ({ status: 'warn', found, next });
export const fail = (found: string, next: string): Said => ({ status: 'fail', found, next });

/** For one check over all, milliseconds. A source gets a little less, so that its own words come first. */
export const CHECK_MS = 5_000;
export const SOURCE_MS = CHECK_MS - 300;

const LONGEST = 2_000;

/**
 * Runs one check on its own: whatever it throws, or that it does not end within 5 s, becomes its finding and touches no other. `warnOnly` is for what
 * the product does without.
 */
export async function check(
  section: string,
  name: string,
  run: () => Promise<Said> | Said,
  options: { warnOnly?: boolean } = {},
): Promise<Finding> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<Said>((resolve) => {
    const late = fail(`it did not end within ${CHECK_MS / 1000} s.`, 'look at what it waits for: disk, network, VPN.');
    timer = setTimeout(() => resolve(late), CHECK_MS);
  });
  const said = await Promise.race([Promise.resolve().then(run).catch(failure), deadline]);
  clearTimeout(timer);
  const status = options.warnOnly && said.status === 'fail' ? 'warn' : said.status;
  return { section, name, status, found: clean(said.found), next: said.next === null ? null : clean(said.next) };
}

/** The finding for an error. */
export function failure(error: unknown): Said {
  if (error instanceof AppError) return fail(error.message, error.next);
  return fail(
    `unexpected: ${error instanceof Error ? error.message : String(error)}`,
    'report it with the output of this command.',
  );
}

/** Lines of findings may come from outside: no control characters, no secrets, bounded. */
const clean = (text: string): string => cleanText(maskText(text), LONGEST).trim();
