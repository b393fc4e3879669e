import { QueryError } from './ast.ts';

export interface Token {
  type: 'identifier' | 'number' | 'string' | 'duration' | 'operator' | 'end';
  text: string;
  at: number;
  /** Of the end: what is missing there. */
  problem?: string;
}

const PATTERNS: readonly (readonly [Token['type'] | 'space', RegExp])[] = [
  ['space', /(?:\s+|#[^\n]*)/y],
  ['duration', /(?:\d+(?:ms|[smhdwy]))+(?![\w.])/y],
  ['number', /(?:0x[0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.])/y],
  ['identifier', /[a-zA-Z_:][\w:]*/y],
  ['string', /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`/y],
  ['operator', /==|!=|=~|!~|>=|<=|[-+*/%^(){}[\],=<>@]/y],
];

/** @throws QueryError at a character that begins nothing */
export function tokenize(query: string): Token[] {
  const tokens: Token[] = [];
  const open = { parentheses: 0, brackets: 0, braces: 0 };
  let at = 0;
  while (at < query.length) {
    let found: Token | null = null;
    let skipped = false;
    for (const [type, pattern] of PATTERNS) {
      pattern.lastIndex = at;
      const match = pattern.exec(query);
      if (match === null) continue;
      if (type === 'space') skipped = true;
      else found = { type, text: match[0], at };
      at += match[0].length;
      break;
    }
    if (open.braces > 0 && found !== null && !WITHIN_BRACES.test(found.text)) {
      throw parseError(found.at, `unexpected character inside braces: '${found.text[0]}'`);
    }
    if (found !== null) tokens.push(counted(found, open));
    else if (!skipped) throw parseError(at, `unexpected character: '${query[at]}'`);
  }
  tokens.push({ type: 'end', text: '', at, problem: problemAtEnd(open) });
  return tokens;
}

/** Names, texts and what may stand between them. */
const WITHIN_BRACES = /^([a-zA-Z_"'`]|[,}]$|=~?$|![=~]$)/;

interface Open {
  parentheses: number;
  brackets: number;
  braces: number;
}

function counted(token: Token, open: Open): Token {
  if (token.type !== 'operator') return token;
  if (token.text === '(') open.parentheses++;
  else if (token.text === ')' && --open.parentheses < 0) throw parseError(token.at, "unexpected right parenthesis ')'");
  else if (token.text === '[') open.brackets++;
  else if (token.text === ']') open.brackets--;
  else if (token.text === '{') open.braces++;
  else if (token.text === '}') open.braces--;
  return token;
}

function problemAtEnd({ parentheses, brackets, braces }: Open): string {
  if (braces > 0) return 'unexpected end of input inside braces';
  if (parentheses > 0) return 'unclosed left parenthesis';
  return brackets > 0 ? 'unclosed left bracket' : 'unexpected end of input';
}

export function parseError(at: number, what: string): QueryError {
  return new QueryError(`1:${at + 1}: parse error: ${what}`);
}

const UNITS: Readonly<Record<string, number>> = {
  ms: 0.001,
  s: 1,
  m: 60,
  h: 3_600,
  d: 86_400,
  w: 604_800,
  y: 31_536_000,
};

/** A duration such as `1h30m`, in seconds; NaN if it is none. */
export function durationSeconds(text: string): number {
  if (!/^(\d+(ms|[smhdwy]))+$/.test(text)) return Number.NaN;
  let seconds = 0;
  for (const [, amount = '0', unit = 's'] of text.matchAll(/(\d+)(ms|[smhdwy])/g)) {
    seconds += Number(amount) * (UNITS[unit] ?? 1);
  }
  return seconds;
}

/** The value of a quoted string token. */
export function unquote(text: string): string {
  const inner = text.slice(1, -1);
  if (text.startsWith('`')) return inner;
  return inner.replace(/\\(.)/g, (_, char: string) => ({ n: '\n', t: '\t', r: '\r' })[char] ?? char);
}
