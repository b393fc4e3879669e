import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  type Channel,
  createOutbox,
  type Outbox,
  type OutboxSettings,
  pagerdutyChannel,
  slackChannel,
  webhookChannel,
} from '../../../src/adapters/notify/index.ts';
import { type Answer, deadUrl, type Received, serve, silent, status } from '../http/server.ts';
import { notice } from './notice.ts';

let dir = '';
const opened: Outbox[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'outbox-'));
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((outbox) => outbox.close()));
  rmSync(dir, { recursive: true, force: true });
});

const clock = { now: () => new Date() };
const open = (channels: Channel[], over: Partial<OutboxSettings> = {}): Outbox => {
  const timing = { send_ms: 300, attempt_ms: 250, first_retry_ms: 60, ...over.timing };
  const outbox = createOutbox({ dir, channels, clock, ...over, timing });
  opened.push(outbox);
  return outbox;
};
const slackTo = (url: string): Channel => slackChannel({ url: `${url}/services/T0/B0/slack-hunter2` });
const statusOf = async (sending: Promise<{ channel: string; status: string }[]>, channel = 'slack') =>
  (await sending).find((each) => each.channel === channel)?.status;
const titles = (received: Received[]): string[] =>
  received.map(({ body }) => String((JSON.parse(body) as { text: string }).text).replace(/.*: /, ''));
const folder = (name: string): string[] => readdirSync(join(dir, name)).filter((file) => file.endsWith('.json'));
/** Fails for the first `times` requests. */
const failing = (times: number, first: Answer, then: Answer): Answer => {
  let seen = 0;
  return (request, response) => {
    seen += 1;
    (seen <= times ? first : then)(request, response);
  };
};

describe('delivery', () => {
  test('all three receivers get their own form, in parallel, and nothing is left behind', async () => {
    const slack = await serve(status(200, {}, 'ok'));
    const pagerduty = await serve(status(202, {}, '{}'));
    const webhook = await serve(status(204));
    const outbox = open([
      slackTo(slack.url),
      pagerdutyChannel({ url: `${pagerduty.url}/v2/enqueue`, routing_key: () => 'R1\n' }),
      webhookChannel({ url: `${webhook.url}/hook`, secret: async () => 's3' }),
    ]);
    expect(await outbox.send(notice())).toEqual([
      { channel: 'slack', status: 'sent' },
      { channel: 'pagerduty', status: 'sent' },
      { channel: 'webhook', status: 'sent' },
    ]);
    expect(await outbox.pending()).toBe(0);
    expect(JSON.parse(pagerduty.received[0]?.body ?? '')).toMatchObject({ routing_key: 'R1', event_action: 'trigger' });
    expect(webhook.received[0]?.headers).toMatchObject({
      'x-incident-key': 'INC-0007/E1',
      'x-incident-signature': expect.stringMatching(/^v1=[0-9a-f]{64}$/),
    });
  });

  test('a channel that is not configured is said so', async () => {
    const slack = await serve(status(200));
    expect(await open([slackTo(slack.url)]).send(notice())).toEqual([
      { channel: 'slack', status: 'sent' },
      { channel: 'pagerduty', status: 'not_configured' },
      { channel: 'webhook', status: 'not_configured' },
    ]);
  });

  test('a note does not touch the pager', async () => {
    const pagerduty = await serve(status(202));
    const outbox = open([pagerdutyChannel({ url: pagerduty.url, routing_key: 'R' })]);
    const deliveries = await outbox.send(notice({ kind: 'update' }));
    expect(deliveries.map(({ channel }) => channel)).not.toContain('pagerduty');
    expect(pagerduty.received).toHaveLength(0);
  });

  test('it is on disk before the receiver hears of it', async () => {
    let queued = -1;
    const slack = await serve((_request, response) => {
      queued = folder('slack').length;
      response.end('ok');
    });
    await open([slackTo(slack.url)]).send(notice());
    expect(queued).toBe(1);
  });

  test.each<[string, Answer, string]>([
    ['500', status(500), 'queued'],
    ['408', status(408), 'queued'],
    ['429', status(429), 'queued'],
    ['a redirect', status(302, { location: 'http://x/' }), 'queued'],
    ['silence', silent, 'queued'],
    ['a reset', (request) => request.socket.destroy(), 'queued'],
    ['400', status(400, {}, 'invalid_payload'), 'failed'],
    ['401', status(401), 'failed'],
    ['403', status(403), 'failed'],
    ['404', status(404), 'failed'],
    ['410', status(410), 'failed'],
  ])('%s', async (_name, answer, expected) => {
    const slack = await serve(answer);
    const outbox = open([slackTo(slack.url)]);
    const started = performance.now();
    const [delivery] = await outbox.send(notice());
    expect(performance.now() - started).toBeLessThan(900);
    expect(delivery).toMatchObject({ channel: 'slack', status: expected, error: expect.any(String) });
    expect(await outbox.pending()).toBe(expected === 'queued' ? 1 : 0);
    expect(folder('slack/failed')).toHaveLength(expected === 'failed' ? 1 : 0);
  });

  test('PagerDuty says 202; another success is not believed', async () => {
    const pagerduty = await serve(status(200));
    const outbox = open([pagerdutyChannel({ url: pagerduty.url, routing_key: 'R' })]);
    expect(await statusOf(outbox.send(notice()), 'pagerduty')).toBe('queued');
  });

  test('a refused connection is queued and delivered when the receiver is back', async () => {
    const url = await deadUrl();
    const outbox = open([slackTo(url)]);
    expect(await statusOf(outbox.send(notice()))).toBe('queued');
    const slack = await serve(status(200), Number(new URL(url).port));
    await vi.waitFor(async () => expect(await outbox.pending()).toBe(0), { timeout: 3_000 });
    expect(slack.received).toHaveLength(1);
  });

  test('a slow receiver is not sent the message twice', async () => {
    const slack = await serve((_request, response) => {
      setTimeout(() => response.end('ok'), 400);
    });
    const outbox = open([slackTo(slack.url)], { timing: { send_ms: 100, attempt_ms: 2_000, first_retry_ms: 20 } });
    expect(await statusOf(outbox.send(notice()))).toBe('queued');
    await vi.waitFor(async () => expect(await outbox.pending()).toBe(0), { timeout: 3_000 });
    expect(slack.received).toHaveLength(1);
  });

  test('one dead receiver does not hold up another', async () => {
    const hung = await serve(silent);
    const good = await serve(status(200));
    const outbox = open([slackTo(hung.url), webhookChannel({ url: good.url, secret: 's' })]);
    expect(await outbox.send(notice())).toMatchObject([
      { status: 'queued' },
      { status: 'sent' },
      { status: 'not_configured' },
    ]);
  });
});

