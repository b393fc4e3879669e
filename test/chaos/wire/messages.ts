import fc from 'fast-check';
import type { Random } from '../seed.ts';

/** One line as it goes over the wire, and what the client may expect for it. */
export interface Message {
  bytes: Buffer;
  /** The ids that an answer may name, as JSON text. */
  ids: string[];
  /** Exactly one answer is due. Else there may be one. */
  due: boolean;
  /** The tool that it calls, so that its result can be held against the tool's output schema. */
  tool?: string;
  kind: string;
}

export interface ToolDefinition {
  name: string;
  inputSchema: Schema;
  outputSchema?: Schema;
  annotations?: { readOnlyHint?: boolean; destructiveHint?: boolean };
}
export interface Schema {
  type?: string;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  oneOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  [key: string]: unknown;
}
export type Generation = 'first' | 'second';

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'fuzzer', version: '1.0.0' },
  'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } },
};

/** What no schema asks for. */
function nasty(random: Random, pool: readonly unknown[]): unknown {
  switch (random.below(16)) {
    case 0:
      return null;
    case 1:
      return random.pick([0, -1, 1e308, -1e308, 2 ** 53, 0.1, -0, 1e-320]);
    case 2:
      return random.pick([
        '',
        ' ',
        '\0',
        '\u202e',
        '\ud800',
        '\udfff\ud800',
        '\ufeffx',
        '\u0000INC-0001',
        '../../etc/passwd',
      ]);
    case 3:
      return random.pick(['--help', '-n', '$(id)', '`id`', '; rm -rf /', '%00', '{{7*7}}', '__proto__', 'constructor']);
    case 4:
      return 'x'.repeat(random.pick([65, 300, 2_000, 9_000]));
    case 5:
      return [];
    case 6:
      return {};
    case 7:
      return JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}');
    case 8:
      return Array.from({ length: random.below(50) }, () => random.below(9));
    case 9:
      return random.chance(0.5);
    case 10:
      return random.pick(['2026-02-30T10:00:00Z', '2026-03-01T14:20:00', '1e9', '99999-01-01T00:00:00Z', '0000-00-00']);
    case 11:
      return random.pick(['INC-0001', 'INC-9999', 'INC-00001', 'APR-0000000000', 'inc-0001', 'INC-０００１']);
    default:
      return random.pick(pool);
  }
}

/** A value that the schema takes, as far as it is told on the wire. */
function fitting(schema: Schema, random: Random, depth = 0): unknown {
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return random.pick(schema.enum);
  const some = schema.anyOf ?? schema.oneOf;
  if (some && some.length > 0) return fitting(random.pick(some), random, depth + 1);
  if (schema.type === 'integer' || schema.type === 'number') return 1 + random.below(20);
  if (schema.type === 'boolean') return random.chance(0.5);
  if (schema.type === 'null') return null;
  if (schema.type === 'array') {
    return depth > 3
      ? []
      : Array.from({ length: random.below(3) }, () => fitting(schema.items ?? {}, random, depth + 1));
  }
  if (schema.type === 'object') return depth > 3 ? {} : object(schema, random, depth + 1);
  return random.pick([
    'INC-0001',
    'prod',
    'web-ui',
    'pulsestream-core',
    'SEV3',
    '15m',
    '2026-03-01T14:20:00Z',
    'Ada Example',
    'x',
  ]);
}

function object(schema: Schema, random: Random, depth: number): Record<string, unknown> {
  const required = new Set(schema.required ?? []);
  return Object.fromEntries(
    Object.entries(schema.properties ?? {})
      .filter(([key]) => required.has(key) || random.chance(0.3))
      .map(([key, property]) => [key, fitting(property, random, depth)]),
  );
}

const METHODS = [
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'prompts/list',
  'prompts/get',
  'completion/complete',
  'resources/subscribe',
  'resources/unsubscribe',
  'logging/setLevel',
  'tasks/get',
  'roots/list',
  'sampling/createMessage',
  'elicitation/create',
  'server/discover',
  'subscriptions/listen',
  'ping',
];
const NOTIFICATIONS = [
  'notifications/cancelled',
  'notifications/progress',
  'notifications/initialized',
  'notifications/roots/list_changed',
  'notifications/nobody/knows',
  'notifications/message',
];

/** Makes messages for one server: valid envelopes with mutated contents, broken envelopes, and bytes that are none. Deterministic for its seed. */
export class Messages {
  readonly #random: Random;
  readonly #tools: readonly ToolDefinition[];
  readonly #generation: Generation;
  /** Values of every form that fast-check knows. */
  readonly #pool: readonly unknown[];
  #last = 0;

