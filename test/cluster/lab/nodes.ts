import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ApiServer, Keep } from './control-plane.ts';
import { eventually, freePort, runToEnd, startDaemon } from './daemon.ts';
import type { Programs } from './programs.ts';

/**
 * What becomes of the lab's pods. A pod's annotation `lab/fate` tells: `stuck` (the image cannot be pulled), `crash` (its container ends again and
 * again), `fail` (a Job's pod ends with exit code 1); any other becomes ready, and a Job's then ends well.
 */
const FATE = '.metadata.annotations["lab/fate"]';

const alive = { key: '.metadata.deletionTimestamp', operator: 'DoesNotExist' };
const phase = (...values: string[]) => ({ key: '.status.phase', operator: 'In', values });
const fate = (...values: string[]) => ({ key: FATE, operator: 'In', values });
const ordinary = { key: FATE, operator: 'NotIn', values: ['stuck', 'crash', 'fail'] };
const ofJob = { key: '.metadata.ownerReferences.[].kind', operator: 'In', values: ['Job'] };

/** A status with every container in that state. `state` is Go template text below `state:`, indented by six. */
function status(ready: boolean, podPhase: string, state: string, restarts = 0): string {
  const condition = (type: string, is: boolean): string =>
    `- {type: ${type}, status: "${is ? 'True' : 'False'}", lastTransitionTime: {{ Now | Quote }}}`;
  return [
    'conditions:',
    condition('Initialized', true),
    condition('PodScheduled', true),
    condition('ContainersReady', ready),
    condition('Ready', ready),
    '{{ with PodIPsWith .spec.nodeName false ( or .metadata.uid "" ) ( or .metadata.name "" ) ( or .metadata.namespace "" ) }}',
    'podIP: {{ index . 0 | Quote }}',
    '{{ end }}',
    'containerStatuses:',
    '{{ range .spec.containers }}',
    '- name: {{ .name | Quote }}',
    '  image: {{ .image | Quote }}',
    `  ready: ${ready}`,
    `  restartCount: ${restarts}`,
    '  state:',
    `    ${state}`,
    '{{ end }}',
    `phase: ${podPhase}`,
    'startTime: {{ .metadata.creationTimestamp | Quote }}',
  ].join('\n');
}

const RUNNING = 'running: {startedAt: {{ Now | Quote }}}';
const ended = (code: number, reason: string): string =>
  `terminated: {exitCode: ${code}, reason: ${reason}, startedAt: {{ Now | Quote }}, finishedAt: {{ Now | Quote }}}`;

const stage = (name: string, kind: 'Node' | 'Pod', matchExpressions: object[], next: object): object => ({
  apiVersion: 'kwok.x-k8s.io/v1alpha1',
  kind: 'Stage',
  metadata: { name },
  spec: { resourceRef: { apiGroup: 'v1', kind }, selector: { matchExpressions }, next },
});

const NODE_READY = [
  'conditions:',
  '- {type: Ready, status: "True", reason: KubeletReady, lastHeartbeatTime: {{ Now | Quote }}, lastTransitionTime: {{ Now | Quote }}}',
  'allocatable: {cpu: "1000", memory: 1Ti, pods: "10000"}',
  'capacity: {cpu: "1000", memory: 1Ti, pods: "10000"}',
  'addresses:',
  '- {type: InternalIP, address: 127.0.0.1}',
  '- {type: Hostname, address: {{ .metadata.name | Quote }}}',
].join('\n');

const unready = { key: '.status.containerStatuses', operator: 'DoesNotExist' };
const STAGES = [
  stage(
    'node',
    'Node',
    [{ key: '.status.conditions.[] | select( .type == "Ready" ) | .status', operator: 'NotIn', values: ['True'] }],
    {
      statusTemplate: NODE_READY,
    },
  ),
  stage('ready', 'Pod', [alive, phase('Pending'), ordinary], { statusTemplate: status(true, 'Running', RUNNING) }),
  stage('stuck', 'Pod', [alive, phase('Pending'), unready, fate('stuck')], {
    statusTemplate: status(false, 'Pending', 'waiting: {reason: ImagePullBackOff, message: "Back-off pulling image"}'),
  }),
  stage('crash', 'Pod', [alive, phase('Pending'), unready, fate('crash')], {
    statusTemplate: status(
      false,
      'Running',
      'waiting: {reason: CrashLoopBackOff, message: "back-off restarting failed container"}',
      5,
    ),
  }),
  stage('fail', 'Pod', [alive, phase('Pending'), fate('fail')], {
    statusTemplate: status(false, 'Failed', ended(1, 'Error')),
  }),
  stage('job-done', 'Pod', [alive, phase('Running'), ofJob, ordinary], {
    statusTemplate: status(false, 'Succeeded', ended(0, 'Completed')),
  }),
  stage('gone', 'Pod', [{ key: '.metadata.deletionTimestamp', operator: 'Exists' }], { delete: true }),
];

const node = (index: number): object => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: `lab-${index}`, labels: { 'kubernetes.io/hostname': `lab-${index}`, 'lab/node': 'true' } },
});

/** Fake nodes whose pods come up by themselves. */
export async function startNodes(
  programs: Programs,
  dir: string,
  api: ApiServer,
  count: number,
  keep: Keep,
): Promise<void> {
  const config = join(dir, 'kwok.json');
  writeFileSync(config, STAGES.map((one) => JSON.stringify(one)).join('\n---\n'));
  const daemon = keep(
    startDaemon(
      'kwok',
      programs.kwok,
      [
        `--kubeconfig=${api.kubeconfig}`,
        `--config=${config}`,
        '--manage-all-nodes=true',
        '--node-lease-duration-seconds=40',
        '--cidr=10.1.0.1/16',
        `--server-address=127.0.0.1:${await freePort()}`,
      ],
      join(dir, 'kwok.log'),
    ),
  );
  const nodes = { apiVersion: 'v1', kind: 'List', items: Array.from({ length: count }, (_, index) => node(index)) };
  const kubectl = (...argv: string[]): Promise<string> =>
    runToEnd(programs.kubectl, [`--kubeconfig=${api.kubeconfig}`, ...argv], {
      deadlineMs: 30_000,
      stdin: JSON.stringify(nodes),
    });
  await kubectl('apply', '-f', '-');
  await eventually(
    'the nodes are ready',
    async () => {
      const ready = await kubectl(
        'get',
        'nodes',
        '-o',
        'jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}',
      );
      return ready.split(' ').filter((word) => word === 'True').length === count;
    },
    60_000,
    daemon,
  );
}
