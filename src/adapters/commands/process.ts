/** One finished process. Output is raw: whoever shows it cleans it first. */
export interface ProcessOutcome {
  exit_code: number | null;
  stdout: Buffer;
  stderr: Buffer;
  timed_out: boolean;
  not_found: boolean;
  truncated: boolean;
  duration_ms: number;
}

export interface ProcessSpec {
  file: string;
  args: readonly string[];
  /** The whole environment of the process; nothing is inherited. */
  env: Readonly<Record<string, string>>;
  deadline_ms: number;
  signal?: AbortSignal;
  /** Bytes kept of each stream; the rest is read and thrown away. */
  max_output_bytes: number;
}

/** Between SIGTERM and SIGKILL, milliseconds. */
const KILL_GRACE = 2_000;
/** How long the pipes of a finished leader may stay open in the hands of its children, milliseconds. */
const PIPE_GRACE = 300;
const COULD_NOT_START = new Set(['ENOENT', 'EACCES', 'ENOTDIR', 'ENOEXEC', 'ELOOP', 'EPERM']);

/**
 * The one place where a process starts. No shell, no inherited environment, no stdin, a process group of its own so that the
 * deadline ends grandchildren too. Never rejects.
 */
export async function runProcess(spec: ProcessSpec): Promise<ProcessOutcome> {
  const started = performance.now();
  // 0.1 s to load: paid by the first command, not by the start of the server.
  const { execa } = await import('execa');
  const out = collector(spec.max_output_bytes);
  const err = collector(spec.max_output_bytes);
  const outcome = (more: Partial<ProcessOutcome>): ProcessOutcome => ({
    exit_code: null,
    stdout: out.bytes(),
    stderr: err.bytes(),
    timed_out: false,
    not_found: false,
    truncated: out.truncated() || err.truncated(),
    duration_ms: Math.round(performance.now() - started),
    ...more,
  });
  if (spec.signal?.aborted) return outcome({});

  const group = process.platform !== 'win32';
  const child = execa(spec.file, [...spec.args], {
    shell: false,
    extendEnv: false,
    env: { ...spec.env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    buffer: false,
    encoding: 'buffer',
    stripFinalNewline: false,
    reject: false,
    detached: group,
    windowsHide: true,
  });
  child.stdout.on('data', out.take);
  child.stderr.on('data', err.take);
  for (const stream of [child.stdout, child.stderr]) stream.on('error', () => undefined);

  const kill = (signal: 'SIGTERM' | 'SIGKILL'): void => {
    if (child.pid === undefined) return;
    try {
      if (group) process.kill(-child.pid, signal);
      else child.kill(signal);
    } catch {
      // ESRCH: the whole group is gone already.
    }
  };
  let ended: string | null = null;
  let escalation: NodeJS.Timeout | undefined;
  const end = (why: 'deadline' | 'signal'): void => {
    if (ended !== null) return;
    ended = why;
    kill('SIGTERM');
    escalation = setTimeout(kill, KILL_GRACE, 'SIGKILL');
  };
  const onAbort = (): void => end('signal');
  const deadline = setTimeout(end, Math.max(1, spec.deadline_ms), 'deadline');
  spec.signal?.addEventListener('abort', onAbort, { once: true });

  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  const finished = child.then((result) => result);
  const first = await Promise.race([finished, exited]);
  clearTimeout(deadline);
  spec.signal?.removeEventListener('abort', onAbort);
  let result = first;
  if (!result) {
    let timer: NodeJS.Timeout | undefined;
    const grace = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, PIPE_GRACE);
    });
    result = await Promise.race([finished, grace]);
    clearTimeout(timer);
  }
  clearTimeout(escalation);
  // The leader is gone; what is left of an ended group had its grace.
  if (ended !== null) kill('SIGKILL');
  if (!result) {
    child.stdout.destroy();
    child.stderr.destroy();
  }
  const code = result && 'code' in result ? result.code : undefined;
  return outcome({
    exit_code: child.pid === undefined ? null : (child.exitCode ?? null),
    timed_out: ended === 'deadline',
    not_found: child.pid === undefined && (code === undefined || COULD_NOT_START.has(code)),
  });
}

function collector(limit: number) {
  const parts: Buffer[] = [];
  let size = 0;
  let cut = false;
  return {
    take: (chunk: Buffer): void => {
      const room = limit - size;
      if (chunk.length > room) cut = true;
      if (room <= 0) return;
      const part = chunk.length > room ? chunk.subarray(0, room) : chunk;
      parts.push(part);
      size += part.length;
    },
    bytes: (): Buffer => Buffer.concat(parts),
    truncated: (): boolean => cut,
  };
}
