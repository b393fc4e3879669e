import { stamp } from '../../clock.ts';
import { labelsOf } from '../../platform/alerts.ts';
import type { Platform } from '../../platform/platform.ts';
import { ALERT_QUERIES } from '../../platform/rules.ts';
import { QueryError, type Selector } from './ast.ts';
import { type Source, select } from './eval.ts';
import { parseQuery } from './parser.ts';

interface ActiveAlert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  state: 'firing';
  activeAt: string;
  value: string;
}

/** `/api/v1/alerts`: what fires. */
export function activeAlerts(platform: Platform): { alerts: ActiveAlert[] } {
  const alerts = platform.alerts.firing().map((alert): ActiveAlert => {
    const { summary, description } = alert;
    const activeAt = stamp(alert.startsAt);
    return {
      labels: labelsOf(alert),
      annotations: { summary, description },
      state: 'firing',
      activeAt,
      value: '1e+00',
    };
  });
  return { alerts };
}

const INTERVAL_SECONDS = 15;

/** `/api/v1/rules`: one group with a rule for each alert that the sandbox can give. @throws QueryError for another type than `alert` and `record` */
export function ruleGroups(platform: Platform, parameters: URLSearchParams): { groups: unknown[] } {
  const type = parameters.get('type') ?? '';
  if (!['', 'alert', 'record'].includes(type)) {
    throw new QueryError(`invalid parameter "type": not supported value ${JSON.stringify(type)}`);
  }
  if (type === 'record') return { groups: [] };
  const evaluated = {
    evaluationTime: 0.001,
    lastEvaluation: stamp(Math.floor(platform.clock.now() / (INTERVAL_SECONDS * 1000)) * INTERVAL_SECONDS * 1000),
  };
  const { alerts: active } = activeAlerts(platform);
  const rules = Object.entries(ALERT_QUERIES).map(([name, query]) => {
    const alerts = active.filter(({ labels }) => labels.alertname === name);
    return {
      state: alerts.length > 0 ? 'firing' : 'inactive',
      name,
      query,
      duration: 60,
      keepFiringFor: 0,
      labels: {},
      annotations: {},
      alerts,
      health: 'ok',
      ...evaluated,
      type: 'alerting',
    };
  });
  return {
    groups: [
      { name: 'pulsestream', file: 'pulsestream.yml', rules, interval: INTERVAL_SECONDS, limit: 0, ...evaluated },
    ],
  };
}

/** `/api/v1/label/NAME/values` at a simulated second. @throws QueryError for what is no label, or a `match[]` that is no selector */
export function labelValues(label: string, source: Source, at: number, parameters: URLSearchParams): string[] {
  if (!/^[a-zA-Z_]\w*$/.test(label)) throw new QueryError(`invalid label name: ${JSON.stringify(label)}`);
  const selectors = parameters.getAll('match[]').map(selectorOf);
  const samples =
    selectors.length > 0
      ? selectors.flatMap((selector) => select(selector, source, at))
      : source.names.flatMap((name) => source.samples(name, at));
  const values = samples.map(({ labels }) => labels[label]).filter((value) => value !== undefined);
  return [...new Set(values)].sort();
}

function selectorOf(text: string): Selector {
  const expression = parseQuery(text);
  if (expression.kind === 'selector' && expression.range === null) return expression;
  throw new QueryError('1:1: parse error: expected a selector of series');
}
