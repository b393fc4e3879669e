import type { Tool } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { gateOutput } from './gate/result.ts';
import type { AnyTool } from './tool.ts';

type JsonSchema = Record<string, unknown>;

/** What a model does not need and every client pays for. */
const NOISE = new Set(['$schema']);

function lean(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lean);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !NOISE.has(key))
      .map(([key, v]) => [key, lean(v)]),
  );
}

export const outputOf = (tool: AnyTool): z.ZodObject => (tool.effect === 'gated' ? gateOutput : tool.output);

/** The input schema as clients see it: JSON Schema of what may be sent. */
export function inputSchema(tool: AnyTool): JsonSchema {
  const schema = lean(z.toJSONSchema(tool.input, { io: 'input', unrepresentable: 'any' })) as JsonSchema;
  // The patterns are checked here with a better message; on the wire they would cost bytes and tell a model little.
  const properties = Object.fromEntries(
    Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>).map(([key, property]) => [
      key,
      withoutPatterns(property),
    ]),
  );
  return { ...schema, properties };
}

function withoutPatterns(property: JsonSchema): JsonSchema {
  const { pattern: _pattern, maxLength: _max, minLength: _min, ...rest } = property;
  if (rest.items && typeof rest.items === 'object') rest.items = withoutPatterns(rest.items as JsonSchema);
  if (rest.properties && typeof rest.properties === 'object') {
    rest.properties = Object.fromEntries(
      Object.entries(rest.properties as Record<string, JsonSchema>).map(([key, v]) => [key, withoutPatterns(v)]),
    );
  }
  return rest;
}

/** One tool's wire definition; the hints derive from the effect, so none can be forgotten. */
export function toWire(tool: AnyTool): Tool {
  return {
    name: tool.name,
    title: tool.title,
    description: tool.description,
    inputSchema: inputSchema(tool) as Tool['inputSchema'],
    outputSchema: lean(z.toJSONSchema(outputOf(tool), { io: 'output', unrepresentable: 'any' })) as NonNullable<
      Tool['outputSchema']
    >,
    annotations: {
      readOnlyHint: tool.effect === 'read',
      destructiveHint: tool.effect === 'gated',
      idempotentHint: tool.effect === 'read' || (tool.effect === 'record' && tool.idempotent === true),
      openWorldHint: tool.effect !== 'record',
    },
  };
}
