import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Passkey } from '../../src/domain/passkey.ts';
import type { Bin } from '../helpers/bin.ts';
import { type Home, makeHome } from '../helpers/home.ts';
import { type RawConfig, type Sandbox, startSandbox, type Truth } from '../helpers/sandbox.ts';
import { type Called, connect, type Session } from '../helpers/session.ts';
import { declareFrom } from '../helpers/story.ts';
import { type PageClient, pageClient } from './page-client.ts';

export const ROLLBACK = { release: 'pulsestream-core', reason: 'the newest revision crashes the analysis engine' };

export interface Planned {
  id: string;
  digest: string;
  /** The page's address for it; empty where there is none. */
  url: string;
}

/** What is attacked: a real server with a plan that waits, on a platform that tells what was really done to it. */
export interface Target {
  sandbox: Sandbox;
  config: string;
  home: Home;
  session: Session;
  passkeys: string;
  plan(tool?: string, args?: Record<string, unknown>): Promise<Planned>;
  /** The assistant tries to run it. */
  run(id: string, tool?: string, args?: Record<string, unknown>): Promise<Called>;
  page(planned: Planned): PageClient;
  /** As the record has it. */
  statusOf(id: string): Promise<string>;
  /** What was really done to the platform, by whomever but the attacker's own hands in the cluster. */
  done(): Promise<Truth['actions']>;
  /** The assistant calls the tool once more; then nothing may have been done to the platform. */
  nothingRan(id: string, tool?: string, args?: Record<string, unknown>): Promise<void>;
  approvalFile(id: string): string;
  enrol(...passkeys: Passkey[]): Promise<void>;
}

export const withPolicy =
  (...policy: Record<string, unknown>[]) =>
  (config: RawConfig): void => {
    config.approval = { ...(config.approval as object), policy };
  };

export async function startTarget(
  bin: Bin,
  { scenario = 'bad-deploy', change = () => undefined, passkeys = [] }: TargetOptions = {},
): Promise<Target> {
  const sandbox = await startSandbox(bin, scenario);
  const file = join(sandbox.dir, 'passkeys.json');
  const enrol = (...all: Passkey[]): Promise<void> => writeFile(file, JSON.stringify({ version: 1, passkeys: all }));
  await enrol(...passkeys);
  const config = await sandbox.configured((raw) => {
    raw.approval = { ...(raw.approval as object), passkeys_file: file };
    change(raw);
  });
  const home = await makeHome(bin, config);
  const session = await connect(bin, home, 'plain');
  const target: Target = {
    sandbox,
    config,
    home,
    session,
    passkeys: file,
    enrol,
    plan: async (tool = 'rollback_release', args = ROLLBACK) => {
      const planned = await session.ok(tool, args);
      const [url] = /http:\/\/localhost:\d+\/approvals\/APR-[0-9A-Z]{10}/.exec(
        (planned.how_to_approve as string[]).join(' '),
      ) ?? [''];
      return { id: String(planned.approval_id), digest: (planned.plan as { digest: string }).digest, url };
    },
    run: (id, tool = 'rollback_release', args = ROLLBACK) => session.call(tool, { ...args, approval_id: id }),
    page: ({ url }) => pageClient(new URL(url).origin),
    statusOf: async (id) => {
      const { approvals } = await session.ok('get_approval', { approval_id: id });
      return (approvals as { status: string }[])[0]?.status ?? 'gone';
    },
    done: async () => (await sandbox.truth()).actions.filter(({ target: what }) => !/^(event|secret)\//.test(what)),
    nothingRan: async (id, tool, args) => {
      const called = await target.run(id, tool, args);
      expect(called.data.status).not.toBe('executed');
      expect(await target.done()).toEqual([]);
    },
    approvalFile: (id) => join(home.data, 'approvals', `${id}.json`),
  };
  return target;
}

export interface TargetOptions {
  scenario?: string;
  change?: (config: RawConfig) => void;
  passkeys?: readonly Passkey[];
}

/** Declares an incident, so that what is decided lies in its timeline. */
export const incidentOf = (target: Target, severity = 'SEV2'): Promise<string> => declareFrom(target.session, severity);

/** All files below a folder, with their text. */
export async function filesBelow(folder: string): Promise<[string, string][]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(files.map(async (file): Promise<[string, string]> => [file, await readFile(file, 'utf8')]));
}
