import { invalidInput } from '../../errors.ts';

// RFC 1123 section 2.1 as Kubernetes applies it: a label of 63 characters, a subdomain of 253.
const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

const refuse = (what: string, name: string) =>
  invalidInput(
    `"${name.slice(0, 70)}" is not a valid name of a ${what}.`,
    'use lower-case letters, digits and "-", starting and ending with a letter or digit (RFC 1123).',
  );

/** Returns the namespace as it is, or throws `INVALID_INPUT`. */
export function checkNamespace(name: string): string {
  if (!LABEL.test(name)) throw refuse('namespace', name);
  return name;
}

/** Returns the object's name as it is, or throws `INVALID_INPUT`. */
export function checkName(name: string): string {
  if (name.length > 253 || !SUBDOMAIN.test(name)) throw refuse('Kubernetes object', name);
  return name;
}
