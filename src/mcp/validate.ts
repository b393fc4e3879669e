import type { z } from 'zod';
import { oneLine } from '../domain/text.ts';
import { type AppError, invalidInput } from '../errors.ts';
import type { AnyTool } from './tool.ts';

const MAX_ARGUMENTS_BYTES = 64 * 1024;

/** Checks a call's arguments by the tool's own schema; throws `INVALID_INPUT` that says which argument and what is allowed. */
export function validateArguments(tool: AnyTool, raw: unknown): Record<string, unknown> {
  const size = Buffer.byteLength(JSON.stringify(raw ?? {}));
  if (size > MAX_ARGUMENTS_BYTES) {
    throw invalidInput(
      `the arguments of ${tool.name} are ${size} bytes.`,
      `keep them under ${MAX_ARGUMENTS_BYTES} bytes; link long material as evidence.`,
    );
  }
  const parsed = tool.input.safeParse(raw ?? {});
  if (parsed.success) return parsed.data as Record<string, unknown>;
  throw fault(tool, parsed.error);
}

function fault(tool: AnyTool, error: z.ZodError): AppError {
  const allowed = Object.keys(tool.input.shape);
  const said = error.issues.slice(0, 4).map((issue) => {
    const where = issue.path.map(String).join('.');
    if (issue.code === 'unrecognized_keys') {
      const unknown = issue.keys.map((key) => `"${oneLine(key, 40)}"`).join(', ');
      return where ? `unknown key ${unknown} in ${where}` : `unknown argument ${unknown}`;
    }
    return `${oneLine(where, 60) || 'arguments'}: ${issue.message}`;
  });
  return invalidInput(
    `${tool.name}: ${said.join('; ')}.`,
    `correct it and call again; ${tool.name} takes: ${allowed.join(', ')}.`,
  );
}
