import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { TESTED } from '../helpers/dist.ts';
import { endProcess } from '../helpers/process.ts';
import { authenticator, hasBrowser, openBrowser } from '../page/browser.ts';
import { signIn, startDesk } from '../page/desk.ts';
import { cheapHash, makeDesk, SECRET } from './desk.ts';

const GRACE = "Grace's own secret";

describe.skipIf(!hasBrowser)('in a browser', { timeout: 60_000 }, () => {
  const all = new Bin();
  const bin = new Bin();
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser(all);
  });
  afterEach(() => bin.empty());
  afterAll(() => all.empty());

  test('init --passkey sets everything up and enrols a passkey in the name of whose secret was given', async () => {
    const desk = await makeDesk(bin);
    const argv = ['init', '--secret-stdin', '--approver', 'Grace Example', '--passkey'];
    const child = spawn(process.execPath, [TESTED.cli, ...argv], {
      env: desk.env,
      cwd: desk.dir,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    bin.add(() => endProcess(child));
    child.stdin.end(`${GRACE}\n`);
    const page = await browser.newPage();
    await authenticator(page);
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(line);
      const url = /http:\/\/localhost:\d+\/enrol#\S+/.exec(line)?.[0];
      if (url === undefined) continue;
      await page.goto(url);
      await page.getByRole('button', { name: 'Make a passkey' }).click();
      await page.getByText('The passkey of Grace Example is enrolled.').waitFor();
    }
    if (child.exitCode === null) await once(child, 'exit', { signal: AbortSignal.timeout(10_000) });
    expect(child.exitCode, lines.join('\n')).toBe(0);
    expect(lines.join('\n')).toContain('Next: incident-mcp doctor');
    expect(await desk.run(['passkey', 'list'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Grace Example'),
    });
    await page.close();
  });

  test('init --passkey is refused before anything is written where nobody can be asked for the secret', async () => {
    const desk = await makeDesk(bin);
    expect(await desk.run(['init', '--passkey'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no terminal'),
    });
    expect(await desk.run(['passkey', 'list'])).toMatchObject({ stdout: expect.stringContaining('No passkey') });
  });

  test('the page knows who approves by a secret of their own, whatever name is typed, and lets the shared one speak for nobody who has one', async () => {
    const desk = await startDesk(bin, (raw) => {
      const { secret_file } = raw.approval as { secret_file: string };
      raw.approval = {
        ...(raw.approval as object),
        secret_file: `${secret_file}.people`,
        policy: [{ ways: ['page_secret'], proven_names: true }],
      };
    });
    const config = /--config (\S+)/.exec(desk.home.serve().join(' '))?.[1] as string;
    const { parse } = await import('yaml');
    const { readFile } = await import('node:fs/promises');
    const file = (parse(await readFile(config, 'utf8')) as { approval: { secret_file: string } }).approval.secret_file;
    await writeFile(join(file), `${cheapHash(SECRET)}\nGrace Example ${cheapHash(GRACE)}\n`, { mode: 0o600 });
    const { id, url } = await desk.plan();
    const page = await browser.newPage();
    await signIn(page, url, GRACE);
    await page.getByText('signed in as Grace Example').waitFor();
    const form = page.getByRole('article');
    const approve = async (name: string, secret: string): Promise<void> => {
      await form.getByLabel('Your name').fill(name);
      await form.getByLabel("Approver's secret").fill(secret);
      await form.getByRole('button', { name: 'Approve with the secret' }).click();
    };
    await approve('Grace Example', SECRET);
    await page.getByText('Grace Example has a secret of their own').waitFor();
    await approve('Bob', SECRET);
    await page.getByText('a typed name does not count').waitFor();
    expect(await desk.run(id)).toMatchObject({ status: 'approval_required' });
    await approve('Bob', GRACE);
    await page.getByText('Approved. It runs when the assistant calls the tool again.').waitFor();
    expect(await desk.run(id)).toMatchObject({ status: 'executed' });
    const told = await desk.home.command(['approvals', '--json']);
    expect(JSON.parse(told.stdout)[0].decisions).toMatchObject([
      { approver: 'Grace Example', way: 'page_secret', name_proven: true },
    ]);
    await page.close();
  });
});
