import type { Config } from '../../config.ts';
import type { EnvironmentReaders } from '../../mcp/context.ts';
import { check, type Finding, fail, ok, type Said, SOURCE_MS, warn } from './check.ts';

const READ = { deadline_ms: SOURCE_MS };
const absent = (what: string, key: string): Said =>
  warn('not configured.', `name ${what} under ${key}; until then it counts as unknown.`);

/** Each configured source is read once, as the tools read it. */
export function sourceChecks(readers: EnvironmentReaders, config: Config): Promise<Finding>[] {
  const { name } = readers;
  return [
    check(name, 'prometheus', () => metrics(readers)),
    check(name, 'alertmanager', async () => {
      const alerts = await readers.alerts();
      if (alerts === null) return absent('Alertmanager or Grafana', 'signals.alertmanager');
      return ok(`answers; ${(await alerts.list(READ)).length} alerts`);
    }),
    check(name, 'health endpoints', () => health(readers)),
    check(name, 'fleet', () => fleet(readers, config)),
    check(name, 'LLM provider page', async () => {
      const page = await readers.llm();
      if (page === null) return absent("the provider's status page", 'signals.llm_provider');
      const { provider, indicator } = await page.read(READ);
      return ok(`${provider} answers; indicator ${indicator}`);
    }),
  ];
}

async function metrics(readers: EnvironmentReaders): Promise<Said> {
  const port = await readers.metrics();
  if (port === null) return absent('Prometheus', 'signals.prometheus');
  const [services, queue] = await Promise.all([port.services(READ), port.queue(READ)]);
  const empty = [
    ...(Object.keys(services.error_rate).length === 0 ? ['error_rate'] : []),
    ...(Object.keys(services.latency_p95).length === 0 ? ['latency_p95'] : []),
    ...(queue.depth === null ? ['queue_depth'] : []),
    ...(queue.oldest_seconds === null ? ['queue_oldest'] : []),
  ];
  const found = `answers; error rates of ${Object.keys(services.error_rate).length} services`;
  return empty.length === 0
    ? ok(found)
    : warn(
        `${found}; no series for ${empty.join(', ')}.`,
        'check signals.prometheus.queries against the names and labels of your metrics.',
      );
}

/** An endpoint that answers badly is news about the platform; one that does not answer may be a wrong address. */
async function health(readers: EnvironmentReaders): Promise<Said> {
  const port = await readers.health();
  if (port === null) return absent('the health endpoints', 'environments.<name>.health_endpoints');
  const probes = await port.probe(READ);
  const bad = probes.filter((probe) => !probe.ok);
  const found = `${probes.length - bad.length} of ${probes.length} healthy`;
  if (bad.length === 0) return ok(found);
  const lines = bad.map((probe) => `${probe.name}: ${probe.reason ?? 'not ok'}`).join('\n');
  return bad.some((probe) => probe.http_status === null)
    ? fail(`${found}\n${lines}`, 'check the addresses, or the platform, if they are right.')
    : warn(`${found}\n${lines}`, 'the addresses answer: look at the platform (get_system_health).');
}

async function fleet(readers: EnvironmentReaders, config: Config): Promise<Said> {
  const settings = readers.config.fleet ?? config.fleet;
  const port = await readers.fleet();
  if (port === null) return absent('Prometheus or a JSON endpoint', 'fleet or signals.prometheus');
  const { customers, gaps } = await port.read(READ);
  const found = `${settings.source} answers; ${customers.length} customers`;
  if (customers.length === 0)
    return warn(`${found}.`, 'check fleet.queries against your metrics: without customers no scope is known.');
  return gaps.length === 0 ? ok(found) : warn(`${found}; ${gaps.join('; ')}.`, 'check those fleet.queries.');
}
