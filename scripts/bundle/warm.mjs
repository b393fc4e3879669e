// `node scripts/bundle/warm.mjs PROGRAM`: runs a built program until it has answered `initialize` and keeps what V8 compiled for that, where
// the launcher looks for it. Called by ../build.mjs.
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { PassThrough } from 'node:stream';
import v8 from 'node:v8';
import { Script } from 'node:vm';
import { cacheFile } from './cache-file.mjs';

const HELLO = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'build', version: '1' } },
};

const program = resolve(process.argv[2]);
const home = mkdtempSync(join(tmpdir(), 'incident-mcp-build-'));
process.once('exit', () => rmSync(home, { recursive: true, force: true }));
// A file, so that what reads one is in the cache too.
const config = join(home, 'incident-mcp.yaml');
writeFileSync(config, 'environments: { prod: { context: none } }\n');

const script = new Script(readFileSync(program, 'latin1'), { filename: program });

function keep() {
  const file = cacheFile(program);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.${process.pid}`, script.createCachedData());
  renameSync(`${file}.${process.pid}`, file);
  process.exit(0);
}

// The program tunes V8 after its first answer, and V8 refuses a cache that was made under other flags than those of a start.
v8.setFlagsFromString = () => undefined;

const client = new PassThrough();
Object.defineProperty(process, 'stdin', { value: client });
process.stdout.write = (chunk, ...rest) => {
  rest.find((argument) => typeof argument === 'function')?.();
  if (String(chunk).includes('"protocolVersion"')) setImmediate(keep);
  return true;
};
process.argv = [process.execPath, program, 'serve', '--config', config, '--data-dir', join(home, 'data')];
Object.assign(process.env, { HOME: home, INCIDENT_MCP_LOG: 'warn' });
script.runInThisContext()(createRequire(program), program);
client.write(`${JSON.stringify(HELLO)}\n`);
