import type { Aggregation, Expression, Matcher, Selector } from './ast.ts';
import { durationSeconds, parseError, type Token, tokenize, unquote } from './lexer.ts';
import { FUNCTIONS, typeOf } from './types.ts';

/** The aggregations known, with the number of what they take before the expression. */
const AGGREGATIONS: ReadonlyMap<string, number> = new Map([
  ...['sum', 'avg', 'max', 'min', 'count'].map((name): [string, number] => [name, 0]),
  ...['topk', 'bottomk', 'quantile'].map((name): [string, number] => [name, 1]),
]);

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
  if (token.problem !== undefined) return parseError(token.at, token.problem);
  const what = `unexpected ${token.type} ${JSON.stringify(token.text)}`;
  return parseError(token.at, hint === undefined ? what : `${what}, ${hint}`);
}

/** Parses the part of PromQL that the sandbox knows, and checks its types. @throws QueryError */
export function parseQuery(query: string): Expression {
  const cursor = cursorOver(tokenize(query));
  if (cursor.peek().type === 'end') throw parseError(0, 'no expression found in input');
  const expression = parseBinary(cursor, 0);
  if (cursor.peek().type !== 'end') throw unexpected(cursor.peek());
  typeOf(expression);
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
    const right = parseBinary(cursor, level + 1);
    left = { kind: 'binary', at: left.at, operator: operator.text, operatorAt: operator.at, bool, left, right };
  }
  return left;
}

function parseUnary(cursor: Cursor): Expression {
  if (cursor.is('-')) {
    const { at } = cursor.take();
    return { kind: 'negation', at, expression: parseUnary(cursor) };
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
  const { at } = token;
  if (cursor.is('{')) return parseSelector(cursor, null, at);
  cursor.take();
  if (token.type === 'number') return { kind: 'number', at, value: Number(token.text) };
  if (token.type === 'string') return { kind: 'string', at, value: unquote(token.text) };
  if (token.type !== 'identifier') throw unexpected(token);
  if (/^(inf|nan)$/i.test(token.text)) {
    return { kind: 'number', at, value: token.text.toLowerCase() === 'inf' ? Number.POSITIVE_INFINITY : Number.NaN };
  }
  if (AGGREGATIONS.has(token.text) && (cursor.is('(') || cursor.is('by') || cursor.is('without'))) {
    return parseAggregation(cursor, token);
  }
  if (cursor.is('(')) return parseCall(cursor, token);
  return parseSelector(cursor, token.text, at);
}

function parseAggregation(cursor: Cursor, { text: operator, at }: Token): Expression {
  let grouping = parseGrouping(cursor);
  const list = parseArguments(cursor);
  const wanted = (AGGREGATIONS.get(operator) ?? 0) + 1;
  if (list.length !== wanted) {
    const what = 'wrong number of arguments for aggregate expression provided';
    throw parseError(at, `${what}, expected ${wanted}, got ${list.length}`);
  }
  grouping ??= parseGrouping(cursor);
  const expression = list.pop() as Expression;
  return { kind: 'aggregation', at, operator, grouping, parameter: list[0] ?? null, expression };
}

function parseArguments(cursor: Cursor): Expression[] {
  cursor.expect('(');
  const list: Expression[] = [];
  while (!cursor.is(')')) {
    list.push(parseBinary(cursor, 0));
    if (!cursor.is(')')) cursor.expect(',');
  }
  cursor.expect(')');
  return list;
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

function parseCall(cursor: Cursor, { text: name, at }: Token): Expression {
  const signature = FUNCTIONS.get(name);
  if (signature === undefined) throw parseError(at, `unknown function with name ${JSON.stringify(name)}`);
  const list = parseArguments(cursor);
  const arity = signature.takes.length;
  if (list.length !== arity) {
    throw parseError(at, `expected ${arity} argument(s) in call to ${JSON.stringify(name)}, got ${list.length}`);
  }
  return { kind: 'call', at, name, arguments: list };
}

function parseSelector(cursor: Cursor, name: string | null, at: number): Selector {
  const matchers: Matcher[] = name === null ? [] : [{ label: '__name__', operator: '=', value: name }];
  if (cursor.is('{')) {
    cursor.take();
    while (!cursor.is('}')) matchers.push(parseMatcher(cursor));
    cursor.expect('}');
    if (matchers.length === 0) throw parseError(at, 'vector selector must contain at least one non-empty matcher');
  }
  return { kind: 'selector', at, matchers, range: null, offset: 0 };
}

function parseMatcher(cursor: Cursor): Matcher {
  const label = cursor.take();
  if (label.type !== 'identifier') throw unexpected(label, 'expected a label');
  const operator = cursor.take();
  if (!['=', '!=', '=~', '!~'].includes(operator.text)) throw unexpected(operator, 'expected label matching operator');
  const value = cursor.take();
  if (value.type !== 'string') throw unexpected(value, 'expected string');
  if (!cursor.is('}')) cursor.expect(',');
  const matcher = { label: label.text, operator: operator.text as Matcher['operator'], value: unquote(value.text) };
  if (operator.text.endsWith('~')) checkPattern(matcher.value, label.at);
  return matcher;
}

function checkPattern(pattern: string, at: number): void {
  try {
    new RegExp(pattern);
  } catch (error) {
    const why = error instanceof Error ? (error.message.split(': ').at(-1) ?? '').toLowerCase() : '';
    throw parseError(at, `error parsing regexp: ${why}: \`^(?:${pattern})$\``);
  }
}
