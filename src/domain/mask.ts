/**
 * Takes secrets out of text and values before anything leaves the server. Pure. It errs towards masking: a word too many
 * lost is a nuisance, a credential shown is an incident.
 */

export const MASK = '***';

/** Last words of a name that say "about the secret", not "the secret": `secretName`, `token_file`, `PASSWORD_MIN_LENGTH`. */
const ABOUT = new Set(
  (
    'name names namespace ref refs file files path dir env ttl expiry expires expiration interval timeout lifetime seconds ' +
    'minutes hours length size limit type kind provider manager service services store host port endpoint issuer audience ' +
    'enabled required version count mount mounts source controller operator class selector policy rotation driver ' +
    'algorithm alg format header prefix scope scopes mode status state valid expired tokenizer'
  ).split(' '),
);
/** Words that make `tokens` a count of a language model's tokens and not a list of credentials. */
const COUNTED = new Set('max min total count num limit per prompt completion input output rate budget used'.split(' '));
const ANYWHERE = /password|passwd|passphrase|passcode|secret|credential|apikey/;
const KEYS =
  /(access|private|signing|encryption|routing|account|integration|master|auth|session|shared|hmac|ssh|tls|license)key/;
const WORDS = new Set('pass pwd creds token tokens jwt bearer authorization cookie sig signature'.split(' '));
const WEBHOOK = /webhook(ur[li])?$/;

const segments = (name: string): string[] =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((part) => part !== '');

/** True for names whose values are credentials: `DATABASE_PASSWORD`, `apiKey`, `tls.key`, `SLACK_WEBHOOK_URL`. */
export function isSecretKey(name: string): boolean {
  const parts = segments(name.slice(-256));
  const last = parts.at(-1);
  if (last === undefined || ABOUT.has(last)) return false;
  const joined = parts.join('');
  if (ANYWHERE.test(joined) || KEYS.test(joined) || WEBHOOK.test(joined)) return true;
  if (parts.includes('tokens') && parts.some((part) => COUNTED.has(part))) return false;
  return parts.some((part) => WORDS.has(part) || /[a-z](token|passwd|pwd)$/.test(part));
}

/** `***` for a secret's name, else the value with whatever it carries inside masked. */
export function maskValue(key: string, value: string): string {
  return isSecretKey(key) ? MASK : maskText(value);
}