describe('order', () => {
  test('a newer one never overtakes, and each comes once', async () => {
    const slack = await serve(failing(3, status(503), status(200)));
    const outbox = open([slackTo(slack.url)]);
    await Promise.all(['a', 'b', 'c'].map((title) => outbox.send(notice({ title }))));
    await vi.waitFor(async () => expect(await outbox.pending()).toBe(0), { timeout: 3_000 });
    const order = titles(slack.received);
    expect(order.slice(0, 3)).toEqual(['a', 'a', 'a']);
    expect(order.slice(3)).toEqual(['a', 'b', 'c']);
  });

  test('a rejected one does not block', async () => {
    const slack = await serve(failing(1, status(400), status(200)));
    const outbox = open([slackTo(slack.url)]);
    expect(await Promise.all(['a', 'b'].map((title) => statusOf(outbox.send(notice({ title })))))).toEqual([
      'failed',
      'sent',
    ]);
  });

  test('a new message tries the waiting ones at once', async () => {
    const slack = await serve(failing(1, status(500), status(200)));
    const outbox = open([slackTo(slack.url)], { timing: { first_retry_ms: 60_000 } });
    expect(await statusOf(outbox.send(notice({ title: 'a' })))).toBe('queued');
    expect(await statusOf(outbox.send(notice({ title: 'b' })))).toBe('sent');
    expect(titles(slack.received)).toEqual(['a', 'a', 'b']);
  });

  test('Retry-After is honoured, also in a hurry', async () => {
    const arrivals: number[] = [];
    const slack = await serve((request, response) => {
      arrivals.push(performance.now());
      (arrivals.length === 1 ? status(429, { 'retry-after': '1' }) : status(200))(request, response);
    });
    const outbox = open([slackTo(slack.url)]);
    expect(await statusOf(outbox.send(notice()))).toBe('queued');
    await outbox.flush();
    expect(arrivals).toHaveLength(1);
    await vi.waitFor(async () => expect(await outbox.pending()).toBe(0), { timeout: 3_000 });
    expect((arrivals[1] ?? 0) - (arrivals[0] ?? 0)).toBeGreaterThan(950);
  });

  test('flush delivers without waiting for the back-off', async () => {
    const slack = await serve(failing(1, status(500), status(200)));
    const outbox = open([slackTo(slack.url)], { timing: { first_retry_ms: 60_000 } });
    await outbox.send(notice());
    await outbox.flush();
    expect(await outbox.pending()).toBe(0);
  });

  test('a clock that is set back does not change the order', async () => {
    let now = Date.now();
    const slack = await serve(failing(2, status(500), status(200)));
    const outbox = open([slackTo(slack.url)], {
      clock: { now: () => new Date(now) },
      timing: { first_retry_ms: 60_000 },
    });
    await outbox.send(notice({ title: 'a' }));
    now -= 3_600_000;
    await outbox.send(notice({ title: 'b' }));
    await outbox.flush();
    expect(titles(slack.received)).toEqual(['a', 'a', 'a', 'b']);
  });
});

