/** What an alert is about. */
export interface Subject {
  component: string | null;
  /** Only where the labels name an object of Kubernetes: beside a `service`, the namespace may be that of whoever looked. */
  namespace: string | null;
}

type Labels = Readonly<Record<string, string>>;

const WORKLOADS = ['deployment', 'statefulset', 'daemonset'] as const;
/** Other objects that kube-state-metrics counts. */
const OBJECTS = ['cronjob', 'job_name', 'horizontalpodautoscaler', 'persistentvolumeclaim', 'node'] as const;
/** Metrics about others: the labels `service` and `job` beside them name who measured, not what is hurt. */
const OBSERVERS = /(?:^|[-_/])(?:kube-?state-?metrics|cadvisor|kubelet|node-exporter|blackbox(?:-exporter)?|probe)$/i;

/**
 * A label of the thing itself: where it collides with one of the target, Prometheus renames it to `exported_...`
 * (https://prometheus.io/docs/prometheus/latest/configuration/configuration/, `honor_labels`).
 */
const own = (labels: Labels, name: string): string | null => labels[`exported_${name}`] || labels[name] || null;

/** `web-7d9f8b6c5d-x2x9k` and `web-x2x9k` as `web`, `db-0` as `db`: names as the controllers of Kubernetes build them. */
function ownerOf(pod: string): string {
  // Their random parts are of letters and digits that form no words: no vowels, no 0, 1, 3 (k8s.io/apimachinery, `rand.SafeEncodeString`).
  const made = /^(.+?)(?:-[bcdfghjklmnpqrstvwxz24-9]{6,10})?-[bcdfghjklmnpqrstvwxz24-9]{5}$/.exec(pod);
  return (made ?? /^(.+)-\d+$/.exec(pod))?.[1] ?? pod;
}

/** What an alert's labels say it is about: the workload, else the service, else whatever else they name. */
export function subjectOf(labels: Labels): Subject {
  const namespace = own(labels, 'namespace');
  const workload = WORKLOADS.map((label) => own(labels, label)).find(Boolean);
  if (workload) return { component: workload, namespace };
  const named = own(labels, 'component');
  if (named) return { component: named, namespace: null };
  const pod = own(labels, 'pod');
  const object = pod ? ownerOf(pod) : OBJECTS.map((label) => own(labels, label)).find(Boolean);
  const seenByOther = [labels.job, labels.service].some((name) => name && OBSERVERS.test(name));
  if (object && seenByOther) return { component: object, namespace };
  const service = labels.exported_service || (seenByOther ? '' : labels.service) || own(labels, 'app');
  if (service) return { component: service, namespace: null };
  if (object) return { component: object, namespace };
  return { component: labels.exported_job || labels.service || labels.job || null, namespace: null };
}
