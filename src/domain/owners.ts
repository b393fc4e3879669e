import type { Workload } from './observe.ts';

/** Who else writes to an object and brings back what was changed by hand. */
export interface Owners {
  /** Name of the release; `a release` where only the label tells. */
  helm: string | null;
  argo: boolean;
  flux: boolean;
}

/**
 * Read from the marks that these tools leave. Sources: Helm (`meta.helm.sh/release-name`), Argo CD's resource tracking by annotation or label,
 * Flux's kustomize and helm controllers.
 */
export function ownersOf(object: Pick<Workload, 'labels' | 'annotations'>): Owners {
  const { labels, annotations } = object;
  const keys = [...Object.keys(labels), ...Object.keys(annotations)];
  const helm =
    annotations['meta.helm.sh/release-name'] ??
    (labels['app.kubernetes.io/managed-by'] === 'Helm' ? 'a release' : null);
  return {
    helm,
    argo: keys.some((key) => key.startsWith('argocd.argoproj.io/')),
    flux: keys.some((key) => key.includes('.toolkit.fluxcd.io/')),
  };
}
