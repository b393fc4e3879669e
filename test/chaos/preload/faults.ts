// Runs inside the process under test, before its program (`node --import`), and plays the part of the machine: it counts what changes the
// world (writes, flushes, renames, links, programs, requests that write), and kills the process right before the n-th of them, makes it
// fail, makes flushes slow, or sets the clock. Everything it does is asked for by CHAOS_* variables.
import childProcess from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Call = (...args: unknown[]) => unknown;
type Holder = Record<string, Call>;

const env = process.env;
const number = (name: string): number => Number(env[name] ?? 0);
const crashAt = number('CHAOS_CRASH_AT');
const failAt = number('CHAOS_FAIL_AT');
const failCode = env.CHAOS_FAIL_CODE ?? 'EIO';
const syncDelay = number('CHAOS_SYNC_DELAY');
const log = env.CHAOS_LOG ? fs.openSync(env.CHAOS_LOG, 'a') : null;
const say = (line: string): void => void (log === null ? 0 : fs.writeSync(log, `${line}\n`));

let armed = env.CHAOS_ARM !== 'signal';
let count = 0;

/** One step that changes the world. Throws where it is to fail. */
function step(name: string, canFail: boolean): void {
  if (!armed) return;
  count += 1;
  say(`${count} ${name}`);
  if (count === crashAt) process.kill(process.pid, 'SIGKILL');
  if (count === failAt && canFail) {
    const error = new Error(`${failCode}: injected, ${name.split(' ')[0]}`) as NodeJS.ErrnoException;
    error.code = failCode;
    error.syscall = name.split(' ')[0] ?? 'write';
    throw error;
  }
}

const short = (value: unknown): string => String(value).split('/').slice(-2).join('/');

function wrap(holder: Holder, name: string, describe: (args: unknown[], self: unknown) => string | null): void {
  const original = holder[name];
  if (!original) return;
  holder[name] = async function (this: unknown, ...args: unknown[]) {
    const what = describe(args, this);
    if (what !== null) step(what, true);
    return original.apply(this, args);
  };
}

const promises = fs.promises as unknown as Holder;
const probe = await fs.promises.open('/dev/null', 'r');
const handles = Object.getPrototypeOf(probe) as Holder;
await probe.close();

const creates = (flags: unknown): boolean =>
  typeof flags === 'number' ? (flags & fs.constants.O_CREAT) !== 0 : typeof flags === 'string' && /[wa]/.test(flags);
wrap(promises, 'open', ([path, flags]) => (creates(flags) ? `create ${short(path)}` : null));
/** Which file a handle is of, for the log. */
const paths = new WeakMap<object, string>();
const opened = promises.open;
promises.open = async function (this: unknown, ...args: unknown[]) {
  const handle = (await opened?.apply(this, args)) as object;
  paths.set(handle, short(args[0]));
  return handle;
};
for (const name of ['rename', 'link', 'unlink', 'mkdir', 'rmdir', 'rm', 'writeFile', 'appendFile', 'copyFile']) {
  wrap(promises, name, ([path]) => `${name} ${short(path)}`);
}
const of = (name: string) => (_args: unknown[], self: unknown) => `${name} ${paths.get(self as object) ?? ''}`.trim();
for (const name of ['write', 'writev', 'truncate', 'writeFile', 'appendFile']) wrap(handles, name, of(name));
for (const name of ['sync', 'datasync']) {
  wrap(handles, name, of(name));
  const inner = handles[name];
  handles[name] = async function (this: unknown) {
    if (syncDelay > 0) await new Promise((wake) => setTimeout(wake, syncDelay));
    return inner?.apply(this, []);
  };
}

const processes = childProcess as unknown as Holder;
const spawn = processes.spawn;
processes.spawn = function (this: unknown, ...args: unknown[]) {
  const words = [args[0], ...(Array.isArray(args[1]) ? args[1] : [])].map(short);
  const title = words.includes('rollback') && !words.some((word) => word.startsWith('--dry-run')) ? 'act' : 'program';
  step(`spawn ${title} ${words[0]}`, false);
  const child = spawn?.apply(this, args);
  step(`spawned ${title} ${words[0]}`, false);
  return child;
};

const web = http as unknown as Holder;
const request = web.request;
web.request = function (this: unknown, ...args: unknown[]) {
  const options = args.find((arg) => typeof arg === 'object' && arg !== null && 'method' in arg) as
    | { method?: string }
    | undefined;
  const method = options?.method ?? 'GET';
  // The server asks with POST what it may do, and with a dry run whether the cluster would take it: neither changes anything.
  const where = `${String(args[0])} ${(options as { path?: string } | undefined)?.path ?? ''}`;
  if (method === 'GET' || method === 'POST' || where.includes('dryRun=')) return request?.apply(this, args);
  step(`request ${method}`, false);
  const outgoing = request?.apply(this, args) as http.ClientRequest;
  outgoing.once('response', () => step(`response ${method}`, false));
  return outgoing;
};

if (env.CHAOS_CLOCK) {
  const file = env.CHAOS_CLOCK;
  const read = fs.readFileSync;
  let shift = 0;
  const look = (): void => {
    try {
      shift = Number(read(file, 'utf8')) || 0;
    } catch {
      shift = 0;
    }
  };
  look();
  setInterval(look, 20).unref();
  const Real = Date;
  const now = (): number => Real.now() + shift;
  globalThis.Date = new Proxy(Real, {
    construct: (target, args: unknown[], self) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, self) as object,
    apply: () => new Real(now()).toString(),
    get: (target, key, self) => (key === 'now' ? now : Reflect.get(target, key, self)),
  });
}

if (env.CHAOS_MEMORY) {
  const file = env.CHAOS_MEMORY;
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const write = fs.writeFileSync;
  const rename = fs.renameSync;
  process.on('SIGUSR2', () => {
    for (let i = 0; i < 4; i += 1) gc();
    // What was freed goes back to the system a little later.
    setTimeout(() => {
      gc();
      write(`${file}.new`, JSON.stringify(process.memoryUsage()));
      rename(`${file}.new`, file);
    }, 300).unref();
  });
}
if (env.CHAOS_ARM === 'signal') {
  process.on('SIGUSR2', () => {
    armed = true;
    say('armed');
  });
}
syncBuiltinESMExports();
