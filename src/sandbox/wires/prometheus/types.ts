import type { Binary, Call, Expression } from './ast.ts';
import { parseError } from './lexer.ts';

/** The types of values, in Prometheus' words. */
export type ValueType = 'scalar' | 'string' | 'instant vector' | 'range vector';

interface Signature {
  takes: readonly ValueType[];
  gives: ValueType;
}

const OVER_RANGE: Signature = { takes: ['range vector'], gives: 'instant vector' };
const PER_SAMPLE: Signature = { takes: ['instant vector'], gives: 'instant vector' };

/** The functions that the sandbox knows. */
export const FUNCTIONS: ReadonlyMap<string, Signature> = new Map([
  ['rate', OVER_RANGE],
  ['irate', OVER_RANGE],
  ['increase', OVER_RANGE],
  ['avg_over_time', OVER_RANGE],
  ['max_over_time', OVER_RANGE],
  ['min_over_time', OVER_RANGE],
  ['abs', PER_SAMPLE],
  ['absent', PER_SAMPLE],
  ['histogram_quantile', { takes: ['scalar', 'instant vector'], gives: 'instant vector' }],
  ['scalar', { takes: ['instant vector'], gives: 'scalar' }],
  ['vector', { takes: ['scalar'], gives: 'instant vector' }],
  ['time', { takes: [], gives: 'scalar' }],
]);

/** The type of an expression's value. @throws QueryError where a part is not of the type that its place takes */
export function typeOf(expression: Expression): ValueType {
  switch (expression.kind) {
    case 'number':
      return 'scalar';
    case 'string':
      return 'string';
    case 'selector':
      return expression.range === null ? 'instant vector' : 'range vector';
    case 'aggregation':
      if (expression.parameter !== null) expectType(expression.parameter, 'scalar', 'aggregation parameter');
      expectType(expression.expression, 'instant vector', 'aggregation expression');
      return 'instant vector';
    case 'negation': {
      const type = typeOf(expression.expression);
      if (type === 'scalar' || type === 'instant vector') return type;
      const only = 'unary expression only allowed on expressions of type scalar or instant vector';
      throw parseError(expression.at, `${only}, got ${JSON.stringify(type)}`);
    }
    case 'call':
      return callType(expression);
    case 'binary':
      return binaryType(expression);
  }
}

function expectType(expression: Expression, expected: ValueType, where: string): void {
  const type = typeOf(expression);
  if (type !== expected) throw parseError(expression.at, `expected type ${expected} in ${where}, got ${type}`);
}

function callType(call: Call): ValueType {
  const { takes, gives } = FUNCTIONS.get(call.name) as Signature;
  const where = `call to function ${JSON.stringify(call.name)}`;
  call.arguments.forEach((argument, i) => {
    expectType(argument, takes[i] as ValueType, where);
  });
  return gives;
}

const COMPARISON = /^(==|!=|<|>|<=|>=)$/;
const SET = /^(and|or|unless)$/;

function binaryType({ at, operator, operatorAt, bool, left, right }: Binary): ValueType {
  const types = [left, right].map((side) => {
    const type = typeOf(side);
    if (type === 'scalar' || type === 'instant vector') return type;
    throw parseError(side.at, 'binary expression must contain only scalar and instant vector types');
  });
  const scalars = types.filter((type) => type === 'scalar').length;
  if (scalars === 2 && COMPARISON.test(operator) && !bool) {
    throw parseError(operatorAt, 'comparisons between scalars must use BOOL modifier');
  }
  if (scalars > 0 && SET.test(operator)) {
    throw parseError(at, `set operator ${JSON.stringify(operator)} not allowed in binary scalar expression`);
  }
  return scalars === 2 ? 'scalar' : 'instant vector';
}
