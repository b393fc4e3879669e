import { fields } from './model.ts';

/**
 * JSON-RPC with the host by `postMessage`: the few messages of MCP Apps (SEP-1865, revision 2026-01-26) that the card uses. By hand, because
 * the extension's own class brings 650 KB.
 */
export const REVISION = '2026-01-26';
export const QUICK_MS = 15_000;

export interface HostEvents {
  notified(method: string, params: Record<string, unknown>): void;
  /** The result, or undefined for a request that the card does not know. */
  asked(method: string): Record<string, unknown> | undefined;
}

/** The host refused, or did not answer in time. */
export class HostError extends Error {}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: HostError): void;
}

const METHOD_NOT_FOUND = -32_601;

export class Bridge {
  readonly #host: Window;
  readonly #events: HostEvents;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;

  constructor(host: Window, events: HostEvents) {
    this.#host = host;
    this.#events = events;
    addEventListener('message', (event) => {
      // Only the frame that holds the card speaks for the host.
      if (event.source === this.#host) this.#take(fields(event.data));
    });
  }

  /** Errors: `HostError` when the host refuses or `deadlineMs` is over. */
  request(method: string, params: object, deadlineMs = QUICK_MS): Promise<unknown> {
    this.#last += 1;
    const id = this.#last;
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(id);
      };
      const timer = setTimeout(() => {
        end();
        reject(new HostError('the client did not answer in time'));
      }, deadlineMs);
      this.#waiting.set(id, {
        resolve: (result) => {
          end();
          resolve(result);
        },
        reject: (error) => {
          end();
          reject(error);
        },
      });
      this.#send({ id, method, params });
    });
  }

  notify(method: string, params: object = {}): void {
    this.#send({ method, params });
  }

  // The origin of the host is not known to a sandboxed frame; what is sent came from the host, or asks it for something.
  #send(message: object): void {
    this.#host.postMessage({ jsonrpc: '2.0', ...message }, '*');
  }

  #take(message: Record<string, unknown>): void {
    if (message.jsonrpc !== '2.0') return;
    const { id, method } = message;
    if (typeof method !== 'string') this.#answered(message);
    else if (id === undefined) this.#events.notified(method, fields(message.params));
    else {
      const result = this.#events.asked(method);
      this.#send(
        result === undefined ? { id, error: { code: METHOD_NOT_FOUND, message: 'Method not found' } } : { id, result },
      );
    }
  }

  #answered({ id, result, error }: Record<string, unknown>): void {
    const waiting = typeof id === 'number' ? this.#waiting.get(id) : undefined;
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(new HostError(String(fields(error).message ?? 'the client refused')));
  }
}