describe('restart', () => {
  test('a new instance on the same folder delivers', async () => {
    const url = await deadUrl();
    const first = open([slackTo(url)]);
    await first.send(notice({ title: 'a' }));
    await first.send(notice({ title: 'b' }));
    await first.close();
    const slack = await serve(status(200), Number(new URL(url).port));
    const second = open([slackTo(url)]);
    await vi.waitFor(async () => expect(await second.pending()).toBe(0), { timeout: 3_000 });
    expect(titles(slack.received)).toEqual(['a', 'b']);
  });

  test('given up after 24 h, and what follows goes on', async () => {
    let now = Date.now();
    const facts: unknown[] = [];
    const slack = await serve(failing(1, status(500), status(200)));
    const settings: Partial<OutboxSettings> = {
      clock: { now: () => new Date(now) },
      timing: { first_retry_ms: 60_000 },
      log: (_message, each) => facts.push(each),
    };
    const outbox = open([slackTo(slack.url)], settings);
    await outbox.send(notice({ title: 'old', key: 'K1' }));
    now += 25 * 3_600_000;
    expect(await statusOf(outbox.send(notice({ title: 'new' })))).toBe('sent');
    expect(titles(slack.received)).toEqual(['old', 'new']);
    expect(folder('slack/failed')).toHaveLength(1);
    expect(facts.at(-1)).toMatchObject({ key: 'K1', error: expect.stringContaining('24 h') });
  });

  test('a damaged file is set aside as it is', async () => {
    mkdirSync(join(dir, 'slack'));
    writeFileSync(join(dir, 'slack', '0000000000000001-aa.json'), '{"notice":');
    const slack = await serve(status(200));
    expect(await statusOf(open([slackTo(slack.url)]).send(notice()))).toBe('sent');
    expect(readFileSync(join(dir, 'slack', 'failed', '0000000000000001-aa.json'), 'utf8')).toBe('{"notice":');
  });

  test('an outbox that cannot be written still tries once', async () => {
    writeFileSync(join(dir, 'slack'), 'a file where the folder should be');
    writeFileSync(join(dir, 'webhook'), 'the same');
    const slack = await serve(status(200));
    const hook = await serve(status(500));
    const outbox = open([slackTo(slack.url), webhookChannel({ url: hook.url, secret: 's' })]);
    expect(await outbox.send(notice())).toMatchObject([
      { status: 'sent' },
      { status: 'failed', error: expect.stringContaining('could not be written') },
      { status: 'not_configured' },
    ]);
  });
});

describe('secrets', () => {
  const files = (path: string): string[] =>
    readdirSync(path, { withFileTypes: true, recursive: true })
      .filter((each) => each.isFile())
      .map((each) => readFileSync(join(each.parentPath, each.name), 'utf8'));

  test.each([400, 500])(
    'are neither in errors nor in files nor in the log, even when the receiver repeats them (%d)',
    async (code) => {
      const echo = await serve((request, response) => {
        response.writeHead(code).end(`you sent ${request.url} ${request.body} ${JSON.stringify(request.headers)}`);
      });
      const logged: unknown[] = [];
      const outbox = open(
        [
          slackTo(echo.url),
          pagerdutyChannel({ url: echo.url, routing_key: 'pd-hunter2' }),
          webhookChannel({ url: `${echo.url}/wh-hunter2`, secret: 'hmac-hunter2' }),
        ],
        { log: (...each) => logged.push(each) },
      );
      const deliveries = await outbox.send(notice({ text: 'password=text-hunter2' }));
      const told = JSON.stringify([deliveries, logged, files(dir)]);
      expect(deliveries.every(({ error }) => error !== undefined)).toBe(true);
      expect(logged.length).toBeGreaterThan(0);
      expect(told).toContain('INC-0007');
      expect(told).not.toContain('hunter2');
    },
  );

  test('one that cannot be read is queued and tried again', async () => {
    const hook = await serve(status(200));
    let readable = false;
    const secret = (): string => {
      if (!readable) throw new Error('hunter2');
      return 's';
    };
    const outbox = open([webhookChannel({ url: hook.url, secret })]);
    expect(await outbox.send(notice())).toMatchObject([
      { status: 'queued', error: expect.not.stringContaining('hunter2') },
      {},
      {},
    ]);
    readable = true;
    await outbox.flush();
    expect(hook.received).toHaveLength(1);
  });
});

test.each([['Slack'], ['../x'], ['']])('the channel name %j is refused', (name) => {
  const channel: Channel = { name, accepts: () => true, deliver: async () => ({ result: 'sent' }) };
  expect(() => createOutbox({ dir, channels: [channel], clock })).toThrow(
    expect.objectContaining({ code: 'NOT_CONFIGURED' }),
  );
});
