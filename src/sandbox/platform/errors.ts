/** An error of the Kubernetes API: becomes a `Status` object with this HTTP code. */
export class KubeError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: Record<string, unknown>;

  constructor(code: number, reason: string, message: string, details: Record<string, unknown> = {}) {
    super(message);
    this.name = 'KubeError';
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  static notFound(kind: string, name: string): KubeError {
    return new KubeError(404, 'NotFound', `${kind} "${name}" not found`, details(kind, name));
  }

  static noSuchPath(): KubeError {
    return new KubeError(404, 'NotFound', 'the server could not find the requested resource');
  }

  static alreadyExists(kind: string, name: string): KubeError {
    return new KubeError(409, 'AlreadyExists', `${kind} "${name}" already exists`, details(kind, name));
  }

  static conflict(kind: string, name: string): KubeError {
    const why = 'the object has been modified; please apply your changes to the latest version and try again';
    return new KubeError(
      409,
      'Conflict',
      `Operation cannot be fulfilled on ${kind} "${name}": ${why}`,
      details(kind, name),
    );
  }

  /** For a write that names another object than the one that is there. */
  static otherUid(kind: string, name: string, given: string, actual: string): KubeError {
    const why = `Precondition failed: UID in precondition: ${given}, UID in object meta: ${actual}`;
    const message = `Operation cannot be fulfilled on ${kind} "${name}": ${why}`;
    return new KubeError(409, 'Conflict', message, details(kind, name));
  }

  static badRequest(message: string): KubeError {
    return new KubeError(400, 'BadRequest', message);
  }

  static notAllowed(): KubeError {
    return new KubeError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource');
  }

  static invalid(kind: string, name: string, message: string): KubeError {
    return new KubeError(422, 'Invalid', `${kind} "${name}" is invalid: ${message}`, details(kind, name));
  }
}

function details(kind: string, name: string): Record<string, unknown> {
  const dot = kind.indexOf('.');
  return dot < 0 ? { name, kind } : { name, kind: kind.slice(0, dot), group: kind.slice(dot + 1) };
}

/** The `Status` object of an error. */
export function statusOf(error: KubeError): Record<string, unknown> {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: error.message,
    reason: error.reason,
    ...(Object.keys(error.details).length > 0 ? { details: error.details } : {}),
    code: error.code,
  };
}