/** Credentials that show by their own form. Every pattern is linear: it starts at a rare literal or is bounded. */
const FORMS: readonly (readonly [RegExp, string])[] = [
  // An API server that refuses an object quotes the whole of it, also a Secret; Helm puts that into its error and its history.
  [/(Invalid value: )"\{(?:[^"\\]|\\.)*(?:"|$)/g, `$1(an object) ${MASK}`],
  // Server-side apply quotes the value that has the wrong type. Source: structured-merge-diff, typed.
  [/(expected [^,\n]{1,40}, got )&value\.\w{1,40}\{[^}\n]*\}?/g, `$1${MASK}`],
  [/-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|$)/g, MASK],
  // RFC 3986 section 3.2.1: all before the last `@` of the authority.
  [/(:\/\/)[^\s/?#"'`<>]+@/g, `$1${MASK}@`],
  // The form of a MySQL data source name.
  [/[^\s:@/"'=]{1,64}:[^\s"']{1,256}@(?=(?:tcp|unix)\()/g, `${MASK}@`],
  [/(hooks\.slack(?:-gov)?\.com\/[a-z]+\/)[^\s"'`<>]+/gi, `$1${MASK}`],
  [/(discord(?:app)?\.com\/api\/webhooks\/)[^\s"'`<>]+/gi, `$1${MASK}`],
  [/(webhook\.office\.com\/)[^\s"'`<>]+/gi, `$1${MASK}`],
  [/\beyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)*/g, MASK],
  [/\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}\b/g, MASK],
  [/\b(?:sk|rk|pk)[-_][\w-]{20,}/g, MASK],
  [/\b(?:gh[a-z]_|github_pat_|glpat-|npm_|dop_v1_|whsec_|pypi-|shpat_|hvs\.|xox[a-z]-|xapp-)[\w-]{10,}/g, MASK],
  [/\bAIza[\w-]{30,}/g, MASK],
  [/\bya29\.[\w-]{10,}/g, MASK],
  [/\bSG\.[\w-]{10,}\.[\w-]{10,}/g, MASK],
  // RFC 6750 section 2.1; "bearer token" and "bearer authentication" are words.
  [/\b(bearer[ \t]+)(?!tokens?\b|auth[a-z]*\b|credentials?\b)[^\s"'`,;]{4,}/gi, `$1${MASK}`],
  // RFC 7617: base64 of `user:password`, told from an ordinary word by its capitals and digits.
  [/\b([Bb]asic[ \t]+)(?=[a-z+/]*[A-Z0-9=])[A-Za-z0-9+/]{4,}={0,2}/g, `$1${MASK}`],
];

/** Masks credentials in free text: known forms, and the values of `key=value`, `key: value`, JSON, YAML and flags. */
export function maskText(text: string): string {
  let out = text;
  for (const [pattern, replacement] of FORMS) out = out.replace(pattern, replacement);
  return maskFlags(maskAssignments(out));
}

/** `--password hunter2` and `--token "x y"`. */
function maskFlags(text: string): string {
  return text.replace(
    /(^|[\s"'`])(--?([a-zA-Z][\w.-]{0,80})[ \t]+)("[^"]*"?|'[^']*'?|[^\s"'-][^\s"']*)/g,
    (whole, before: string, flag: string, name: string) => (isSecretKey(name) ? `${before}${flag}${MASK}` : whole),
  );
}

const SEPARATOR = /[:=]+>?/g;
const KEY_BEFORE = /([\w.$-]+)(\\*["'`])?\]?[ \t]*$/;
/** How far back from a separator its key is looked for. */
const KEY_REACH = 160;

function maskAssignments(text: string): string {
  let out = '';
  let done = 0;
  const separator = new RegExp(SEPARATOR);
  for (let match = separator.exec(text); match !== null; match = separator.exec(text)) {
    const at = match.index;
    const before = text.slice(Math.max(done, at - KEY_REACH), at);
    const key = KEY_BEFORE.exec(before);
    if (!key?.[1] || !isSecretKey(key[1])) continue;
    const keyStart = at - before.length + key.index;
    const start = at + match[0].length;
    const span = valueSpan(text, keyStart, key[1], key[2] !== undefined, match[0], start);
    if (span === null) continue;
    out += text.slice(done, span.from) + MASK;
    done = span.to;
    separator.lastIndex = span.to;
  }
  return done === 0 ? text : out + text.slice(done);
}

interface Span {
  from: number;
  to: number;
}

/** Where the value after a separator lies, or null where there is none to hide. */
function valueSpan(
  text: string,
  keyStart: number,
  key: string,
  quoted: boolean,
  separator: string,
  start: number,
): Span | null {
  if (text.startsWith('//', start)) return null;
  const near = text.slice(Math.max(0, keyStart - 81), keyStart);
  const lead = near.slice(near.lastIndexOf('\n') + 1);
  const lineStart = keyStart - lead.length;
  const ownLine = lead.length <= 80 && /^[ \t]*(?:- +)?["']?$/.test(lead);
  let from = start;
  while (text[from] === ' ' || text[from] === '\t') from++;
  // `registry/secret-sync:1.2.3` and `token-relay:8080` are an image and a host, not a key and its value.
  if (separator === ':' && from === start && !quoted && !/["'`\\[{]/.test(text[from] ?? '')) {
    if (text[keyStart - 1] === '/' || !endsAsSecret(key)) return null;
  }
  if (from >= text.length) return null;
  if (text[from] === '\n' || text[from] === '\r') return ownLine ? blockSpan(text, lineStart, from) : null;
  const rest = /^(?:true|false|null|~)(?=[\s,;}\])]|$)/.exec(text.slice(from, from + 8));
  if (rest || text.startsWith(MASK, from)) return null;
  const quote = /^(\\*)(["'`])/.exec(text.slice(from, from + 20));
  if (quote)
    return {
      from: from + quote[0].length,
      to: quoteEnd(text, from + quote[0].length, quote[1] ?? '', quote[2] ?? '"'),
    };
  if (text[from] === '[' || text[from] === '{') return { from, to: bracketEnd(text, from) };
  const block = /^[|>][-+0-9]*[ \t]*(?:#[^\n]*)?\r?\n/.exec(text.slice(from, from + 80));
  if (block && ownLine) return blockSpan(text, lineStart, from + block[0].length - 1) ?? { from, to: from + 1 };
  // A header or a line of YAML runs to the end of its line, and its value may hold spaces.
  const whole = (ownLine && separator === ':') || /^(?:proxy-?)?authorization$|cookie$/i.test(key);
  const end = whole ? /[\r\n]|["'`](?=[\s,;:}\])]|$)/ : /\s|\\?["'`](?=[\s,;:}\])]|$)/;
  const length = text.slice(from).search(end);
  return { from, to: length === -1 ? text.length : from + length };
}

/** `password`, `apiKey`, `tls.key`: the name itself ends in the secret's word. */
const endsAsSecret = (key: string): boolean => {
  const last = segments(key).at(-1) ?? '';
  return last === 'key' || isSecretKey(last);
};

function quoteEnd(text: string, from: number, escapes: string, quote: string): number {
  if (escapes !== '') {
    const end = text.indexOf(escapes + quote, from);
    return end === -1 ? text.length : end;
  }
  for (let i = from; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === quote) return i;
  }
  return text.length;
}

function bracketEnd(text: string, from: number): number {
  let depth = 0;
  for (let i = from; i < text.length; i++) {
    const c = text[i];
    if (c === '"') i = quoteEnd(text, i + 1, '', '"');
    else if (c === '[' || c === '{') depth++;
    else if ((c === ']' || c === '}') && --depth === 0) return i + 1;
  }
  return text.length;
}

/** The lines below a key that belong to it: deeper ones, and list items at its own depth. `eol` is the end of its line. */
function blockSpan(text: string, lineStart: number, eol: number): Span | null {
  const indent = /^[ \t]*/.exec(text.slice(lineStart, lineStart + 200))?.[0].length ?? 0;
  const first = text.indexOf('\n', eol) + 1;
  if (first === 0) return null;
  let to = first;
  while (to < text.length) {
    const end = text.indexOf('\n', to);
    const line = text.slice(to, end === -1 ? text.length : end);
    const depth = /^[ \t]*/.exec(line)?.[0].length ?? 0;
    const inside = line.trim() === '' || depth > indent || (depth === indent && line.startsWith('- ', depth));
    if (!inside) break;
    to = end === -1 ? text.length : end + 1;
  }
  if (text.slice(first, to).trim() === '') return null;
  const tail = text[to - 1] === '\n' ? to - 1 : to;
  return { from: first + Math.min(indent + 2, tail - first), to: tail };
}
