import { nestsDeeper } from '../../domain/json-depth.ts';
import { AppError, conflict, unavailable } from '../../errors.ts';
import type { ReadOptions } from '../../ports/kubernetes.ts';
import type { Access } from './access.ts';
import { type HttpAnswer, type HttpRequest, type Sender, send } from './http.ts';
import type { LoadedKubeconfig } from './kubeconfig.ts';
import { type Limit, startLimit } from './limit.ts';
import { contextOf, nobody, refused } from './refused.ts';
import { type Subject, statusError } from './status.ts';

const PAGE = 500;
export const JSON_TYPE = 'application/json';

export interface GetSpec {
  /** Absolute path, every segment already encoded. */
  path: string;
  subject: Subject;
  query?: Record<string, string>;
  accept?: string;
}

export interface PagesSpec extends GetSpec {
  /** Items of a page; default 500. */
  page?: number;
  onPage(page: unknown): void;
  /** The list begins anew: throw away what came so far. */
  onRestart(): void;
}

/** Requests to one API server. All throw the errors of `KubernetesReader`. */
export interface KubeClient {
  limit(options: ReadOptions): Promise<Limit>;
  /** The parsed JSON of one GET. */
  get(spec: GetSpec, limit: Limit): Promise<unknown>;
  /** A list in pages; after `410 Gone` it starts again in one piece, as client-go does. */
  pages(spec: PagesSpec, limit: Limit): Promise<void>;
  patch(spec: GetSpec & { type: string; body: unknown }, limit: Limit): Promise<unknown>;
  create(spec: GetSpec & { body: unknown }, limit: Limit): Promise<unknown>;
  /** As `get`, with the instant that the server says it is (RFC 9110, `Date`); null where it does not. */
  dated(spec: GetSpec, limit: Limit): Promise<{ json: unknown; server_date: string | null }>;
}

/** How often a kubeconfig may change under one request. */
const SETTLE = 5;

interface Exchanged {
  answer: HttpAnswer;
  host: string;
  /** Who sent it where: one reading of the kubeconfig, never half of the one before. */
  as: Identity;
}

interface Identity {
  loaded: LoadedKubeconfig;
  sender: Sender;
}

export function createClient(access: Access): KubeClient {
  /** Credentials go only to the server of the kubeconfig that they come from, also when the file changes at this moment. */
  const identity = async (limit: Limit): Promise<Identity> => {
    for (let i = 0; i < SETTLE; i++) {
      const loaded = await access.load();
      const { headers, agent } = await access.credentials(limit);
      if ((await access.load()) === loaded)
        return { loaded, sender: { headers: { ...headers, ...loaded.impersonation }, agent } };
    }
    throw conflict('the kubeconfig changes again and again.', 'try again when it is at rest.');
  };

  const exchange = async (
    method: HttpRequest['method'],
    spec: GetSpec,
    limit: Limit,
    body?: HttpRequest['body'],
  ): Promise<Exchanged> => {
    const once = async (as: Identity): Promise<Exchanged> => {
      const { server, context } = as.loaded;
      const url = new URL(`${server.origin}${server.pathname.replace(/\/$/, '')}${spec.path}`);
      for (const [name, value] of Object.entries(spec.query ?? {})) url.searchParams.set(name, value);
      const request: HttpRequest = {
        method,
        url,
        accept: spec.accept ?? JSON_TYPE,
        whose: contextOf(context),
        ...(body ? { body } : {}),
      };
      return { answer: await send(request, as.sender, limit), host: server.host, as };
    };
    const first = await once(await identity(limit));
    if (first.answer.status !== 401) return first;
    // Tokens are renewed behind our back, in the kubeconfig or by its plugin: read them again, once, unless another read already had them dropped.
    if ((await access.load()) === first.as.loaded) access.forget();
    return once(await identity(limit));
  };

  const parsed = ({ answer, host, as }: Exchanged, subject: Subject): unknown => {
    if (answer.status < 200 || answer.status > 299) {
      const presented = { loaded: as.loaded, authorization: as.sender.headers.Authorization?.toString() };
      if (answer.status === 401) throw refused(presented);
      const unknown = answer.status === 403 ? nobody(presented) : null;
      throw unknown ?? statusError(answer.status, Buffer.from(answer.text), subject, host);
    }
    try {
      if (nestsDeeper(answer.text)) throw new SyntaxError('nested too deep');
      return JSON.parse(answer.text) as unknown;
    } catch {
      throw unavailable(
        `the Kubernetes API server ${host} sent an answer that is not JSON.`,
        'check that the server of the kubeconfig is a Kubernetes API server.',
      );
    }
  };

  return {
    async limit(options) {
      return startLimit(options, (await access.load()).server.host);
    },
    async get(spec, limit) {
      return parsed(await exchange('GET', spec, limit), spec.subject);
    },
    async patch({ type, body, ...spec }, limit) {
      return parsed(await exchange('PATCH', spec, limit, { type, text: JSON.stringify(body) }), spec.subject);
    },
    async create({ body, ...spec }, limit) {
      return parsed(await exchange('POST', spec, limit, { type: JSON_TYPE, text: JSON.stringify(body) }), spec.subject);
    },
    async dated(spec, limit) {
      const result = await exchange('GET', spec, limit);
      return { json: parsed(result, spec.subject), server_date: result.answer.date };
    },
    async pages(spec, limit) {
      let token = '';
      let whole = false;
      for (;;) {
        const query: Record<string, string> = { ...spec.query };
        if (!whole) query.limit = String(spec.page ?? PAGE);
        if (token !== '') query.continue = token;
        const result = await exchange('GET', { ...spec, query }, limit);
        if (result.answer.status === 410 && !whole) {
          whole = true;
          token = '';
          spec.onRestart();
          continue;
        }
        const page = parsed(result, spec.subject);
        spec.onPage(page);
        const next = (page as { metadata?: { continue?: unknown } } | null)?.metadata?.continue;
        if (next !== '' && next === token) {
          throw unavailable(`the Kubernetes API server ${result.host} repeats the same page.`, 'try again.');
        }
        if (typeof next !== 'string' || next === '') return;
        token = next;
      }
    },
  };
}

/** Maps errors of codes that mean "not there or not allowed" to a value. */
export async function orElse<T>(work: Promise<T>, codes: readonly AppError['code'][], value: T): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof AppError && codes.includes(error.code)) return value;
    throw error;
  }
}
