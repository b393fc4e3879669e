import { createServer, type Server, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { Bin } from '../../helpers/bin.ts';

export interface Bad {
  port: number;
  /** How it behaves from now on; connections of before are cut. */
  become(mode: Mode): Promise<void>;
  /** Requests that reached it since the last change. */
  asked(): number;
}

type Behave = (socket: Socket, bytes: Context) => void;
interface Context {
  /** A port of a server that nobody may ask. */
  elsewhere: number;
}

const head = (more: readonly string[] = []): string =>
  ['HTTP/1.1 200 OK', 'Content-Type: application/json', ...more, '', ''].join('\r\n');
const whole = (body: Buffer | string, more: readonly string[] = []): Behave => {
  const bytes = Buffer.from(body);
  return (socket) =>
    socket.end(Buffer.concat([Buffer.from(head([`Content-Length: ${bytes.length}`, ...more])), bytes]));
};
const redirect =
  (to: (context: Context) => string, status = '302 Found'): Behave =>
  (socket, context) =>
    socket.end(`HTTP/1.1 ${status}\r\nLocation: ${to(context)}\r\nContent-Length: 0\r\n\r\n`);

/** Writes `block` again and again until `times` are over or the other side had enough. */
function flood(socket: Socket, block: Buffer, times: number, end: () => void = () => undefined): void {
  let left = times;
  const more = (): void => {
    while (left > 0 && !socket.destroyed) {
      left -= 1;
      if (!socket.write(block)) {
        socket.once('drain', more);
        return;
      }
    }
    if (!socket.destroyed) end();
  };
  more();
}

const MB = 1024 * 1024;
let bombs: Buffer | null = null;
/** 200 MB of blanks in 200 KB. */
const bomb = (): Buffer => {
  bombs ??= gzipSync(Buffer.alloc(200 * MB, 0x20));
  return bombs;
};

/** Everything that a source can do to whoever asks it. `refused` is no behaviour: nothing listens then. */
const BEHAVIOURS = {
  'black hole': () => undefined,
  'slow drip': (socket) => {
    socket.write(head());
    const timer = setInterval(() => socket.write(' '), 30);
    socket.once('close', () => clearInterval(timer));
  },
  'drip of headers': (socket) => {
    socket.write('HTTP/1.1 200 OK\r\n');
    const timer = setInterval(() => socket.write('X'), 30);
    socket.once('close', () => clearInterval(timer));
  },
  'wrong content type': (socket) => {
    const page = '<!doctype html><title>Sign in</title><p>planted-page';
    socket.end(`HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: ${page.length}\r\n\r\n${page}`);
  },
  '100 MB body': (socket) => {
    socket.write(`${head(['Content-Length: 104857602'])}"`);
    flood(socket, Buffer.alloc(MB, 0x78), 100, () => socket.end('"'));
  },
  '100 MB of small chunks': (socket) => {
    socket.write(head(['Transfer-Encoding: chunked']));
    flood(socket, Buffer.from('10\r\n[[[[[[[[[[[[[[[[\r\n'.repeat(5_000)), 1_250, () => socket.end('0\r\n\r\n'));
  },
  'redirect to the metadata address': redirect(() => 'http://169.254.169.254/latest/meta-data/iam/'),
  'redirect to a file': redirect(() => 'file:///etc/passwd', '301 Moved Permanently'),
  'redirect to another port': redirect(({ elsewhere }) => `http://127.0.0.1:${elsewhere}/`, '307 Temporary Redirect'),
  'redirect to itself': redirect(() => '/', '308 Permanent Redirect'),
  'invalid UTF-8': whole(Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0xc0, 0x80, 0x22, 0x3a, 0xed, 0xa0, 0x80, 0x7d])),
  'gzip bomb': (socket, context) => whole(bomb(), ['Content-Encoding: gzip'])(socket, context),
  'endless headers': (socket) => {
    socket.write('HTTP/1.1 200 OK\r\n');
    flood(socket, Buffer.from('X-Planted: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n'.repeat(1_000)), 2_000);
  },
  'endless early hints': (socket) =>
    flood(socket, Buffer.from('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(1_000)), 2_000),
  'reset in the middle': (socket) => {
    socket.write(`${head(['Content-Length: 1000'])}{"a":[1,2`);
    setTimeout(() => socket.resetAndDestroy(), 30).unref();
  },
  'closed at once': (socket) => socket.destroy(),
  'HTTP/1.0 without a length': (socket) => socket.end('HTTP/1.0 200 OK\r\n\r\n{"half": tr'),
  'no HTTP': (socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n\0\0\0\x01\xff\xff'),
  'garbage in chunks': (socket) => socket.end(`${head(['Transfer-Encoding: chunked'])}ZZ\r\nnot a chunk\r\n-1\r\n`),
  'two lengths': (socket) => socket.end(`${head(['Content-Length: 2', 'Content-Length: 200000'])}{}`),
  'a length that is not kept': (socket) => socket.write(`${head(['Content-Length: 5000000'])}{}`),
  '100,000 brackets': (socket, context) => whole('['.repeat(100_000) + ']'.repeat(100_000))(socket, context),
  'another shape': whole(
    '{"status":"success","data":{"result":{"__proto__":[1]}},"items":7,"page":[],"components":"x","customers":{}}',
  ),
  null: whole('null'),
} as const satisfies Record<string, Behave>;

export type Mode = keyof typeof BEHAVIOURS | 'refused';
export const MODES: readonly Mode[] = ['refused', ...(Object.keys(BEHAVIOURS) as (keyof typeof BEHAVIOURS)[])];

/** A server on loopback that can be as bad as one likes. */
export async function badServer(bin: Bin, context: Context): Promise<Bad> {
  // Made before anybody waits for it: the packing takes a second.
  bomb();
  let mode: Mode = 'black hole';
  let asked = 0;
  let server: Server | null = null;
  const sockets = new Set<Socket>();
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    const old = server;
    server = null;
    if (old) await new Promise((resolve) => old.close(resolve));
  };
  const listen = (port: number): Promise<number> =>
    new Promise((resolve, reject) => {
      const fresh = createServer((socket) => {
        sockets.add(socket);
        socket.on('error', () => undefined);
        socket.once('close', () => sockets.delete(socket));
        socket.on('data', () => undefined);
        socket.once('data', () => {
          asked += 1;
          if (mode !== 'refused') BEHAVIOURS[mode](socket, context);
        });
      });
      fresh.once('error', reject);
      fresh.listen(port, '127.0.0.1', () => {
        server = fresh;
        resolve((fresh.address() as { port: number }).port);
      });
    });
  const port = await listen(0);
  bin.add(close);
  return {
    port,
    asked: () => asked,
    async become(next) {
      mode = next;
      asked = 0;
      await close();
      if (next !== 'refused') await listen(port);
    },
  };
}
