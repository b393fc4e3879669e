import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Page } from 'playwright-core';
import type { Bin } from '../helpers/bin.ts';
import { TESTED } from '../helpers/dist.ts';
import { type Home, makeHome } from '../helpers/home.ts';
import { endProcess } from '../helpers/process.ts';
import { type RawConfig, type Sandbox, startSandbox } from '../helpers/sandbox.ts';
import { connect, type Session } from '../helpers/session.ts';
import { declareFrom } from '../helpers/story.ts';

/** A platform that is on fire, a server, a client that cannot ask, and a human at a browser. */
export interface Desk {
  sandbox: Sandbox;
  home: Home;
  session: Session;
  incident: string;
  /** Plans the rollback; gives the approval's id and the page's address for it. */
  plan(): Promise<{ id: string; url: string }>;
  /** Runs what was approved. */
  run(id: string): Promise<Record<string, unknown>>;
}

export const ROLLBACK = { release: 'pulsestream-core', reason: 'the newest revision crashes the analysis engine' };

export async function startDesk(bin: Bin, change: (config: RawConfig) => void = () => undefined): Promise<Desk> {
  const sandbox = await startSandbox(bin, 'bad-deploy');
  const home = await makeHome(bin, await sandbox.configured(change));
  const session = await connect(bin, home, 'plain');
  const incident = await declareFrom(session, 'SEV2');
  return {
    sandbox,
    home,
    session,
    incident,
    plan: async () => {
      const planned = await session.ok('rollback_release', ROLLBACK);
      const url = /http:\/\/localhost:\d+\/approvals\/APR-[0-9A-Z]{10}/.exec(
        (planned.how_to_approve as string[]).join(' '),
      )?.[0];
      if (!url) throw new Error(`no page was offered: ${JSON.stringify(planned.how_to_approve)}`);
      return { id: String(planned.approval_id), url };
    },
    run: (id) => session.ok('rollback_release', { ...ROLLBACK, approval_id: id }),
  };
}

/** Signs in with the secret, by keyboard. */
export async function signIn(page: Page, url: string, secret: string): Promise<void> {
  await page.goto(url);
  await page.getByLabel("Approver's secret").waitFor();
  await page.keyboard.type(secret);
  await page.keyboard.press('Enter');
  await page.getByRole('article').first().waitFor();
}

/** Enrols a passkey as `incident-mcp passkey add` does, with the page that it opens. */
export async function enrol(bin: Bin, desk: Desk, page: Page, person: string): Promise<void> {
  const config =
    (desk.home
      .serve()
      .join(' ')
      .match(/--config (\S+)/) ?? [])[1] ?? '';
  const child = spawn(
    process.execPath,
    [
      TESTED.cli,
      'passkey',
      'add',
      '--person',
      person,
      '--secret-stdin',
      '--config',
      config,
      '--data-dir',
      desk.home.data,
    ],
    { env: desk.home.env, cwd: desk.home.dir, stdio: ['pipe', 'pipe', 'inherit'] },
  );
  bin.add(() => endProcess(child));
  child.stdin.end(`${desk.sandbox.secret}\n`);
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /http:\/\/localhost:\d+\/enrol#\S+/.exec(line)?.[0];
    if (url === undefined) continue;
    await page.goto(url);
    await page.getByRole('button', { name: 'Make a passkey' }).click();
    await page.getByText(`The passkey of ${person} is enrolled.`).waitFor();
    break;
  }
  if (child.exitCode === null) await once(child, 'exit');
  if (child.exitCode !== 0) throw new Error(`passkey add ended with ${child.exitCode}`);
}
