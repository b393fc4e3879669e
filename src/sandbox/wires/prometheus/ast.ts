export interface Matcher {
  label: string;
  operator: '=' | '!=' | '=~' | '!~';
  value: string;
}

export interface Selector {
  kind: 'selector';
  matchers: Matcher[];
  /** Length of the range in seconds; null for an instant vector. */
  range: number | null;
  /** Seconds. */
  offset: number;
}

export interface Aggregation {
  kind: 'aggregation';
  operator: string;
  grouping: { by: boolean; labels: string[] } | null;
  expression: Expression;
}

export interface Call {
  kind: 'call';
  name: string;
  arguments: Expression[];
}

export interface Binary {
  kind: 'binary';
  operator: string;
  bool: boolean;
  left: Expression;
  right: Expression;
}

export type Expression =
  | Selector
  | Aggregation
  | Call
  | Binary
  | { kind: 'negation'; expression: Expression }
  | { kind: 'number'; value: number }
  | { kind: 'string'; value: string };

/** A query that Prometheus would refuse: becomes `errorType: bad_data`. */
export class QueryError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'QueryError';
  }
}
