import { McpServer } from '@modelcontextprotocol/server';
import type { ServerDeps } from './deps.ts';
import { instructions } from './instructions.ts';
import { servePrompts } from './prompts-endpoint.ts';
import { serveResources } from './resources-endpoint.ts';
import { serveTools, stateCodec } from './tools-endpoint.ts';

/** How many forms one call may show; the gate asks once. */
const MAX_FORMS = 2;
const GRACE_MS = 30_000;

/**
 * Builds one server over the given dependencies. Free of side effects until a transport is connected: serving entries build extra
 * instances as probes.
 */
export function createServer(deps: ServerDeps): McpServer {
  const codec = stateCodec(deps);
  const server = new McpServer(
    { name: 'pulsestream-incident-mcp', title: 'PulseStream incident response', version: deps.version },
    {
      capabilities: {
        tools: {},
        prompts: {},
        resources: { subscribe: true, listChanged: true },
        completions: {},
      },
      instructions: instructions(deps.config),
      inputRequired: { maxRounds: MAX_FORMS, roundTimeoutMs: deps.config.approval.lifetime + GRACE_MS },
      requestState: { verify: codec.verify },
    },
  );
  serveTools(server, deps);
  servePrompts(server, deps);
  serveResources(server, deps);
  return server;
}
