import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import type { KubeObject } from '../platform/types.ts';

/** An answer of the API that is not a success, or no answer at all (`code` 0). */
export class ApiError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** The little of a Kubernetes client that the stand-in programs need. Every call has a deadline. */
export interface KubeClient {
  /** The namespace of the context. */
  namespace: string;
  get(path: string): Promise<KubeObject>;
  /** Null where the API answers 404. */
  find(path: string): Promise<KubeObject | null>;
  list(path: string): Promise<KubeObject[]>;
  send(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<KubeObject>;
}

interface Kubeconfig {
  'current-context'?: string;
  clusters?: { name: string; cluster: { server: string } }[];
  contexts?: { name: string; context: { cluster: string; user?: string; namespace?: string } }[];
  users?: { name: string; user: { token?: string } }[];
}

const DEADLINE_MS = 15_000;

/** @throws ApiError when the file, the context or the cluster it names is not there */
export async function connect(
  file: string | undefined,
  context: string | undefined,
  agent: string,
): Promise<KubeClient> {
  let config: Kubeconfig = {};
  if (file !== undefined) {
    try {
      config = (parse(await readFile(file, 'utf8')) ?? {}) as Kubeconfig;
    } catch (error) {
      throw new ApiError(0, error instanceof Error ? error.message : String(error));
    }
  }
  const name = context ?? config['current-context'] ?? '';
  const entry = config.contexts?.find((candidate) => candidate.name === name)?.context;
  if (entry === undefined && name !== '') throw new ApiError(0, `context "${name}" does not exist`);
  const server = config.clusters?.find((cluster) => cluster.name === entry?.cluster)?.cluster.server;
  const token = config.users?.find((user) => user.name === entry?.user)?.user.token;
  const signedIn = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const base = server ?? 'http://localhost:8080';

  const call = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    let response: Response;
    let content: string;
    try {
      response = await fetch(new URL(path, base), {
        method,
        headers: { accept: 'application/json', 'content-type': 'application/json', 'user-agent': agent, ...signedIn },
        signal: AbortSignal.timeout(DEADLINE_MS),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      content = await response.text();
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new ApiError(0, `${method === 'GET' ? 'Get' : method} "${new URL(path, base)}": ${why}`);
    }
    let answer: unknown;
    try {
      answer = JSON.parse(content);
    } catch {
      throw new ApiError(response.status, 'the server returned what is not JSON');
    }
    if (response.ok) return answer;
    throw new ApiError(response.status, String((answer as { message?: unknown }).message ?? response.statusText));
  };
  return {
    namespace: entry?.namespace ?? 'default',
    get: (path) => call('GET', path) as Promise<KubeObject>,
    async find(path) {
      try {
        return (await call('GET', path)) as KubeObject;
      } catch (error) {
        if (error instanceof ApiError && error.code === 404) return null;
        throw error;
      }
    },
    async list(path) {
      const list = (await call('GET', path)) as { items?: KubeObject[] };
      return list.items ?? [];
    },
    send: (method, path, body) => call(method, path, body) as Promise<KubeObject>,
  };
}
