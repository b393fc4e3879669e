// Processes and raw JSON-RPC over stdio: the bench measures the server as a client meets it, without a client library's own cost.
import { spawn } from 'node:child_process';

const EXIT_MS = 5_000;
const ANSWER_MS = 60_000;

/** Starts Node and gives the time from spawn to exit in milliseconds. */
export function bareNode(env) {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['-e', '0'], { env, stdio: 'ignore' });
    child.once('error', reject);
    child.once('exit', () => resolve(performance.now() - began));
  });
}

/** A server process and its stdio. `request` resolves with the answer, its bytes and its milliseconds. */
export class Server {
  #child;
  #buffer = '';
  #waiting = new Map();
  #next = 0;
  #exited;
  #stderr = '';

  constructor(cli, args, env) {
    this.spawnedAt = performance.now();
    this.#child = spawn(process.execPath, [cli, 'serve', ...args], { env, stdio: 'pipe' });
    this.#exited = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.once('exit', (code) => this.#failAll(`the server ended with ${code}: ${this.#stderr}`));
    this.#child.stdin.on('error', () => {});
    this.#child.stderr.on('data', (chunk) => {
      this.#stderr = (this.#stderr + chunk).slice(-2_000);
    });
    this.#child.stdout.setEncoding('utf8');
    this.#child.stdout.on('data', (chunk) => this.#take(chunk));
  }

  get pid() {
    return this.#child.pid;
  }

  request(method, params = {}) {
    const id = ++this.#next;
    const began = performance.now();
    const answer = new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#settle(id)?.reject(new Error(`${method}: no answer`)), ANSWER_MS);
      this.#waiting.set(id, { resolve, reject, began, timer });
    });
    this.#send({ jsonrpc: '2.0', id, method, params });
    return answer;
  }

  /** The handshake of a 2025-11-25 client; milliseconds from spawn to the answer. */
  async initialize() {
    await this.request('initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'bench', version: '1' },
    });
    const ms = performance.now() - this.spawnedAt;
    this.#send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    return ms;
  }

  /** A tool's answer: milliseconds, text, whether it is an error. */
  async call(name, args = {}) {
    const { result, ms } = await this.request('tools/call', { name, arguments: args });
    const text = result.content.map((part) => part.text ?? '').join('\n');
    return { ms, text, bytes: Buffer.byteLength(text), isError: result.isError === true };
  }

  async close() {
    this.#child.stdin.end();
    const hard = setTimeout(() => this.#child.kill('SIGKILL'), EXIT_MS);
    await this.#exited;
    clearTimeout(hard);
  }

  #send(message) {
    this.#child.stdin.write(`${JSON.stringify(message)}\n`);
  }

  #take(chunk) {
    this.#buffer += chunk;
    for (let end = this.#buffer.indexOf('\n'); end >= 0; end = this.#buffer.indexOf('\n')) {
      const line = this.#buffer.slice(0, end);
      this.#buffer = this.#buffer.slice(end + 1);
      if (line.trim() === '') continue;
      const message = JSON.parse(line);
      const waiting = message.method === undefined ? this.#settle(message.id) : undefined;
      if (!waiting) continue;
      if (message.error) waiting.reject(new Error(`${message.error.code} ${message.error.message}`));
      else
        waiting.resolve({
          result: message.result,
          bytes: Buffer.byteLength(line),
          ms: performance.now() - waiting.began,
        });
    }
  }

  #settle(id) {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (waiting) clearTimeout(waiting.timer);
    return waiting;
  }

  #failAll(message) {
    for (const id of [...this.#waiting.keys()]) this.#settle(id)?.reject(new Error(message));
  }
}

/** The simulated platform as its own process: the line that it printed, and a way to end it. */
export async function startSandbox(program, args, env) {
  const child = spawn(process.execPath, [program, ...args, '--exit-with-parent'], { env, stdio: 'pipe' });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const line = await new Promise((resolve, reject) => {
    let text = '';
    child.once('exit', (code) => reject(new Error(`the sandbox ended with ${code}`)));
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (chunk) => {
      text += chunk;
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')));
    });
  });
  return {
    ...JSON.parse(line),
    stop: async () => {
      child.stdin.end();
      const hard = setTimeout(() => child.kill('SIGKILL'), EXIT_MS);
      await exited;
      clearTimeout(hard);
    },
  };
}
