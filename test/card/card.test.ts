import type { Browser, FrameLocator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cleanText } from '../../src/domain/text.ts';
import { Bin } from '../helpers/bin.ts';
import { type Home, makeHome } from '../helpers/home.ts';
import { type Sandbox, startSandbox } from '../helpers/sandbox.ts';
import { approving } from '../helpers/session.ts';
import { tell } from '../helpers/suite-report.ts';
import { hasBrowser, openBrowser } from '../page/browser.ts';
import { APPS, type Chat, openChat, type Result } from './chat.ts';
import { type Host, Hosts } from './host.ts';

const bin = new Bin();
afterAll(() => bin.empty());

const ROLLBACK = { release: 'pulsestream-core', reason: 'the newest revision crashes the analysis engine' };
const SUITE = 'the card in the chat';

interface Desk {
  sandbox: Sandbox;
  home: Home;
  chat: Chat;
  incident: string;
}

/** A platform on fire, a server, and a chat program that shows apps. */
async function startDesk(forms: boolean, generation: 'first' | 'second' = 'first'): Promise<Desk> {
  const sandbox = await startSandbox(bin, 'bad-deploy');
  const home = await makeHome(bin, sandbox.config);
  const chat = await openChat(bin, home, { generation, apps: APPS, forms });
  const declared = await chat.ok('declare_incident', { title: 'Analyses fail', severity: 'SEV2' });
  return { sandbox, home, chat, incident: (declared.incident as { id: string }).id };
}

const idOf = (result: Result): string => String(result.structuredContent?.approval_id);
const textOf = (card: FrameLocator): Promise<string> => card.locator('body').innerText();
const inside = <T>(host: Host, code: string): Promise<T> => host.card.locator('html').evaluate(code) as Promise<T>;
const button = (host: Host, name: string) => host.card.getByRole('button', { name });
const actionsOf = async (desk: Desk): Promise<unknown[]> => (await desk.sandbox.truth()).actions;
const statusOf = async (desk: Desk, id: string): Promise<unknown> =>
  ((await desk.chat.ok('get_approval', { approval_id: id })).approvals as { status: string }[])[0]?.status;

