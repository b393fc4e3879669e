/** No answer of the systems that are asked nests a tenth of this. */
export const MOST_DEPTH = 200;

const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const OPEN: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const CLOSE: ReadonlySet<number> = new Set([0x5d, 0x7d]);

/**
 * Whether a JSON text nests deeper than that. Parsing a megabyte of brackets takes a quarter of a second and hundreds of megabytes; looking at it
 * takes a few milliseconds.
 */
export function nestsDeeper(text: string, most: number = MOST_DEPTH): boolean {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (quoted) {
      if (code === BACKSLASH) at += 1;
      else if (code === QUOTE) quoted = false;
    } else if (code === QUOTE) quoted = true;
    else if (OPEN.has(code)) {
      depth += 1;
      if (depth > most) return true;
    } else if (CLOSE.has(code)) depth -= 1;
  }
  return false;
}
