/** The parts of the Kubernetes types that the sandbox reads; everything else passes through untouched. */

export type Strings = Record<string, string>;

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface Meta {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  labels?: Strings;
  annotations?: Strings;
  ownerReferences?: OwnerReference[];
  [field: string]: unknown;
}

/** One object. The store never changes one in place: a change is a new object. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: Meta;
  [field: string]: unknown;
}

export interface Container {
  name: string;
  image: string;
  [field: string]: unknown;
}

export interface PodSpec {
  containers: Container[];
  nodeName?: string;
  [field: string]: unknown;
}

export interface PodTemplate {
  metadata: { labels: Strings; annotations?: Strings };
  spec: PodSpec;
}

export interface Pod extends KubeObject {
  spec: PodSpec;
  status: PodStatus;
}

export interface Condition {
  type: string;
  status: string;
  lastTransitionTime: string;
  reason?: string;
  message?: string;
  [field: string]: unknown;
}

export interface ContainerStatus {
  name: string;
  image: string;
  ready: boolean;
  restartCount: number;
  started: boolean;
  state: Record<string, Record<string, unknown>>;
  lastState: Record<string, Record<string, unknown>>;
  [field: string]: unknown;
}

export interface PodStatus {
  phase: string;
  conditions: Condition[];
  containerStatuses?: ContainerStatus[];
  podIP?: string;
  [field: string]: unknown;
}

export interface WorkloadSpec {
  replicas?: number;
  paused?: boolean;
  selector: { matchLabels: Strings };
  template: PodTemplate;
  [field: string]: unknown;
}

export interface WorkloadStatus {
  observedGeneration?: number;
  replicas?: number;
  readyReplicas?: number;
  conditions?: Condition[];
  [field: string]: unknown;
}

/** A Deployment, ReplicaSet, StatefulSet or DaemonSet. */
export interface Workload extends KubeObject {
  spec: WorkloadSpec;
  status?: WorkloadStatus;
}
