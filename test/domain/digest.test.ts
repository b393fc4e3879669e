import { describe, expect, it } from 'vitest';
import { argumentsHash, type Decisive, digestOf } from '../../src/domain/digest.ts';
import { plan } from './builders.ts';

const base: Decisive = { ...plan(), world: { from_revision: 12, to_manifest: 'x' } };

describe('digestOf', () => {
  it.each([
    ['action', { action: 'scale_down' }],
    ['environment', { environment: 'dev' }],
    ['cluster', { cluster: 'other' }],
    ['target', { target: 'other' }],
    ['namespace', { namespace: null }],
    ['from', { from: '11' }],
    ['to', { to: '9' }],
    ['command', { command: ['helm', 'rollback', 'pulsestream-core 10'] }],
    ['changes', { changes: [{ kind: 'Deployment', name: 'a', field: 'image', from: '1', to: '2' }] }],
    ['world', { world: { from_revision: 13, to_manifest: 'x' } }],
  ] as [string, Partial<Decisive>][])('changes with %s', (_field, over) => {
    expect(digestOf({ ...base, ...over })).not.toBe(digestOf(base));
  });

  it('does not change with what only explains, nor with the order of keys', () => {
    const explained = {
      ...plan({ reason: 'other', risk: 'high', warnings: ['w'], expires_at: 'x' }),
      world: { to_manifest: 'x', from_revision: 12 },
    };
    expect(digestOf(explained)).toBe(digestOf(base));
    expect(digestOf(base)).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('argumentsHash', () => {
  it('covers tool and arguments, but not the approval that is named on the second call', () => {
    const hash = argumentsHash('restart_service', { service: 'a', reason: 'r' });
    expect(
      argumentsHash('restart_service', { reason: 'r', service: 'a', approval_id: 'APR-1', namespace: undefined }),
    ).toBe(hash);
    expect(argumentsHash('scale_down', { service: 'a', reason: 'r' })).not.toBe(hash);
    expect(argumentsHash('restart_service', { service: 'b', reason: 'r' })).not.toBe(hash);
  });
});
