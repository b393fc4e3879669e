import { fileOutput, pipeOutput } from './output.ts';

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
  /** The process must be able to go on when this one dies: its output then goes to files, not to pipes. */
  outlives?: boolean;
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
  const make = spec.outlives ? fileOutput : pipeOutput;
  const [out, err] = await Promise.all([make(spec.max_output_bytes), make(spec.max_output_bytes)]);
  const outcome = async (more: Partial<ProcessOutcome>): Promise<ProcessOutcome> => {
    const [stdout, stderr] = await Promise.all([out.read(), err.read()]);
    await Promise.all([out.close(), err.close()]);
    return {
      exit_code: null,
      stdout: stdout.bytes,
      stderr: stderr.bytes,
      timed_out: false,
      not_found: false,
      truncated: stdout.truncated || stderr.truncated,
      duration_ms: Math.round(performance.now() - started),
      ...more,
    };
  };
  if (spec.signal?.aborted) return outcome({});

  const group = process.platform !== 'win32';
  const child = execa(spec.file, [...spec.args], {
    shell: false,
    extendEnv: false,
    env: { ...spec.env },
    stdin: 'ignore',
    // A descriptor is handed down as it is; execa's types know those of the terminal only.
    stdout: out.target as 'pipe',
    stderr: err.target as 'pipe',
    buffer: false,
    encoding: 'buffer',
    stripFinalNewline: false,
    reject: false,
    detached: group,
    windowsHide: true,
  });
  if (child.stdout) out.attach(child.stdout);
  if (child.stderr) err.attach(child.stderr);

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
    child.stdout?.destroy();
    child.stderr?.destroy();
  }
  const code = result && 'code' in result ? result.code : undefined;
  return outcome({
    exit_code: child.pid === undefined ? null : (child.exitCode ?? null),
    timed_out: ended === 'deadline',
    not_found: child.pid === undefined && (code === undefined || COULD_NOT_START.has(code)),
  });
}
