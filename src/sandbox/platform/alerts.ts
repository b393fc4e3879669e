import { createHash } from 'node:crypto';
import type { SimClock } from '../clock.ts';
import { ENVIRONMENT, SERVICES, type Service } from '../scenarios/types.ts';
import type { Customer } from './customers.ts';
import type { Effects, Signals } from './effects.ts';
import { PLACES } from './observe.ts';
import type { AlertName } from './rules.ts';

export interface AlertRule {
  name: AlertName;
  severity: 'critical' | 'warning' | 'info';
  service: Service | null;
  labels?: Record<string, string>;
  summary: string;
  description: string;
}

export interface FiringAlert extends AlertRule {
  fingerprint: string;
  /** Wall time in milliseconds. */
  startsAt: number;
}

/** All labels of an alert: its own, and those of its service. */
export function labelsOf({ name, severity, service, labels }: AlertRule): Record<string, string> {
  const where = service === null ? {} : { service, namespace: PLACES[service].namespace };
  return { alertname: name, severity, environment: ENVIRONMENT, ...where, ...labels };
}

const percent = (ratio: number): string => `${Math.round(ratio * 100)} %`;

/** The alerts that a state of the platform gives: the rules of the sandbox's monitoring. */
export function alertsFor(
  effects: Effects,
  signals: Signals,
  customers: readonly Customer[],
  queueOldest: number,
): AlertRule[] {
  const rules: AlertRule[] = [];
  for (const service of SERVICES) {
    const { condition, desired, ready, fault } = effects.services[service];
    if (condition === 'off') continue;
    const { errorRatio, p95 } = signals.services[service];
    if (service === 'postgres' && condition === 'down') {
      rules.push({
        name: 'DatabaseDown',
        severity: 'critical',
        service,
        summary: 'postgres does not accept connections',
        description: `0 of ${desired} instances are ready; last exit: no space left on device in pg_wal.`,
      });
      continue;
    }
    if (fault === 'crash-at-start' || fault === 'crash-under-load') {
      rules.push({
        name: 'PodCrashLooping',
        severity: 'warning',
        service,
        summary: `Pods of ${service} restart again and again`,
        description: `${desired - ready} of ${desired} pods of ${service} are in CrashLoopBackOff.`,
      });
    }
    if (fault === 'oom') {
      rules.push({
        name: 'ContainerOOMKilled',
        severity: 'warning',
        service,
        summary: `Containers of ${service} are killed for their memory`,
        description: `The memory of ${service} reaches its limit minutes after each restart.`,
      });
    }
    if (condition !== 'ok' && ready < desired) {
      rules.push({
        name: 'WorkloadReplicasNotReady',
        severity: ready === 0 ? 'critical' : 'warning',
        service,
        summary: `${ready} of ${desired} pods of ${service} are ready`,
        description: `${service} has had fewer ready pods than wanted for more than a minute.`,
      });
    }
    if (errorRatio > 0.05) {
      rules.push({
        name: 'HighErrorRate',
        severity: errorRatio > 0.25 ? 'critical' : 'warning',
        service,
        summary: `${percent(errorRatio)} of the requests to ${service} fail`,
        description: `The share of 5xx answers of ${service} over five minutes is above 5 %.`,
      });
    }
    if (condition === 'degraded' && p95 > 0.5) {
      rules.push({
        name: 'HighLatency',
        severity: 'warning',
        service,
        summary: `95th percentile of ${service} is ${p95.toFixed(1)} s`,
        description: `Requests to ${service} take more than ten times as long as usual.`,
      });
    }
  }
  const expected = customers.reduce((sum, customer) => sum + customer.agents, 0);
  const connected = [...signals.connected.values()].reduce((sum, agents) => sum + agents, 0);
  if (connected < expected * 0.95) {
    rules.push({
      name: 'AgentConnectivitySLOBreach',
      severity: connected < expected * 0.75 ? 'critical' : 'warning',
      service: 'agent-gateway',
      summary: `${percent(connected / expected)} of the agents are connected`,
      description: `${connected} of ${expected} agents are connected; the objective is 99 %.`,
    });
  } else {
    for (const customer of customers) {
      if (signals.connected.get(customer.name) !== 0) continue;
      rules.push({
        name: 'CustomerAgentsOffline',
        severity: 'warning',
        service: 'agent-gateway',
        labels: { customer: customer.name },
        summary: `All ${customer.agents} agents of ${customer.name} are disconnected`,
        description: 'No other customer is affected.',
      });
    }
  }
  if (signals.queueGrowth > 0 && queueOldest > 300) {
    rules.push({
      name: 'AnalysisQueueGrowing',
      severity: 'warning',
      service: 'analysis-engine',
      summary: 'The analysis queue grows',
      description: 'Items of the analysis queue have waited for more than five minutes.',
    });
  }
  return rules;
}

export interface AlertBook {
  /** Takes note of the rules that hold at this moment. */
  update(rules: readonly AlertRule[]): void;
  firing(): FiringAlert[];
}

/** A rule must hold for this many simulated seconds before it fires; the ones of the start have fired already. */
const HOLD_SECONDS = 1;

export function createAlertBook(clock: SimClock, onsetAt: number): AlertBook {
  let wanted = new Map<string, AlertRule>();
  const firing = new Map<string, FiringAlert>();
  const pending = new Map<string, () => void>();
  let first = true;

  const keyOf = (rule: AlertRule): string => JSON.stringify([rule.name, rule.service, rule.labels ?? {}]);
  const fire = (key: string, rule: AlertRule, startsAt: number): void => {
    const text = `${ENVIRONMENT}/${key}/${rule.service === null ? '' : PLACES[rule.service].namespace}`;
    const fingerprint = createHash('sha256').update(text).digest('hex').slice(0, 16);
    firing.set(key, { ...rule, fingerprint, startsAt });
  };
  return {
    update(rules) {
      wanted = new Map(rules.map((rule) => [keyOf(rule), rule]));
      for (const key of [...firing.keys()]) if (!wanted.has(key)) firing.delete(key);
      for (const [key, cancel] of [...pending]) {
        if (wanted.has(key)) continue;
        cancel();
        pending.delete(key);
      }
      let order = 0;
      for (const [key, rule] of wanted) {
        const known = firing.get(key);
        if (known !== undefined) firing.set(key, { ...known, ...rule });
        else if (first) fire(key, rule, Math.min(clock.startedAt - 20_000, onsetAt + 60_000 + 15_000 * order++));
        else if (!pending.has(key)) {
          const cancel = clock.after(HOLD_SECONDS, () => {
            pending.delete(key);
            const held = wanted.get(key);
            if (held !== undefined) fire(key, held, clock.now());
          });
          pending.set(key, cancel);
        }
      }
      first = false;
    },
    firing: () => [...firing.values()],
  };
}