  constructor(random: Random, tools: readonly ToolDefinition[], generation: Generation) {
    this.#random = random;
    this.#tools = tools;
    this.#generation = generation;
    const seed = random.below(2 ** 31);
    this.#pool = [
      ...fc.sample(fc.jsonValue({ maxDepth: 4, stringUnit: 'binary' }), { numRuns: 1_500, seed }),
      ...fc.sample(fc.string({ unit: 'binary', maxLength: 200 }), { numRuns: 500, seed }),
      ...fc.sample(fc.double(), { numRuns: 200, seed }).map((n) => (Number.isFinite(n) ? n : 0)),
    ];
  }

  next(): Message {
    const roll = this.#random.next();
    if (roll < 0.32) return this.#toolCall();
    if (roll < 0.46) return this.#method();
    if (roll < 0.54) return this.#notification();
    if (roll < 0.7) return this.#envelope();
    if (roll < 0.86) return this.#bitten();
    return this.#garbage();
  }

  /** A request with the envelope of this generation, valid as such. */
  request(method: string, params: Record<string, unknown>, more: Partial<Message> = {}): Message {
    this.#last += 1;
    const random = this.#random;
    const id: string | number = random.chance(0.2)
      ? `${random.pick(['a', '', '\u0000', '\u{1f600}', '"'])}${this.#last}`
      : this.#last;
    const meta = this.#generation === 'second' ? { _meta: META } : {};
    const bytes = line(JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, ...meta } }));
    return { bytes, ids: [JSON.stringify(id)], due: true, kind: method, ...more };
  }

  /** What answers at once and touches nothing. */
  ping(): Message {
    return this.request(this.#generation === 'second' ? 'server/discover' : 'ping', {}, { kind: 'ping' });
  }

  /** Lines of an extreme size or depth: seldom, since each costs as much as thousands. */
  extreme(n: number): Message {
    const forms: (() => string)[] = [
      () => JSON.stringify({ jsonrpc: '2.0', method: 'x', params: { a: 'x'.repeat(1_000_000) } }),
      () => `{"jsonrpc":"2.0","method":"x","params":${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}}`,
      () => `{"jsonrpc":"2.0","method":"x","params":{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`,
      () => '['.repeat(1_000_000),
      () => `{${'"k":1,'.repeat(100_000)}"k":1}`,
      () => `{"jsonrpc":"2.0","method":"x","params":{${Array.from({ length: 50_000 }, (_, i) => `"k${i}":1`).join()}}}`,
      () => `{"jsonrpc":"2.0","id":${'9'.repeat(100_000)},"method":"x"}`,
      () => '"'.repeat(500_000),
    ];
    const text = forms[n % forms.length]?.() ?? '';
    return { bytes: line(text), ids: [], due: false, kind: 'extreme' };
  }

  /** A call of a tool with one huge or deep argument. */
  heavyCall(n: number): Message {
    const tool = this.#tools[n % this.#tools.length] as ToolDefinition;
    const key = this.#random.pick(Object.keys(tool.inputSchema.properties ?? { x: 1 }));
    let deep: unknown = 1;
    for (let i = 0; i < 2_000; i += 1) deep = n % 2 === 0 ? [deep] : { a: deep };
    const value = n % 3 === 0 ? 'x'.repeat(1_000_000) : n % 3 === 1 ? deep : Array.from({ length: 100_000 }, () => 1);
    return this.request(
      'tools/call',
      { name: tool.name, arguments: { [key]: value } },
      { tool: tool.name, kind: 'heavy' },
    );
  }

  #toolCall(): Message {
    const random = this.#random;
    const tool = random.pick(this.#tools);
    const args = object(tool.inputSchema, random, 0);
    const keys = Object.keys(tool.inputSchema.properties ?? {});
    // What writes to disk is left as it is only now and then: the disk is not what is tried here.
    const plain = random.chance(tool.annotations?.readOnlyHint ? 0.1 : 0.02);
    const bites = plain ? 0 : 1 + random.below(3);
    for (let i = 0; i < bites; i += 1) {
      const roll = random.next();
      if (roll < 0.75 && keys.length > 0) args[random.pick(keys)] = nasty(random, this.#pool);
      else if (roll < 0.85) delete args[random.pick(Object.keys(args)) ?? ''];
      else
        Object.defineProperty(args, asText(nasty(random, this.#pool)).slice(0, 80), {
          value: 1,
          enumerable: true,
          configurable: true,
          writable: true,
        });
    }
    const whole = random.chance(0.03) ? nasty(random, this.#pool) : args;
    const name = random.chance(0.03) ? nasty(random, this.#pool) : tool.name;
    const state = random.chance(0.05)
      ? { requestState: nasty(random, this.#pool), inputResponses: nasty(random, this.#pool) }
      : {};
    return this.request(
      'tools/call',
      { name, arguments: whole, ...state },
      name === tool.name ? { tool: tool.name } : {},
    );
  }

  #method(): Message {
    const random = this.#random;
    const method = random.chance(0.25) ? asText(nasty(random, this.#pool)).slice(0, 200) : random.pick(METHODS);
    // Lists are long, and listening would hold the request open for good.
    const uri = random.pick([
      'incident://INC-0001',
      'incident://INC-0001/timeline',
      'runbook://severity-matrix',
      'runbook://../x',
      'file:///etc/passwd',
      'x',
      'incident://%ZZ',
    ]);
    const params: Record<string, unknown> = {};
    for (const key of ['uri', 'name', 'ref', 'argument', 'cursor', 'level', 'arguments', 'taskId']) {
      if (random.chance(0.4)) params[key] = key === 'uri' && random.chance(0.7) ? uri : nasty(random, this.#pool);
    }
    return this.request(method, params, { due: method !== 'subscriptions/listen' });
  }

  #notification(): Message {
    const random = this.#random;
    const method = random.pick(NOTIFICATIONS);
    const params = {
      requestId: random.chance(0.5) ? this.#last + 1 + random.below(9) * 1_000_000 : nasty(random, this.#pool),
      progressToken: nasty(random, this.#pool),
      progress: nasty(random, this.#pool),
      reason: nasty(random, this.#pool),
    };
    return {
      bytes: line(JSON.stringify({ jsonrpc: '2.0', method, params })),
      ids: [],
      due: false,
      kind: 'notification',
    };
  }

  /** JSON that is no good JSON-RPC. */
  #envelope(): Message {
    const random = this.#random;
    this.#last += 1;
    const id: unknown = random.chance(0.5) ? this.#last : nasty(random, this.#pool);
    const message: Record<string, unknown> = { jsonrpc: '2.0', id, method: 'ping', params: {} };
    const key = random.pick(['jsonrpc', 'id', 'method', 'params', 'extra', 'result', 'error']);
    if (random.chance(0.3)) delete message[key];
    else message[key] = nasty(random, this.#pool);
    let text = JSON.stringify(message);
    const roll = random.below(10);
    if (roll === 0) text = `[${text},${text}]`;
    else if (roll === 1) text = text.replace('{', `{"id":${this.#last},"method":"tools/call",`);
    else if (roll === 2) text = JSON.stringify(random.pick(this.#pool));
    else if (roll === 3) text = `\ufeff${text}`;
    else if (roll === 4)
      text = text.replace(
        /"id":[^,}]*/,
        `"id":${random.pick(['1e400', '-0', '1.5', '9'.repeat(40), '"x"', '{}', 'true'])}`,
      );
    return { bytes: line(text), ids: idsIn(text), due: false, kind: 'envelope' };
  }

  /** A good message of which some bytes were changed, dropped or doubled on the way. */
  #bitten(): Message {
    const random = this.#random;
    const good = random.chance(0.6) ? this.#toolCall() : this.#method();
    let bytes = Buffer.from(good.bytes);
    for (let i = 1 + random.below(4); i > 0; i -= 1) {
      const at = random.below(Math.max(1, bytes.length - 1));
      const roll = random.below(4);
      if (roll === 0) bytes[at] = random.below(256);
      else if (roll === 1) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(8))]);
      else if (roll === 2)
        bytes = Buffer.concat([bytes.subarray(0, at), random.bytes(1 + random.below(6)), bytes.subarray(at)]);
      else bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from([0xff, 0xc0, 0x00]), bytes.subarray(at)]);
    }
    if (bytes.at(-1) !== 10) bytes = Buffer.concat([bytes, Buffer.from('\n')]);
    return { bytes, ids: idsIn(bytes.toString('utf8')), due: false, kind: 'bitten' };
  }

  #garbage(): Message {
    const random = this.#random;
    const roll = random.below(5);
    const bytes =
      roll === 0
        ? random.bytes(1 + random.below(300))
        : roll === 1
          ? Buffer.from(
              random.pick([
                '',
                '\r',
                '{',
                '}',
                'null',
                '0',
                '[]',
                '""',
                'Content-Length: 5\r\n\r',
                '\0\0\0',
                'GET / HTTP/1.1\r',
              ]),
            )
          : roll === 2
            ? Buffer.from(asText(random.pick(this.#pool)))
            : roll === 3
              ? Buffer.concat([Buffer.from('{"jsonrpc":"2.0","id":1,"method":"'), random.bytes(20), Buffer.from('"}')])
              : this.request('ping', {}).bytes.subarray(0, 5 + random.below(20));
    return { bytes: line(bytes), ids: idsIn(bytes.toString('utf8')), due: false, kind: 'garbage' };
  }
}

const asText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
const line = (text: string | Buffer): Buffer => Buffer.concat([Buffer.from(text), Buffer.from('\n')]);

/** The ids that a server may read out of a text, as JSON text. */
function idsIn(text: string): string[] {
  return text.split('\n').flatMap((part) => {
    try {
      const value = JSON.parse(part) as { id?: unknown } | null;
      return value !== null && typeof value === 'object' && value.id !== undefined ? [JSON.stringify(value.id)] : [];
    } catch {
      // No JSON, no id.
      return [];
    }
  });
}
