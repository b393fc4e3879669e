import { describe, expect, it } from 'vitest';
import { reword } from '../../src/mcp/reword.ts';

const answered = (text: string, isError = true) => ({
  jsonrpc: '2.0' as const,
  id: 7,
  result: { content: [{ type: 'text', text }], ...(isError ? { isError } : {}) },
});

describe('an answer that the SDK gave by itself', () => {
  it('gets the form of every other error', () => {
    const text = "Fulfilling input required by 'tools/call' failed: MCP error -32602: Invalid\n  elicitation result";
    const { result, id } = reword(answered(text)) as ReturnType<typeof answered>;
    expect(id).toBe(7);
    expect(result.isError).toBe(true);
    expect(result.content[0]?.text).toMatch(
      /^UNAVAILABLE: the client did not answer the form \(MCP error -32602: Invalid elicitation result\); .*nothing was run\. Next: call again/,
    );
  });

  it.each([
    ['an error of ours', answered('NOT_FOUND: x. Next: y.')],
    ['a success that quotes it', answered("Fulfilling input required by 'x' failed: y", false)],
    ['a request', { jsonrpc: '2.0' as const, id: 1, method: 'ping' }],
    ['a protocol error', { jsonrpc: '2.0' as const, id: 1, error: { code: -32602, message: 'x' } }],
  ])('leaves %s as it is', (_what, message) => {
    expect(reword(message)).toBe(message);
  });
});
