export { createJsonFleet, type JsonFleetSettings } from './json.ts';
export { createPrometheusFleet, type PrometheusFleetSettings } from './prometheus.ts';
