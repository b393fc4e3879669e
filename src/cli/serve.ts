import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/server';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import { reword } from '../mcp/reword.ts';
import { createServer } from '../mcp/server.ts';
import { compose, configure, type Env } from './compose.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { keepHouse } from './housekeeping.ts';
import { createLog } from './log.ts';
import { startSandbox } from './sandbox-process.ts';
import { TRUTH_FILE } from './truth-file.ts';

export interface ServeFlags {
  config?: string;
  data_dir?: string;
  read_only?: boolean;
  /** Scenario of the simulated platform; undefined: the configured one. */
  sandbox?: string;
}

/** How long housekeeping waits for a client that says nothing. */
const NO_CLIENT_MS = 500;
const LAST_WORDS_MS = 2_000;
/** How much garbage may lie about before it is collected, in percent of what is in use. V8 by itself lets a large list of the cluster double the process. */
const HEAP_GROWTH = '--heap-growing-percent=15';

/** MCP over stdio until the client goes away. An approved change that is running is finished before the process ends. */
export async function serve(flags: ServeFlags, env: Env): Promise<ExitCode> {
  const log = createLog(env.INCIDENT_MCP_LOG ?? 'info');
  const warn = (message: string, facts?: Record<string, unknown>): void => log.warn(facts ?? {}, message);
  const sandbox =
    flags.sandbox === undefined ? null : await startSandbox(flags.sandbox === '' ? [] : [flags.sandbox], env);
  const config = configure(
    {
      ...(flags.data_dir ? { data_dir: flags.data_dir } : {}),
      ...(sandbox ? { config: sandbox.ready.config } : flags.config ? { config: flags.config } : {}),
    },
    env,
  );
  if (sandbox) await rememberTruth(config.data_dir, sandbox.ready.truth);
  const composed = await compose(config, env, { read_only: flags.read_only ?? false, warn });
  const transport = new ObservedTransport((id) => composed.deps.heartbeats.answered(id));
  const handle = serveStdio(() => createServer(composed.deps), {
    transport,
    onerror: (error) => warn('protocol error', { error: error.message }),
  });
  // The start belongs to the client: what nobody waits for begins after its first answer.
  let housekeeping: ReturnType<typeof keepHouse> | null = null;
  transport.firstAnswer.then(() => {
    setFlagsFromString(HEAP_GROWTH);
    log.info(
      {
        config: config.source ?? 'built-in defaults',
        data_dir: config.data_dir,
        read_only: flags.read_only ?? false,
        sandbox: sandbox?.ready.scenario,
      },
      'serving MCP over stdio',
    );
    composed.deps.tools().catch((error: unknown) => warn('the tools were not loaded', { error: String(error) }));
    housekeeping = keepHouse(composed, warn);
    composed.work
      .track(composed.resume())
      .catch((error: unknown) => warn('queued notices were not resumed', { error: String(error) }));
  });
  const why = await ended(transport);
  (housekeeping as ReturnType<typeof keepHouse> | null)?.stop();
  log.info({ why }, 'ending');
  await handle.close().catch(() => {});
  if (!(await composed.work.drained(config.rollout_deadline + LAST_WORDS_MS)))
    warn('ended with work under way; the next start settles it');
  await composed.close();
  await sandbox?.stop();
  await log.flushed();
  return EXIT.ok;
}

/** For `incident-mcp score` at the end of a drill; a folder that cannot be written only costs that convenience. */
async function rememberTruth(dataDir: string, url: string): Promise<void> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 }).catch(() => {});
  await writeFile(join(dataDir, TRUTH_FILE), `${url}\n`, { mode: 0o600 }).catch(() => {});
}

/** Tells when a request was answered, whichever way, so that its heartbeat ends. */
class ObservedTransport extends StdioServerTransport {
  readonly #answered: (id: RequestId) => void;
  readonly closed: Promise<void>;
  /** Resolves with the first answer, or after a while without a client. */
  readonly firstAnswer: Promise<void>;
  #begin: () => void = () => {};

  constructor(answered: (id: RequestId) => void) {
    super();
    this.#answered = answered;
    this.firstAnswer = new Promise((resolve) => {
      this.#begin = resolve;
      setTimeout(resolve, NO_CLIENT_MS).unref();
    });
    this.closed = new Promise((resolve) => {
      process.stdin.once('end', resolve);
      process.stdin.once('close', resolve);
    });
  }

  override send(message: JSONRPCMessage): Promise<void> {
    const sent = super.send(reword(message));
    if ('id' in message && message.id !== undefined && !('method' in message)) {
      this.#answered(message.id);
      sent.then(this.#begin, this.#begin);
    }
    return sent;
  }
}

function ended(transport: ObservedTransport): Promise<string> {
  return new Promise((resolve) => {
    transport.closed.then(() => resolve('the client closed its side'));
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => resolve(signal));
  });
}
