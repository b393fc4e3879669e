import type { Aggregation, Expression, Matcher, Selector } from './ast.ts';
import { durationSeconds, parseError, type Token, tokenize, unquote } from './lexer.ts';

const AGGREGATIONS = new Set(['sum', 'avg', 'max', 'min', 'count']);

/** The functions known, with the number of their arguments. */
const FUNCTIONS: Readonly<Record<string, number>> = {
  rate: 1,
  irate: 1,
  increase: 1,
  histogram_quantile: 2,
  scalar: 1,
  vector: 1,
  abs: 1,
  time: 0,
  avg_over_time: 1,
  max_over_time: 1,
  min_over_time: 1,
};

const LEVELS: readonly (readonly string[])[] = [
  ['or'],
  ['and', 'unless'],
  ['==', '!=', '>', '<', '>=', '<='],
  ['+', '-'],
  ['*', '/', '%'],
];
const COMPARISONS = new Set(LEVELS[2]);

interface Cursor {
  peek(): Token;
  take(): Token;
  is(text: string): boolean;
  expect(text: string): Token;
}

function cursorOver(tokens: Token[]): Cursor {
  let index = 0;
  const peek = (): Token => tokens[index] as Token;
  const take = (): Token => {
    const token = peek();
    if (token.type !== 'end') index++;
    return token;
  };
  const is = (text: string): boolean => peek().type !== 'string' && peek().text === text && peek().type !== 'end';
  return {
    peek,
    take,
    is,
    expect(text) {
      if (!is(text)) throw unexpected(peek(), `expected ${JSON.stringify(text)}`);
      return take();
    },
  };
}

function unexpected(token: Token, hint?: string) {
  const what =
    token.type === 'end' ? 'unexpected end of input' : `unexpected ${token.type} ${JSON.stringify(token.text)}`;
  return parseError(token.at, hint === undefined ? what : `${what}, ${hint}`);
}

/** Parses the part of PromQL that the sandbox knows. @throws QueryError */
export function parseQuery(query: string): Expression {
  const cursor = cursorOver(tokenize(query));
  if (cursor.peek().type === 'end') throw parseError(0, 'no expression found in input');
  const expression = parseBinary(cursor, 0);
  if (cursor.peek().type !== 'end') throw unexpected(cursor.peek());
  return expression;
}

function parseBinary(cursor: Cursor, level: number): Expression {
  const operators = LEVELS[level];
  if (operators === undefined) return parseUnary(cursor);
  let left = parseBinary(cursor, level + 1);
  while (operators.some((operator) => cursor.is(operator))) {
    const operator = cursor.take();
    let bool = false;
    if (cursor.is('bool')) {
      if (!COMPARISONS.has(operator.text)) throw unexpected(cursor.peek());
      cursor.take();
      bool = true;
    }
    for (const word of ['on', 'ignoring', 'group_left', 'group_right']) {
      if (cursor.is(word)) throw parseError(cursor.peek().at, `${word} is not supported by the sandbox`);
    }
    left = { kind: 'binary', operator: operator.text, bool, left, right: parseBinary(cursor, level + 1) };
  }
  return left;
}

function parseUnary(cursor: Cursor): Expression {
  if (cursor.is('-')) {
    cursor.take();
    return { kind: 'negation', expression: parseUnary(cursor) };
  }
  if (cursor.is('+')) cursor.take();
  return parsePostfix(cursor, parsePrimary(cursor));
}

function parsePostfix(cursor: Cursor, expression: Expression): Expression {
  if (cursor.is('[')) {
    const at = cursor.take().at;
    if (expression.kind !== 'selector') throw parseError(at, 'ranges only allowed for vector selectors');
    expression.range = takeDuration(cursor);
    cursor.expect(']');
  }
  if (cursor.is('offset')) {
    const at = cursor.take().at;
    if (expression.kind !== 'selector') throw parseError(at, 'offset modifier must be preceded by a selector');
    expression.offset = takeDuration(cursor);
  }
  return expression;
}

