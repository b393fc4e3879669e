import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { gateOutput } from '../../src/mcp/gate/result.ts';
import * as s from '../../src/mcp/schemas.ts';
import { type AnyTool, defineTool } from '../../src/mcp/tool.ts';
import { inputSchema, outputOf, toWire } from '../../src/mcp/wire.ts';
import { tinyTool, world } from './harness.ts';

const input = z.strictObject({
  severity: s.severity.describe('Which.'),
  name: s.kubeName.optional().describe('Name.'),
  at: s.instant.optional().describe('When.'),
  limit: s.limit(100, 20).describe('How many.'),
  by: s.detectedBy.optional().describe('Where from.'),
  evidence: z.array(s.text(500)).max(20).optional().describe('Links.'),
  when: z.date().optional().describe('Not representable.'),
});
const base = {
  name: 'get_thing',
  title: 'Thing',
  description: 'A thing.',
  input,
  output: z.object({ ok: z.boolean() }),
};
const read: AnyTool = defineTool({ ...base, effect: 'read', handle: async () => ({ ok: true }), render: () => '' });
const record = (idempotent?: boolean): AnyTool =>
  defineTool({
    ...base,
    effect: 'record',
    ...(idempotent === undefined ? {} : { idempotent }),
    handle: async () => ({ ok: true }),
    render: () => '',
  });

describe('the wire definition', () => {
  it('has the kinds, choices, defaults and descriptions, and neither patterns nor lengths', () => {
    expect(inputSchema(read)).toEqual({
      type: 'object',
      properties: {
        severity: { type: 'string', enum: ['SEV1', 'SEV2', 'SEV3', 'SEV4'], description: 'Which.' },
        name: { type: 'string', description: 'Name.' },
        at: { type: 'string', description: 'When.' },
        limit: { type: 'integer', minimum: 1, maximum: 100, default: 20, description: 'How many.' },
        by: {
          type: 'object',
          properties: {
            source: {
              type: 'string',
              enum: ['grafana', 'health_check', 'slo', 'support_ticket', 'investigation', 'other'],
            },
            reference: { type: 'string' },
          },
          required: ['source'],
          additionalProperties: false,
          description: 'Where from.',
        },
        evidence: { type: 'array', items: { type: 'string' }, maxItems: 20, description: 'Links.' },
        when: { description: 'Not representable.' },
      },
      required: ['severity'],
      additionalProperties: false,
    });
  });

  it.each([
    ['read', read, { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: true }],
    ['record', record(), { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false }],
    [
      'record that may be repeated',
      record(true),
      { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    ],
    [
      'gated',
      tinyTool(world()),
      { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
    ],
  ] as const)('of a tool that is %s has the hints of its effect', (_name, tool, hints) => {
    expect(toWire(tool).annotations).toEqual(hints);
  });

  it('gives all gated tools the one output of the gate', () => {
    expect(outputOf(tinyTool(world()))).toBe(gateOutput);
    expect(outputOf(read)).toBe(base.output);
  });
});
