import { afterAll, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { makeHome } from '../helpers/home.ts';
import { connect } from '../helpers/session.ts';
import { colleague, writeConfiguration } from './helpers/at-hand.ts';
import { workload } from './helpers/workloads.ts';

const bin = new Bin();
afterAll(() => bin.empty());

test('health of a namespace whose pods became ready, are stuck and crash', async () => {
  const at = colleague();
  const ns = await at.namespace(bin, 'health');
  await at.apply(
    workload('Deployment', ns, 'well', { replicas: 2 }),
    workload('StatefulSet', ns, 'stuck', { fate: 'stuck' }),
    workload('DaemonSet', ns, 'crashing', { fate: 'crash' }),
  );
  await at.kubectl('-n', ns, 'rollout', 'status', 'deployment/well', '--timeout=30s');
  const session = await connect(
    bin,
    await makeHome(bin, await writeConfiguration(bin, { namespaces: [ns] })),
    'second',
  );
  const { text, data } = await session.call('get_system_health');
  process.stderr.write(`${text}\n`);
  expect(data.status).toBe('degraded');
});
