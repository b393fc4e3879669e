import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { build } from 'esbuild';
import type { Browser, FrameLocator, Page } from 'playwright-core';
import { ROOT } from '../architecture/sources.ts';
import type { Bin } from '../helpers/bin.ts';
import { troubles } from '../page/browser.ts';
import type { Chat, Result } from './chat.ts';

/** A chat program with a real host's side (`AppBridge` of the extension) around the card, which runs in a sandboxed frame of another origin. */
export interface Host {
  page: Page;
  card: FrameLocator;
  /** Addresses that the card asked the host to open. */
  opened: string[];
  /** Tools that the card asked the host to call. */
  called: { name: string; arguments?: Record<string, unknown>; at: number }[];
  /** What the card told the assistant. */
  told: { content?: { text?: string }[] }[];
  /** Addresses that anything in the browser asked for. */
  asked: string[];
  wrong: string[];
  /** Passes a result of a tool on, as after any call of the model. */
  result(result: Result): Promise<void>;
  /** Puts the browser's clock forward, seconds. */
  later(seconds: number): Promise<void>;
  /** Runs `code` in the host's page; `bridge` is the host's end. */
  run<T>(code: string): Promise<T>;
  close(): Promise<void>;
}

export interface Situation {
  input?: Record<string, unknown>;
  result?: Result;
  theme?: 'light' | 'dark';
  width?: number;
  /** What the host can do beside showing; default: everything. */
  can?: object;
  /** In the place of the chat's server, for results that no server gives. */
  answer?: (name: string) => Result | undefined;
}

const EVERYTHING = { openLinks: {}, serverTools: {}, updateModelContext: { text: {} } };

// Source: SEP-1865, "Content Security Policy Enforcement", for a resource that declares no domains.
const POLICY =
  "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src 'self' data:; font-src 'self'; media-src 'self' data:; frame-src 'none'; object-src 'none'; base-uri 'self'";

const PAGE = `<!doctype html><meta charset="utf-8"><style>body{margin:0}iframe{border:0;display:block;width:100%}</style>
<iframe sandbox="allow-scripts" title="card"></iframe><script src="/host.js"></script><script>
window.show = async ({ address, context, can, input, result }) => {
  const frame = document.querySelector('iframe');
  const bridge = new Host.AppBridge(null, { name: 'host of the test', version: '1' }, can, { hostContext: context });
  window.bridge = bridge;
  bridge.onopenlink = ({ url }) => window.hostOpen(url);
  bridge.oncalltool = (params) => window.hostCall(params);
  bridge.onupdatemodelcontext = async (params) => { await window.hostTold(params); return {}; };
  bridge.onsizechange = ({ height }) => { frame.style.height = height + 'px'; };
  const ready = new Promise((resolve) => { bridge.oninitialized = resolve; });
  await bridge.connect(new Host.PostMessageTransport(frame.contentWindow, frame.contentWindow));
  frame.src = address;
  await ready;
  if (input) await bridge.sendToolInput({ arguments: input });
  if (result) await bridge.sendToolResult(result);
};
</script>`;

/** Serves host and card at two origins. */
export class Hosts {
  readonly #bin: Bin;
  readonly #browser: Browser;
  readonly #card: string;
  readonly #at: [string, string];

  private constructor(bin: Bin, browser: Browser, card: string, at: [string, string]) {
    this.#bin = bin;
    this.#browser = browser;
    this.#card = card;
    this.#at = at;
  }

  static async open(bin: Bin, browser: Browser, html: string): Promise<Hosts> {
    const bundle = await build({
      absWorkingDir: ROOT,
      stdin: {
        contents: "export { AppBridge, PostMessageTransport } from '@modelcontextprotocol/ext-apps/app-bridge';",
        resolveDir: ROOT,
      },
      bundle: true,
      format: 'iife',
      globalName: 'Host',
      platform: 'browser',
      write: false,
    });
    const script = bundle.outputFiles[0]?.text ?? '';
    const host = await listen(bin, (path) =>
      path === '/host.js' ? ['text/javascript', script, ''] : ['text/html', PAGE, ''],
    );
    const card = await listen(bin, () => ['text/html', html, POLICY]);
    return new Hosts(bin, browser, card, [host, card]);
  }

  /** Shows the card for a situation; `chat` answers what the card calls. */
  async show(chat: Chat | null, situation: Situation): Promise<Host> {
    const { theme = 'light', width = 640, can = EVERYTHING, input, result, answer } = situation;
    const context = await this.#browser.newContext({ viewport: { width, height: 900 }, colorScheme: theme });
    this.#bin.add(() => context.close());
    // Runs by itself; a test may put it forward.
    await context.clock.install();
    const page = await context.newPage();
    const host: Host = {
      page,
      card: page.frameLocator('iframe[title=card]'),
      opened: [],
      called: [],
      told: [],
      asked: [],
      wrong: troubles(page),
      result: (passed) => host.run(`bridge.sendToolResult(${JSON.stringify(passed)})`),
      later: (seconds) => context.clock.fastForward(seconds * 1_000),
      run: (code) => page.evaluate(code),
      close: () => context.close(),
    };
    context.on('request', (request) => host.asked.push(request.url()));
    await page.exposeFunction('hostOpen', (url: string) => {
      host.opened.push(url);
      return {};
    });
    await page.exposeFunction('hostCall', (params: { name: string; arguments?: Record<string, unknown> }) => {
      host.called.push({ ...params, at: Date.now() });
      const made = answer?.(params.name);
      if (made) return made;
      if (!chat) throw new Error('this host has no server');
      return chat.call(params.name, params.arguments);
    });
    await page.exposeFunction('hostTold', (params: Host['told'][number]) => void host.told.push(params));
    await page.goto(this.#at[0]);
    const shown = { address: this.#card, context: { theme, displayMode: 'inline' }, can, input, result };
    await host.run(`show(${JSON.stringify(shown)})`);
    return host;
  }

  /** The origins that may be asked at all. */
  get origins(): string[] {
    return this.#at.map((address) => new URL(address).origin);
  }
}

type Served = [type: string, body: string, policy: string];

async function listen(bin: Bin, serve: (path: string) => Served): Promise<string> {
  const server: Server = createServer((request, response) => {
    const [type, body, policy] = serve(request.url ?? '/');
    response.writeHead(200, {
      'content-type': `${type}; charset=utf-8`,
      ...(policy ? { 'content-security-policy': policy } : {}),
    });
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  bin.add(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}
