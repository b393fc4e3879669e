import { randomBytes } from 'node:crypto';

/** Text from outside: made harmless to read, to print and to hand to a model. All functions are pure but for `newBoundary`. */

const ESC = String.fromCharCode(0x1b);
const BEL = String.fromCharCode(0x07);
const C1_CSI = String.fromCharCode(0x9b);

// ECMA-48: control sequences (colours, cursor), operating system commands (titles, links) and two-character escapes. An OSC
// that never ends loses only its start, so that nobody can hide the rest of a text behind one.
const ANSI = new RegExp(
  `(?:${ESC}\\[|${C1_CSI})[0-?]{0,64}[ -/]{0,8}[@-~]` +
    `|${ESC}\\][^${BEL}${ESC}]{0,4096}(?:${BEL}|${ESC}\\\\)` +
    `|${ESC}[ -/]{0,4}[0-~]`,
  'g',
);

// Cf holds zero-width characters, bidirectional controls, the byte order mark and the tags block; the rest are code points
// that are drawn as nothing and can carry a hidden message: variation selectors and the unassigned ones beside them.
const INVISIBLE = /[\p{Cf}\p{Variation_Selector}\u2065\u{E0000}-\u{E0FFF}]/gu;
const CONTROL = /(?![\n\t])\p{Cc}/gu;
const LONE_SURROGATE = /\p{Surrogate}/gu;
const LINE_ENDS = /\r\n?|[\u0085\u2028\u2029]/g;

/** Cuts after `max` UTF-16 units, never inside a surrogate pair, and says how many are left off: `… (12 more characters)`. */
function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  const last = text.charCodeAt(max - 1);
  const end = last >= 0xd800 && last <= 0xdbff ? max - 1 : max;
  return `${text.slice(0, end)}… (${text.length - end} more characters)`;
}

/**
 * Removes terminal escapes, control characters but newline and tab, and everything invisible (zero-width, bidirectional
 * controls, tags); line ends become `\n`, lone surrogates U+FFFD. With `max`, keeps that many characters and says what it cut.
 */
export function cleanText(text: string, max?: number): string {
  const clean = text
    .replace(INVISIBLE, '')
    .replace(LINE_ENDS, '\n')
    .replace(ANSI, '')
    .replace(CONTROL, '')
    .replace(LONE_SURROGATE, '\uFFFD');
  return max === undefined ? clean : cut(clean, Math.max(0, Math.floor(max)));
}

/** `cleanText` on one line: runs of white space become one blank. */
export function oneLine(text: string, max?: number): string {
  const line = cleanText(text).replace(/\s+/g, ' ').trim();
  return max === undefined ? line : cut(line, Math.max(0, Math.floor(max)));
}

/** A fence mark that text from outside cannot guess: 12 hex digits. */
export const newBoundary = (): string => randomBytes(6).toString('hex');

/**
 * Fences text from outside: `<untrusted source="alerts" id="9f3c2a41b07d">` … `</untrusted id="9f3c2a41b07d">`. The text is
 * cleaned, and whatever looks like a fence in it is made harmless, so it cannot close its own fence even with a known id.
 */
export function fence(label: string, text: string, boundary: string = newBoundary()): string {
  const source = oneLine(label, 80).replace(/["<>&]/g, '_');
  const content = cleanText(text).replace(/<(?=[\s/]*untrusted)/gi, '&lt;');
  return `<untrusted source="${source}" id="${boundary}">\n${content}\n</untrusted id="${boundary}">`;
}

/** The longest beginning of `text` that fits in `maxBytes` of UTF-8, never cut inside a character. Says nothing about the cut. */
export function truncateBytes(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= maxBytes) return text;
  let end = Math.max(0, Math.floor(maxBytes));
  // 10xxxxxx continues a character; step back to where it starts.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}

/** `oneLine` in at most so many bytes of UTF-8: a sentence in three bytes a character takes no more room than another. */
export function shortLine(text: string, maxBytes: number): string {
  const line = oneLine(text);
  return Buffer.byteLength(line) <= maxBytes ? line : `${truncateBytes(line, maxBytes - 3)}…`;
}

/** As many of the rows, from the first on, as fit in `maxBytes` with a newline each. */
export function fittingRows(rows: readonly string[], maxBytes: number): string[] {
  let left = maxBytes;
  const over = rows.findIndex((row) => {
    left -= Buffer.byteLength(row) + 1;
    return left < 0;
  });
  return rows.slice(0, over < 0 ? rows.length : over);
}
