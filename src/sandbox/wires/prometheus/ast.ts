/** What every node has: the place of its first character in the query, from 0. */
interface Node {
  at: number;
}

export interface Matcher {
  label: string;
  operator: '=' | '!=' | '=~' | '!~';
  value: string;
}

export interface Selector extends Node {
  kind: 'selector';
  matchers: Matcher[];
  /** Length of the range in seconds; null for an instant vector. */
  range: number | null;
  /** Seconds. */
  offset: number;
}

export interface Aggregation extends Node {
  kind: 'aggregation';
  operator: string;
  grouping: { by: boolean; labels: string[] } | null;
  /** What `topk`, `bottomk` and `quantile` take before the expression; null for the others. */
  parameter: Expression | null;
  expression: Expression;
}

export interface Call extends Node {
  kind: 'call';
  name: string;
  arguments: Expression[];
}

export interface Binary extends Node {
  kind: 'binary';
  operator: string;
  /** Where the operator is. */
  operatorAt: number;
  bool: boolean;
  left: Expression;
  right: Expression;
}

export type Expression =
  | Selector
  | Aggregation
  | Call
  | Binary
  | (Node & { kind: 'negation'; expression: Expression })
  | (Node & { kind: 'number'; value: number })
  | (Node & { kind: 'string'; value: string });

/** As Prometheus names them in its answers. */
export type ErrorType = 'bad_data' | 'execution' | 'timeout';

/** A query that Prometheus would refuse. */
export class QueryError extends Error {
  readonly type: ErrorType;

  constructor(message: string, type: ErrorType = 'bad_data') {
    super(message);
    this.name = 'QueryError';
    this.type = type;
  }
}