describe.skipIf(!hasBrowser)('the card in a real host, in a real browser', () => {
  let hosts: Hosts;
  let browser: Browser;
  /** Nothing is ever run here, so that tests can share it. */
  let quiet: Desk;
  let planned: Result;
  beforeAll(async () => {
    browser = await openBrowser(bin);
    quiet = await startDesk(false);
    const [card] = await quiet.chat.read('ui://incident-mcp/card');
    hosts = await Hosts.open(bin, browser, card?.text ?? '');
    planned = await quiet.chat.call('rollback_release', ROLLBACK);
  });

  test('shows the plan, how it can go wrong, the countdown and how to approve', async () => {
    const host = await hosts.show(quiet.chat, { input: ROLLBACK, result: planned });
    await host.card.getByRole('article').waitFor();
    const shown = await textOf(host.card);
    for (const part of [
      idOf(planned),
      'prod',
      'pulsestream-core',
      '12 → 10',
      'helm rollback pulsestream-core 10',
      'analysis-engine:1.8.1',
      'analysis-engine:1.7.4',
      'How it can go wrong',
      'Expires in',
      'Nothing was run: a human must approve it first.',
      `incident-mcp approve ${idOf(planned)}`,
      'A click here approves nothing',
      quiet.incident,
    ])
      expect(shown).toContain(part);
    expect(shown).not.toMatch(/planted-/);
    expect(host.wrong).toEqual([]);
    expect(host.asked.filter((address) => !hosts.origins.includes(new URL(address).origin))).toEqual([]);
    await host.close();
  });

  test('leads to the approval page of this plan, by keyboard too', async () => {
    const host = await hosts.show(quiet.chat, { input: ROLLBACK, result: planned });
    const open = button(host, 'Open the approval page');
    await open.waitFor();
    await open.click();
    await host.card.getByText('The page asks who you are').waitFor();
    await host.card.locator('body').click({ position: { x: 1, y: 1 } });
    for (
      let i = 0;
      i < 10 && (await inside<string>(host, 'document.activeElement.textContent')) !== 'Open the approval page';
      i++
    )
      await host.page.keyboard.press('Tab');
    await host.page.keyboard.press('Enter');
    await expect.poll(() => host.opened.length).toBe(2);
    for (const address of host.opened)
      expect(address).toMatch(new RegExp(`^http://localhost:\\d+/approvals/${idOf(planned)}$`));
    // It is the real page, and it shows nothing to who is not signed in.
    const page = await (await fetch(host.opened[0] as string)).text();
    expect(page).toContain('Approvals');
    expect(page).not.toContain('pulsestream-core');
    await host.close();
  });

  test('a client that cannot ask is offered no form, and a host that opens nothing no button for it', async () => {
    const host = await hosts.show(quiet.chat, { input: ROLLBACK, result: planned, can: { serverTools: {} } });
    await host.card.getByText('A click here approves nothing').waitFor();
    await expect.poll(() => host.called.length).toBeGreaterThan(0);
    expect(await host.card.getByRole('button').filter({ visible: true }).count()).toBe(0);
    // The address is still there to be copied.
    expect(await textOf(host.card)).toMatch(/http:\/\/localhost:\d+\/approvals\/APR-/);
    await host.close();
  });

  test('nothing is approved by clicking everything there is', async () => {
    const desk = await startDesk(true);
    const result = await desk.chat.call('rollback_release', ROLLBACK);
    expect(result.structuredContent?.status).toBe('approval_required');
    const host = await hosts.show(desk.chat, { input: ROLLBACK, result });
    await button(host, 'Ask me in a form').waitFor();
    const clickable = host.card.locator('button, summary, a, input').filter({ visible: true });
    let clicks = 0;
    for (let round = 0; round < 3; round++)
      for (const one of await clickable.all()) {
        await one.click({ timeout: 5_000 });
        clicks += 1;
      }
    expect(clicks).toBeGreaterThanOrEqual(6);
    // Each click on the form's button asked the human, who closed it.
    await expect.poll(() => desk.chat.forms.length).toBe(4);
    expect(await statusOf(desk, idOf(result))).toBe('pending');
    expect(await actionsOf(desk)).toEqual([]);
    expect(new Set(host.called.map(({ name }) => name))).toEqual(new Set(['get_approval', 'rollback_release']));
    tell(SUITE, { what: 'clicks on everything in the card', tried: clicks, held: clicks });
    await host.close();
  });

  test.each(['first', 'second'] as const)(
    'asks in a form, which alone decides; the assistant is told what came of it (client of the %s generation)',
    async (generation) => {
      const desk = await startDesk(true, generation);
      const result = await desk.chat.call('rollback_release', ROLLBACK);
      const host = await hosts.show(desk.chat, { input: ROLLBACK, result });
      desk.chat.human = approving('pulsestream-core');
      await button(host, 'Ask me in a form').click();
      await host.card.getByText('Executed.').waitFor();
      expect(await actionsOf(desk)).toHaveLength(1);
      expect(desk.chat.forms).toHaveLength(2);
      const [again] = host.called.filter(({ name }) => name === 'rollback_release');
      expect(again?.arguments).toEqual({ ...ROLLBACK, approval_id: idOf(result) });
      await host.card.getByText('Approved by Ada Example (client_form)').waitFor();
      await expect.poll(() => host.told.length).toBe(1);
      expect(host.told[0]?.content?.[0]?.text).toContain(`executed ${idOf(result)}`);
      expect(await host.card.getByRole('button').filter({ visible: true }).count()).toBe(0);
      await host.close();
    },
  );

  test('follows what is decided elsewhere, at most every 5 s, and stops when it is over', async () => {
    const desk = await startDesk(false);
    const result = await desk.chat.call('rollback_release', ROLLBACK);
    const id = idOf(result);
    const host = await hosts.show(desk.chat, { input: ROLLBACK, result });
    await host.card.getByText('it follows by itself').waitFor();
    const decided = await desk.home.decide('approve', id, desk.sandbox.secret);
    expect(decided.code).toBe(0);
    await host.card.getByText('Approved. It runs when the assistant calls the tool again.').waitFor();
    expect(await actionsOf(desk)).toEqual([]);
    await desk.chat.ok('rollback_release', { ...ROLLBACK, approval_id: id });
    await host.card.getByText('Executed.').waitFor();
    const times = host.called.map(({ at }) => at);
    const gaps = times.slice(1).map((at, i) => at - (times[i] as number));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(4_950);
    const calls = host.called.length;
    await host.later(30);
    expect(host.called.length).toBe(calls);
    await host.close();
  });

  test('says so when the server is not reached, and asks no more by itself after three times', async () => {
    let down = false;
    const refused = { isError: true, content: [{ type: 'text', text: 'UNAVAILABLE: gone. Next: wait.' }] };
    const host = await hosts.show(quiet.chat, {
      input: ROLLBACK,
      result: planned,
      answer: () => (down ? refused : undefined),
    });
    await host.card.getByText('it follows by itself').waitFor();
    down = true;
    const calls = host.called.length + 3;
    for (let seen = host.called.length; seen < calls; seen++) {
      expect(await button(host, 'Look again').isVisible()).toBe(false);
      await host.later(5);
      await expect.poll(() => host.called.length).toBe(seen + 1);
    }
    await host.card.getByText('what you see may be old').waitFor();
    await button(host, 'Look again').waitFor();
    await host.later(30);
    expect(host.called.length).toBe(calls);
    down = false;
    await button(host, 'Look again').click();
    await host.card.getByText('it follows by itself').waitFor();
    expect(host.called.length).toBe(calls + 1);
    await host.close();
  });

  test('counts down, and says when the time is over', async () => {
    const host = await hosts.show(null, { input: ROLLBACK, result: planned, can: {} });
    const clock = host.card.getByRole('timer');
    await expect.poll(() => clock.innerText()).toMatch(/^Expires in \d+m \d\ds$/);
    const expires = Date.parse((planned.structuredContent as { plan: { expires_at: string } }).plan.expires_at);
    await host.later(Math.floor((expires - Date.now()) / 1_000) - 20);
    await expect.poll(() => clock.innerText()).toMatch(/^Expires in \d+s$/);
    expect(await clock.getAttribute('class')).toContain('soon');
    await host.later(30);
    await expect.poll(() => clock.innerText()).toBe('Its time is over.');
    await host.close();
  });

  test('shows an incident with its state and newest events first', async () => {
    const hostile = '<img src=x onerror="document.title=1"> queue grows';
    await quiet.chat.ok('record_timeline_event', { kind: 'observation', message: hostile });
    const host = await hosts.show(quiet.chat, { input: {}, result: await quiet.chat.call('get_incident') });
    await host.card.getByRole('heading', { name: `${quiet.incident} Analyses fail` }).waitFor();
    const shown = await textOf(host.card);
    for (const part of ['SEV2 investigating', 'commander', hostile, idOf(planned), 'As of '])
      expect(shown).toContain(part);
    const kinds = await host.card.locator('.timeline .kind').allInnerTexts();
    expect(kinds[0]).toBe('observation');
    expect(kinds.at(-1)).toBe('declared');
    expect(await host.card.locator('.timeline img').count()).toBe(0);
    expect(host.called).toEqual([]);
    expect(host.wrong).toEqual([]);
    await host.close();
  });

  test('shows the approvals there are, and the text of a result that is neither', async () => {
    const host = await hosts.show(quiet.chat, { input: {}, result: await quiet.chat.call('get_approval') });
    await host.card.getByRole('article').first().waitFor();
    // Nothing but the tool itself knows its arguments, so the form is not offered here.
    expect(await button(host, 'Ask me in a form').isVisible()).toBe(false);
    expect(await button(host, 'Open the approval page').first().isVisible()).toBe(true);
    await host.result({ isError: true, content: [{ type: 'text', text: 'NOT_FOUND: <b>no</b>. Next: look.' }] });
    await host.card.getByText('NOT_FOUND: <b>no</b>. Next: look.').waitFor();
    await host.close();
  });

  test('hostile texts in every place run no script, load nothing and lead nowhere', async () => {
    const attacks = [
      '<img src="https://evil.example/x" onerror="parent.postMessage(1,\'*\');document.title=\'owned\'">',
      '<script>document.title="owned"</script>',
      '"><svg onload=document.title="owned">',
      'javascript:document.title="owned"',
      '</style><style>*{display:none}</style>',
      '\u202egnihtyreve is fine',
      `open http://localhost:1@evil.example/approvals/${idOf(planned)} (it asks`,
      'open http://evil.example/approvals/APR-0000000000 (it asks',
    ];
    let held = 0;
    let result: Result = planned;
    const host = await hosts.show(null, { input: ROLLBACK, answer: () => result });
    for (const attack of attacks) {
      const poison = (value: unknown): unknown =>
        typeof value === 'string'
          ? attack
          : Array.isArray(value)
            ? [attack, ...value.map(poison)].slice(0, 3)
            : typeof value === 'object' && value !== null
              ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, poison(inner)]))
              : value;
      const clean = planned.structuredContent as Record<string, unknown>;
      const structuredContent = { ...(poison(clean) as object), status: clean.status, approval_id: clean.approval_id };
      result = { content: [{ type: 'text', text: attack }], structuredContent };
      await host.result(result);
      await host.card.getByText(cleanText(attack)).first().waitFor();
      await host.card.getByText('it follows by itself').waitFor();
      expect(await inside(host, 'document.title')).toBe('incident-mcp');
      expect(await host.card.locator('img, svg, main script, main style, a, iframe').count()).toBe(0);
      expect(await host.card.getByRole('article').isVisible()).toBe(true);
      // Every way was poisoned, so there is no address left that a button may lead to.
      for (const name of ['Open the approval page', 'Ask me in a form'])
        expect(await button(host, name).isVisible()).toBe(false);
      expect(await textOf(host.card)).not.toContain('\u202e');
      expect(host.opened).toEqual([]);
      expect(host.asked.filter((address) => !hosts.origins.includes(new URL(address).origin))).toEqual([]);
      expect(host.wrong).toEqual([]);
      held += 1;
    }
    await host.close();
    tell(SUITE, { what: 'hostile texts in every field of a plan', tried: attacks.length, held });
  });

  test('listens to its host and to nobody else', async () => {
    const host = await hosts.show(quiet.chat, { input: ROLLBACK, result: planned });
    await host.card.getByRole('article').waitFor();
    const forged = {
      jsonrpc: '2.0',
      method: 'ui/notifications/tool-result',
      params: { content: [{ type: 'text', text: 'forged' }] },
    };
    await host.run(`new Promise((done) => {
      const other = document.createElement('iframe');
      other.sandbox = 'allow-scripts';
      other.srcdoc = \`<script>parent.frames[0].postMessage(${JSON.stringify(forged)}, '*'); parent.postMessage('sent', '*')</script>\`;
      addEventListener('message', (event) => { if (event.data === 'sent') setTimeout(done, 300); });
      document.body.append(other);
    })`);
    expect(await textOf(host.card)).not.toContain('forged');
    expect(await textOf(host.card)).toContain(idOf(planned));
    await host.close();
  });

  test("runs no script but its own, whatever the host's policy lets through", async () => {
    const host = await hosts.show(quiet.chat, { input: ROLLBACK, result: planned });
    await host.card.getByRole('article').waitFor();
    await inside(
      host,
      "(() => { const s = document.createElement('script'); s.textContent = 'document.title = \"owned\"'; document.body.append(s); })()",
    );
    expect(await inside(host, 'document.title')).toBe('incident-mcp');
    expect(host.wrong.join()).toMatch(/Content Security Policy/);
    await host.close();
  });

  test('answers its host: ping, an unknown request, noise, the end', async () => {
    const host = await hosts.show(quiet.chat, { input: ROLLBACK, result: planned });
    await host.card.getByText('it follows by itself').waitFor();
    const answer = (method: string): Promise<unknown> =>
      host.run(`new Promise((done) => {
        addEventListener('message', ({ data }) => { if (data.id === 'test-${method}') done(data.result ?? data.error.code); });
        frames[0].postMessage({ jsonrpc: '2.0', id: 'test-${method}', method: '${method}', params: {} }, '*');
      })`);
    expect(await answer('ping')).toEqual({});
    expect(await answer('tools/list')).toBe(-32_601);
    for (const noise of ['null', '"text"', '{}', '{ jsonrpc: "2.0" }', '{ jsonrpc: "2.0", id: 99, result: {} }'])
      await host.run(`void frames[0].postMessage(${noise}, '*')`);
    expect(await host.run('bridge.teardownResource({})')).toEqual({});
    const calls = host.called.length;
    await host.later(30);
    expect(host.called.length).toBe(calls);
    expect(host.wrong).toEqual([]);
    await host.close();
  });

  test.each([
    ['light', 640],
    ['dark', 640],
    ['light', 320],
    ['dark', 320],
  ] as const)('is legible, %s, %i px wide, and as high as what it shows', async (theme, width) => {
    for (const result of [planned, await quiet.chat.call('get_incident')]) {
      const host = await hosts.show(quiet.chat, { input: ROLLBACK, result, theme, width });
      await host.card.locator('.panel h3').waitFor();
      expect(await inside(host, 'document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
      await expect
        .poll(() => inside(host, 'document.documentElement.scrollHeight - window.innerHeight'))
        .toBeLessThanOrEqual(0);
      expect(
        await inside(
          host,
          'Math.min(...[...document.querySelectorAll("main *")].filter((e) => e.childElementCount === 0 && e.textContent && e.checkVisibility()).map((e) => parseFloat(getComputedStyle(e).fontSize)))',
        ),
      ).toBeGreaterThanOrEqual(12);
      for (const one of await host.card.getByRole('button').filter({ visible: true }).all())
        expect((await one.boundingBox())?.height).toBeGreaterThanOrEqual(44);
      expect(await inside<number>(host, LOWEST_CONTRAST)).toBeGreaterThanOrEqual(4.5);
      await host.close();
    }
  });

  test("wears the host's theme, also when the system says otherwise and when it changes", async () => {
    const host = await hosts.show(quiet.chat, { input: ROLLBACK, result: planned, theme: 'light' });
    await host.card.getByRole('article').waitFor();
    const ground = (): Promise<string> =>
      inside(host, 'getComputedStyle(document.querySelector(".panel")).backgroundColor');
    const light = await ground();
    await host.run('bridge.sendHostContextChange({ theme: "dark" })');
    await expect.poll(ground).not.toBe(light);
    expect(await inside(host, 'matchMedia("(prefers-color-scheme: dark)").matches')).toBe(false);
    await host.close();
  });
});

/** The lowest contrast (WCAG 2.2) of a text in the card with the ground behind it. */
const LOWEST_CONTRAST = `(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = (color) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => { for (let e = element; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor); if (c[3] === 255) return c; } return null; };
  const texts = [...document.querySelectorAll('body *')].filter((e) => e.checkVisibility() && [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()));
  const bare = getComputedStyle(document.documentElement).colorScheme.startsWith('dark') ? [0x12, 0x12, 0x12, 255] : [255, 255, 255, 255];
  return Math.min(...texts.map((e) => { const [a, b] = [light(rgba(getComputedStyle(e).color)), light(ground(e) ?? bare)]; return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); }));
})()`;
