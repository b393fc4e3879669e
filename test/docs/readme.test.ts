import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { tools } from '../../tools/index.ts';
import { VERSIONS } from '../cluster/lab/versions.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const README = read('README.md');
const home = mkdtempSync(join(tmpdir(), 'incident-mcp-docs-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** The first fenced block of a language after a heading. */
function block(heading: string, language: string): string {
  const section = README.slice(README.indexOf(`## ${heading}`));
  const found = new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(section)?.[1];
  if (found === undefined) throw new Error(`README has no ${language} block under "${heading}"`);
  return found;
}

describe('the documents', () => {
  it('name the versions that the suite against real systems uses', () => {
    const tested = README.slice(README.indexOf('## Tested with'));
    expect(tested).toContain(`Kubernetes ${VERSIONS.kubernetes} `);
    expect(tested).toContain(`Helm ${VERSIONS.helm3} and Helm ${VERSIONS.helm4}`);
    expect(tested).toContain(`KWOK ${VERSIONS.kwok}`);
    expect(tested).toContain(`Alertmanager ${VERSIONS.alertmanager}`);
  });

  it('hold the tables that the code gives', () => {
    const { status, stderr } = spawnSync(process.execPath, ['scripts/docs.mjs', '--check'], {
      cwd: ROOT,
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  it('name every tool in the README', () => {
    const table = README.slice(README.indexOf('<!-- tools:start -->'), README.indexOf('<!-- tools:end -->'));
    expect(tools.filter((tool) => !table.includes(`| \`${tool.name}\` |`)).map((tool) => tool.name)).toEqual([]);
  });

  it('link only to files that exist', () => {
    for (const file of ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'docs/decisions.md', 'docs/configuration.md']) {
      const links = [...read(file).matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map((match) => match[1] as string);
      const base = file.startsWith('docs/') ? join(ROOT, 'docs') : ROOT;
      expect(links.filter((link) => !existsSync(join(base, link)))).toEqual([]);
    }
  });

  it('hold JSON that parses and serves from the built command', () => {
    const json = [...README.matchAll(/```json\n(.*?)```/gs)].map((match) => JSON.parse(match[1] as string));
    const entries = json.map((entry) => entry.mcpServers?.incident ?? entry.servers?.incident);
    expect(entries).toHaveLength(2);
    for (const { command, args } of entries) {
      expect(command).toBe('node');
      expect(args).toEqual(['/path/to/pulsestream-incident-mcp/dist/cli.js', 'serve', '--sandbox']);
    }
  });

  it('give a configuration of at most ten lines that loads', () => {
    const text = block('A real cluster', 'yaml');
    expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(10);
    const config = loadConfig({
      flags: { config: '/c.yaml' },
      env: { HOME: '/home/x' },
      cwd: '/',
      readFile: () => text,
    });
    expect(config.default_environment).toBe('prod');
    expect(config.environments.prod).toMatchObject({ context: 'prod-eu', protected: true });
    expect(config.environments.prod?.releases[0]).toEqual({
      name: 'shop',
      namespace: 'shop-prod',
      services: ['web', 'api'],
    });
    expect(config.notify.slack?.url_env).toBe('SLACK_WEBHOOK_URL');
  });

  it('give an approval policy that loads', () => {
    const text = /```yaml\n(approval:.*?)```/s.exec(read('docs/configuration.md'))?.[1] as string;
    const config = loadConfig({
      flags: { config: '/c.yaml' },
      env: { HOME: '/home/x' },
      cwd: '/',
      readFile: () => text,
    });
    expect(config.approval.policy.map((rule) => rule.approvers)).toEqual([1, 2, 1]);
  });
});

describe('mcp.json', () => {
  it('starts a server on the sandbox from a checkout', async () => {
    const { command, args } = JSON.parse(read('mcp.json')).mcpServers.incident as { command: string; args: string[] };
    const client = new Client({ name: 'docs-test', version: '1' });
    const transport = new StdioClientTransport({
      command: command === 'node' ? process.execPath : command,
      args,
      cwd: ROOT,
      env: { PATH: process.env.PATH ?? '', HOME: home, INCIDENT_MCP_LOG: 'silent' },
      stderr: 'ignore',
    });
    try {
      await client.connect(transport);
      const health = await client.callTool({ name: 'get_system_health', arguments: {} });
      expect(health.isError ?? false).toBe(false);
      expect(health.structuredContent).toMatchObject({ environment: 'prod', status: 'degraded' });
    } finally {
      await client.close();
    }
  });
});
