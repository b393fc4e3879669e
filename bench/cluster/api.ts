import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import type { ApiServer } from '../../test/cluster/lab/control-plane.ts';

const DEADLINE_MS = 60_000;

/** The API server as its administrator, for filling it: nothing of this is measured. */
export interface Api {
  send(method: 'GET' | 'POST' | 'PATCH', path: string, body?: object): Promise<Record<string, unknown>>;
  /** POSTs every object to its path, so many at once. */
  createAll(objects: readonly { path: string; body: object }[], parallel?: number): Promise<void>;
  close(): void;
}

export function connectApi(server: ApiServer): Api {
  const agent = new Agent({
    keepAlive: true,
    maxSockets: 24,
    ca: readFileSync(server.ca),
    cert: readFileSync(join(server.pki, 'admin.crt')),
    key: readFileSync(join(server.pki, 'admin.key')),
  });
  const send: Api['send'] = (method, path, body) =>
    new Promise((resolve, reject) => {
      const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
      const options = { method, agent, headers: { 'content-type': type }, timeout: DEADLINE_MS };
      const asked = request(new URL(path, server.url), options, (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => void parts.push(part));
        answer.on('error', reject);
        answer.on('end', () => {
          const text = Buffer.concat(parts).toString('utf8');
          const status = answer.statusCode ?? 0;
          if (status >= 200 && status < 300) resolve(JSON.parse(text) as Record<string, unknown>);
          else reject(new Error(`${method} ${path}: ${status} ${text.slice(0, 300)}`));
        });
      });
      asked.on('error', reject);
      asked.on('timeout', () => asked.destroy(new Error(`${method} ${path}: no answer in ${DEADLINE_MS / 1_000} s`)));
      asked.end(body === undefined ? undefined : JSON.stringify(body));
    });
  return {
    send,
    createAll: async (objects, parallel = 16) => {
      let next = 0;
      const worker = async (): Promise<void> => {
        for (let one = objects[next++]; one; one = objects[next++]) await send('POST', one.path, one.body);
      };
      await Promise.all(Array.from({ length: parallel }, worker));
    },
    close: () => agent.destroy(),
  };
}
