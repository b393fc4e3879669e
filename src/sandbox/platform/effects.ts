import { type PodFault, SERVICES, type Service } from '../scenarios/types.ts';
import type { Customer } from './customers.ts';

export type ServiceCondition = 'ok' | 'degraded' | 'down' | 'off';

/** What the pods of a service amount to. */
export interface ServiceState {
  desired: number;
  ready: number;
  fault: PodFault | null;
  condition: ServiceCondition;
}

/** The state of the whole platform, from which every signal follows. */
export interface Effects {
  services: Readonly<Record<Service, ServiceState>>;
  providerDown: boolean;
  customersOffline: number;
}

export interface ServiceSignals {
  requestsPerSecond: number;
  errorRatio: number;
  /** 95th percentile of the request duration, in seconds. */
  p95: number;
}

/** The figures that the wires show for a state of the platform. */
export interface Signals {
  services: Readonly<Record<Service, ServiceSignals>>;
  /** By customer name. */
  connected: ReadonlyMap<string, number>;
  errorRatio: ReadonlyMap<string, number>;
  /** Work arriving at the analysis queue faster than it leaves, in items a second; 0 or below drains it. */
  queueGrowth: number;
}

/** Ready pods, or pods without a fault, below two thirds of the wanted ones: the service is not well. */
export function serviceState(desired: number, ready: number, faulted: number, fault: PodFault | null): ServiceState {
  const enough = Math.ceil((desired * 2) / 3);
  let condition: ServiceCondition = 'ok';
  if (desired === 0) condition = 'off';
  else if (ready === 0) condition = 'down';
  else if (ready < enough || faulted * 3 > desired) condition = 'degraded';
  return { desired, ready, fault: faulted > 0 ? fault : null, condition };
}

export function soundEffects(desired: Readonly<Record<Service, number>>): Effects {
  const services = {} as Record<Service, ServiceState>;
  for (const name of SERVICES) services[name] = serviceState(desired[name], desired[name], 0, null);
  return { services, providerDown: false, customersOffline: 0 };
}

interface Weight {
  requestsPerSecond: number;
  p95: number;
  /** Share of the customers impaired, and of the service's requests that fail, when it is degraded and when down. */
  customers: readonly [degraded: number, down: number];
  errors: readonly [degraded: number, down: number];
}

const WEIGHTS: Readonly<Record<Service, Weight>> = {
  'control-plane': { requestsPerSecond: 120, p95: 0.12, customers: [0.5, 1], errors: [0.3, 0.97] },
  'analysis-engine': { requestsPerSecond: 60, p95: 0.8, customers: [0.7, 0.7], errors: [0.48, 0.86] },
  'ingest-gateway': { requestsPerSecond: 800, p95: 0.06, customers: [0.1, 1], errors: [0.07, 0.95] },
  'web-ui': { requestsPerSecond: 40, p95: 0.09, customers: [0.05, 0.05], errors: [0.3, 0.98] },
  postgres: { requestsPerSecond: 0, p95: 0.02, customers: [1, 1], errors: [0.5, 1] },
  'agent-gateway': { requestsPerSecond: 300, p95: 0.15, customers: [0.6, 1], errors: [0.41, 0.96] },
  'agent-relay': { requestsPerSecond: 150, p95: 0.05, customers: [0.3, 0.6], errors: [0.25, 0.9] },
};

const isHurt = (state: ServiceState): boolean => state.condition === 'degraded' || state.condition === 'down';

function shareOf(name: Service, state: ServiceState): number {
  if (!isHurt(state)) return 0;
  // An agent release that drops agents hits a little wider than a stuck gateway.
  if (state.fault === 'drops-agents') return 0.65;
  return WEIGHTS[name].customers[state.condition === 'down' ? 1 : 0];
}

/** Share of the customers whose requests or agents suffer, from 0 to 1. */
export function impairedShare(effects: Effects): number {
  return Math.max(...SERVICES.map((name) => shareOf(name, effects.services[name])));
}

/** Anything at all is wrong: a service is not well, one is switched off, or the provider or a customer is down. */
export function isImpaired(effects: Effects): boolean {
  const troubled = SERVICES.some((name) => effects.services[name].condition !== 'ok');
  return troubled || effects.providerDown || effects.customersOffline > 0;
}

export function signalsOf(effects: Effects, customers: readonly Customer[]): Signals {
  const services = {} as Record<Service, ServiceSignals>;
  for (const name of SERVICES) {
    const { condition } = effects.services[name];
    const weight = WEIGHTS[name];
    const hurt = condition === 'degraded' || condition === 'down';
    services[name] = {
      requestsPerSecond: condition === 'off' ? 0 : weight.requestsPerSecond,
      errorRatio: hurt ? weight.errors[condition === 'down' ? 1 : 0] : 0.002,
      p95: hurt ? Math.min(weight.p95 * 12, 8) : weight.p95,
    };
  }

  const { services: states } = effects;
  const share = impairedShare(effects);
  const platformOff = states['control-plane'].condition === 'off' && states['ingest-gateway'].condition === 'off';
  const cutOff =
    states.postgres.condition !== 'ok' ||
    [states['control-plane'], states['agent-gateway']].some((s) => s.condition === 'down' || s.condition === 'off');
  const gateway = states['agent-gateway'];
  const relay = states['agent-relay'];
  const dropping = isHurt(gateway) ? shareOf('agent-gateway', gateway) : shareOf('agent-relay', relay);
  const connected = new Map<string, number>();
  const errorRatio = new Map<string, number>();
  const byRank = [...customers].sort((a, b) => a.rank - b.rank);
  byRank.forEach((customer, index) => {
    let present = customer.agents - (customer.spread > 0.85 ? 1 : 0);
    if (customer.rank < dropping) present = Math.round(customer.agents * (0.15 + 0.4 * customer.spread));
    // The last ranks, so that trouble of the platform and trouble of a customer hit different ones.
    if (cutOff || index >= byRank.length - effects.customersOffline) present = 0;
    connected.set(customer.name, present);
    const failing = customer.rank < share && !platformOff;
    errorRatio.set(customer.name, failing ? 0.18 + 0.5 * customer.spread : 0.001 + 0.006 * customer.spread);
  });
  const analysis = states['analysis-engine'];
  const starved = cutOff || platformOff || states['ingest-gateway'].condition === 'down';
  const stalled = effects.providerDown || isHurt(analysis);
  return { services, connected, errorRatio, queueGrowth: stalled && !starved ? 1.6 : -1 };
}
