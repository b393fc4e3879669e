import type { CallToolResult } from '@modelcontextprotocol/server';
import { maskText } from '../domain/mask.ts';
import { cleanText, truncateBytes } from '../domain/text.ts';
import { AppError } from '../errors.ts';

/** Contract: text is at most 8 KB whatever the size of the cluster. */
export const MAX_TEXT_BYTES = 8 * 1024;

/** A successful result: the structured content for programs, a short text for the model. */
export function answer(structured: Record<string, unknown>, text: string, state: string | null): CallToolResult {
  const whole = state ? `${state}\n${text}` : text;
  return { content: [{ type: 'text', text: bounded(whole) }], structuredContent: structured };
}

const CUT = '\n(cut at 8 KB: ask for less with limit, component or customer)';

function bounded(text: string): string {
  if (Buffer.byteLength(text) <= MAX_TEXT_BYTES) return text;
  return closed(truncateBytes(text, MAX_TEXT_BYTES - Buffer.byteLength(CUT) - CLOSING_BYTES)) + CUT;
}

/** Room for `\n</untrusted id="9f3c2a41b07d">`. */
const CLOSING_BYTES = 32;

/** A text that was cut inside a fence ends outside of it: what comes after must not look as if it were from outside, too. */
function closed(cut: string): string {
  const from = cut.lastIndexOf('<untrusted source="');
  if (from < 0) return cut;
  const id = /^<untrusted source="[^"]*" id="([^"]{1,12})">/.exec(cut.slice(from))?.[1];
  if (id === undefined) return cut.slice(0, from);
  const end = `</untrusted id="${id}">`;
  return cut.includes(end, from) ? cut : `${cut}\n${end}`;
}

const end = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

/** The one place where errors become text: `CODE: what went wrong. Next: what to do.` */
export function failure(error: unknown): CallToolResult {
  const line =
    error instanceof AppError
      ? `${error.code}: ${end(error.message)} Next: ${end(error.next)}`
      : 'UNAVAILABLE: the server met an unexpected failure; nothing was changed by this call. Next: try once more; if it stays, read the log on stderr.';
  const text = truncateBytes(maskText(cleanText(line)), 2_048);
  return { content: [{ type: 'text', text }], isError: true };
}