function takeDuration(cursor: Cursor): number {
  const token = cursor.take();
  if (token.type !== 'duration') throw unexpected(token, 'expected a duration');
  return durationSeconds(token.text);
}

function parsePrimary(cursor: Cursor): Expression {
  const token = cursor.peek();
  if (cursor.is('(')) {
    cursor.take();
    const inner = parseBinary(cursor, 0);
    cursor.expect(')');
    return inner;
  }
  if (cursor.is('{')) return parseSelector(cursor, null);
  cursor.take();
  if (token.type === 'number') return { kind: 'number', value: Number(token.text) };
  if (token.type === 'string') return { kind: 'string', value: unquote(token.text) };
  if (token.type !== 'identifier') throw unexpected(token);
  if (/^(inf|nan)$/i.test(token.text)) {
    return { kind: 'number', value: token.text.toLowerCase() === 'inf' ? Number.POSITIVE_INFINITY : Number.NaN };
  }
  if (AGGREGATIONS.has(token.text) && (cursor.is('(') || cursor.is('by') || cursor.is('without'))) {
    return parseAggregation(cursor, token.text);
  }
  if (cursor.is('(')) return parseCall(cursor, token);
  return parseSelector(cursor, token.text);
}

function parseAggregation(cursor: Cursor, operator: string): Expression {
  let grouping = parseGrouping(cursor);
  cursor.expect('(');
  const expression = parseBinary(cursor, 0);
  cursor.expect(')');
  grouping ??= parseGrouping(cursor);
  return { kind: 'aggregation', operator, grouping, expression };
}

function parseGrouping(cursor: Cursor): Aggregation['grouping'] {
  if (!cursor.is('by') && !cursor.is('without')) return null;
  const by = cursor.take().text === 'by';
  cursor.expect('(');
  const labels: string[] = [];
  while (!cursor.is(')')) {
    const label = cursor.take();
    if (label.type !== 'identifier') throw unexpected(label, 'expected a label');
    labels.push(label.text);
    if (!cursor.is(')')) cursor.expect(',');
  }
  cursor.expect(')');
  return { by, labels };
}

function parseCall(cursor: Cursor, name: Token): Expression {
  const arity = FUNCTIONS[name.text];
  if (arity === undefined) throw parseError(name.at, `unknown function with name ${JSON.stringify(name.text)}`);
  cursor.expect('(');
  const list: Expression[] = [];
  while (!cursor.is(')')) {
    list.push(parseBinary(cursor, 0));
    if (!cursor.is(')')) cursor.expect(',');
  }
  cursor.expect(')');
  if (list.length !== arity) {
    throw parseError(name.at, `expected ${arity} argument(s) in call to "${name.text}", got ${list.length}`);
  }
  return { kind: 'call', name: name.text, arguments: list };
}

function parseSelector(cursor: Cursor, name: string | null): Selector {
  const matchers: Matcher[] = name === null ? [] : [{ label: '__name__', operator: '=', value: name }];
  if (cursor.is('{')) {
    const at = cursor.take().at;
    while (!cursor.is('}')) matchers.push(parseMatcher(cursor));
    cursor.expect('}');
    if (matchers.length === 0) throw parseError(at, 'vector selector must contain at least one non-empty matcher');
  }
  return { kind: 'selector', matchers, range: null, offset: 0 };
}

function parseMatcher(cursor: Cursor): Matcher {
  const label = cursor.take();
  if (label.type !== 'identifier') throw unexpected(label, 'expected a label');
  const operator = cursor.take();
  if (!['=', '!=', '=~', '!~'].includes(operator.text)) throw unexpected(operator, 'expected label matching operator');
  const value = cursor.take();
  if (value.type !== 'string') throw unexpected(value, 'expected string');
  if (!cursor.is('}')) cursor.expect(',');
  return { label: label.text, operator: operator.text as Matcher['operator'], value: unquote(value.text) };
}
