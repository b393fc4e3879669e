import { parseDuration } from './instant.ts';
import type { MatrixRow } from './severity.ts';

/** A row as the configuration writes it; `response` is `immediate`, `next_business_day` or a duration. */
export interface WrittenRow extends Pick<MatrixRow, 'severity' | 'description' | 'examples'> {
  response: string;
}

/** Errors: `INVALID_INPUT` for a response time of another form. */
export function toMatrixRow({ severity, description, response, examples }: WrittenRow): MatrixRow {
  const fixed = response === 'immediate' || response === 'next_business_day' ? response : null;
  return {
    severity,
    description,
    response:
      fixed === null ? { kind: 'within', ms: parseDuration(response, 'severity_matrix.response') } : { kind: fixed },
    response_text: response,
    examples,
  };
}
