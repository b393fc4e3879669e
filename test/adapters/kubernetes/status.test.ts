import { describe, expect, it } from 'vitest';
import { type Subject, statusError } from '../../../src/adapters/kubernetes/status.ts';

const PATCH: Subject = { verb: 'patch', resource: 'deployments.apps', namespace: 'core', name: 'web' };
const body = (message?: string): Buffer =>
  Buffer.from(JSON.stringify({ kind: 'Status', ...(message === undefined ? {} : { message }) }));
const refused = (status: number, message?: string) => statusError(status, body(message), PATCH, 'k8s:6443');

/** As a real API server 1.37 words it. */
const RBAC =
  'deployments.apps "web" is forbidden: User "nobody" cannot patch resource "deployments" in API group "apps" in the namespace "core"';
const POLICY =
  "deployments.apps \"web\" is forbidden: ValidatingAdmissionPolicy 'freeze' with binding 'freeze' denied request: change freeze until Monday";
const WEBHOOK = 'admission webhook "gate.example" denied the request: no changes on Friday';
const QUOTA = 'pods "web" is forbidden: exceeded quota: small, requested: pods=1, used: pods=3, limited: pods=3';

describe('a refusal', () => {
  it.each<[string, number, string | undefined]>([
    ['of an authorizer', 403, RBAC],
    ['without words', 403, undefined],
    ['of a path', 403, 'forbidden: User "nobody" cannot get path "/version"'],
  ])('%s names the missing verb and nothing else', (_who, status, message) => {
    const error = refused(status, message);
    expect(error).toMatchObject({
      code: 'FORBIDDEN',
      message: 'the credentials do not allow to patch deployments.apps "web" in namespace core.',
    });
    expect(error.next).toContain('ask for the verb "patch" on deployments.apps in namespace core');
  });

  it.each<[string, number, string]>([
    ['a policy with reason Forbidden', 403, POLICY],
    ['a policy', 422, POLICY],
    ['a webhook', 403, WEBHOOK],
    ['a webhook with a code of its own', 400, WEBHOOK],
    ['a quota', 403, QUOTA],
  ])('of %s says so, with its words, and blames no role', (_who, status, message) => {
    const error = refused(status, message);
    expect(error).toMatchObject({
      code: 'FORBIDDEN',
      message: `the cluster's admission control did not let patch deployments.apps "web" in namespace core pass. It said: ${message}`,
    });
    expect(error.next).not.toContain('verb');
  });

  it.each<[Subject['verb'], string]>([
    ['get', 'Forbidden'],
    ['list', 'Forbidden'],
    ['list', QUOTA],
    ['get', RBAC],
  ])('of a %s is never admission, also in the words %j', (verb, message) => {
    const read: Subject = { verb, resource: 'pods', namespace: 'core' };
    const error = statusError(403, body(message), read, 'k8s:6443');
    expect(error).toMatchObject({
      code: 'FORBIDDEN',
      message: `the credentials do not allow to ${verb} pods in namespace core.`,
      next: expect.stringContaining(`ask for the verb "${verb}" on pods in namespace core`),
    });
  });

  it('of an object that is not valid stays a bad request', () => {
    expect(refused(422, 'Deployment.apps "web" is invalid: spec.replicas: Invalid value: -1').code).toBe(
      'INVALID_INPUT',
    );
  });
});
