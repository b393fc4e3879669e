import { expect, it } from 'vitest';
import { ownersOf } from '../../src/domain/owners.ts';

it.each<[string, Record<string, string>, Record<string, string>, ReturnType<typeof ownersOf>]>([
  ['nobody', { app: 'web' }, {}, { helm: null, argo: false, flux: false }],
  ['Helm, by its annotation', {}, { 'meta.helm.sh/release-name': 'core' }, { helm: 'core', argo: false, flux: false }],
  [
    'Helm, by the label alone',
    { 'app.kubernetes.io/managed-by': 'Helm' },
    {},
    { helm: 'a release', argo: false, flux: false },
  ],
  [
    'nobody of that name',
    { 'app.kubernetes.io/managed-by': 'kustomize' },
    {},
    { helm: null, argo: false, flux: false },
  ],
  ['Argo CD, by annotation', {}, { 'argocd.argoproj.io/tracking-id': 'x' }, { helm: null, argo: true, flux: false }],
  ['Argo CD, by label', { 'argocd.argoproj.io/instance': 'x' }, {}, { helm: null, argo: true, flux: false }],
  ['Flux', { 'kustomize.toolkit.fluxcd.io/name': 'x' }, {}, { helm: null, argo: false, flux: true }],
])('%s', (_who, labels, annotations, owners) => {
  expect(ownersOf({ labels, annotations })).toEqual(owners);
});
