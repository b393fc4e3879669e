import { afterAll, describe, expect, it } from 'vitest';
import { hasCard } from '../../src/mcp/card.ts';
import { tools } from '../../tools/index.ts';
import { Bin } from '../helpers/bin.ts';
import { type Home, makeHome } from '../helpers/home.ts';
import { startSandbox } from '../helpers/sandbox.ts';
import { APPS, type ListedTool, openChat } from './chat.ts';

const bin = new Bin();
afterAll(() => bin.empty());

const CARD = 'ui://incident-mcp/card';
const TYPE = 'text/html;profile=mcp-app';
const SHOWN = [
  'get_approval',
  'get_incident',
  'restart_service',
  'rollback_release',
  'scale_down',
  'send_update',
  'update_runbook',
];
/** What one tool's definition may cost more for the card, bytes. */
const MAX_BYTES_MORE = 60;

let home: Promise<Home> | null = null;
const shared = (): Promise<Home> => {
  home ??= startSandbox(bin, 'bad-deploy').then((sandbox) => makeHome(bin, sandbox.config));
  return home;
};

describe.each(['first', 'second'] as const)('a client of the %s generation', (generation) => {
  let told: Promise<ListedTool[]> | null = null;
  /** The tools as a client that shows apps lists them. */
  const shownTools = (): Promise<ListedTool[]> => {
    told ??= shared().then(async (at) => (await openChat(bin, at, { generation, apps: APPS })).tools());
    return told;
  };

  it('that shows apps is told of the card by the tools that have one, and can read it', async () => {
    const chat = await openChat(bin, await shared(), { generation, apps: APPS });
    const listed = await chat.tools();
    const carded = listed.filter((tool) => tool._meta !== undefined);
    expect(carded.map((tool) => tool.name).sort()).toEqual(SHOWN);
    for (const tool of carded) expect(tool._meta).toEqual({ ui: { resourceUri: CARD } });
    const entry = (await chat.resources()).find(({ uri }) => uri === CARD);
    expect(entry).toMatchObject({ mimeType: TYPE });
    const [content, ...more] = await chat.read(CARD);
    expect(more).toEqual([]);
    expect(content).toMatchObject({ uri: CARD, mimeType: TYPE });
    const noDomains = { connectDomains: [], resourceDomains: [], frameDomains: [], baseUriDomains: [] };
    expect(content?._meta).toEqual({ ui: { csp: noDomains, prefersBorder: false } });
    expect(entry?._meta).toEqual(content?._meta);
    expect(Buffer.byteLength(content?.text ?? '')).toBeLessThan(100_000);
    // One file: nothing in it is loaded from elsewhere.
    expect(content?.text).toMatch(/^<!doctype html>/);
    expect(content?.text).not.toMatch(/<link|<img|<iframe|\bsrc=|@import|url\(|https:/);
  });

  it.each([
    ['says nothing of apps', undefined],
    ['shows apps of another type only', { mimeTypes: ['text/html'] }],
    ['says it in another form', { mimeTypes: TYPE }],
  ])('that %s gets what it got before', async (_name, apps) => {
    const chat = await openChat(bin, await shared(), { generation, apps });
    const [plain, shown] = [await chat.tools(), await shownTools()];
    expect(JSON.stringify(plain)).not.toContain('_meta');
    expect(plain).toEqual(shown.map(({ _meta, ...tool }) => tool));
    const bytes = (list: unknown[]): number => Buffer.byteLength(JSON.stringify(list));
    expect(bytes(shown) - bytes(plain)).toBeLessThanOrEqual(SHOWN.length * MAX_BYTES_MORE);
    expect((await chat.resources()).map(({ uri }) => uri)).not.toContain(CARD);
  });

  it('gets the same result whether it shows apps or not', async () => {
    const chats = [
      await openChat(bin, await shared(), { generation }),
      await openChat(bin, await shared(), { generation, apps: APPS }),
    ] as const;
    const planned = await chats[0].ok('rollback_release', { release: 'pulsestream-core', reason: 'it crashes' });
    for (const [name, args] of [
      ['rollback_release', { release: 'pulsestream-core', reason: 'it crashes', approval_id: planned.approval_id }],
      ['get_approval', { approval_id: planned.approval_id }],
      ['get_incident', {}],
    ] as const) {
      const [plain, shown] = await Promise.all(chats.map((chat) => chat.call(name, args)));
      // Each answer has its own fence, and each server its own page.
      const comparable = (result: unknown): string =>
        JSON.stringify(result)
          .replace(/id=\\"[0-9a-f]{12}\\"/g, 'id')
          .replace(/localhost:\d+/g, 'localhost');
      expect(comparable(shown)).toBe(comparable(plain));
    }
  });
});

it('a server that only reads names the card with the two tools that read', async () => {
  const chat = await openChat(bin, await shared(), { generation: 'first', apps: APPS }, '--read-only');
  const carded = (await chat.tools()).filter((tool) => tool._meta !== undefined);
  expect(carded.map((tool) => tool.name).sort()).toEqual(['get_approval', 'get_incident']);
});

it('no tool decides anything for the card alone: every tool is one that the model sees', () => {
  expect(
    tools
      .filter(hasCard)
      .map(({ name }) => name)
      .sort(),
  ).toEqual(SHOWN);
  expect(tools.filter((tool) => /approv|decid|reject/.test(tool.name)).map(({ name }) => name)).toEqual([
    'get_approval',
  ]);
});
