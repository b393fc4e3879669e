import type { McpServer } from '@modelcontextprotocol/server';
import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import { cleanText, oneLine } from '../domain/text.ts';
import { AppError, invalidInput, notFound } from '../errors.ts';
import type { ServerDeps } from './deps.ts';
import type { Prompt, PromptContext } from './prompt.ts';

const MAX_ARGUMENT = 500;
export const MAX_COMPLETIONS = 100;

export const promptContext = (deps: ServerDeps): PromptContext => ({
  config: deps.config,
  clock: deps.clock,
  record: deps.store,
  runbooks: deps.runbooks,
});

/** Prompts and resources have no error results: typed errors become JSON-RPC errors with the same words. */
export function asProtocolError(error: unknown): Error {
  if (!(error instanceof AppError)) return error instanceof Error ? error : new Error(String(error));
  const code =
    error.code === 'INVALID_INPUT' || error.code === 'NOT_FOUND'
      ? ProtocolErrorCode.InvalidParams
      : ProtocolErrorCode.InternalError;
  return new ProtocolError(code, `${error.code}: ${error.message} Next: ${error.next}`);
}

export function servePrompts(server: McpServer, deps: ServerDeps): void {
  const byName = new Map(deps.prompts.map((prompt) => [prompt.name, prompt]));

  server.server.setRequestHandler('prompts/list', () => ({
    prompts: deps.prompts.map((prompt) => ({
      name: prompt.name,
      title: prompt.title,
      description: prompt.description,
      arguments: Object.entries(prompt.arguments).map(([name, argument]) => ({
        name,
        description: argument.description,
        required: argument.required ?? false,
      })),
    })),
  }));

  server.server.setRequestHandler('prompts/get', async (request) => {
    try {
      const prompt = byName.get(request.params.name);
      if (!prompt) {
        throw notFound(
          `there is no prompt "${oneLine(request.params.name, 60)}".`,
          `use one of: ${[...byName.keys()].join(', ')}.`,
        );
      }
      const args = checkArguments(prompt, request.params.arguments ?? {});
      const text = await prompt.render(args, promptContext(deps));
      return {
        description: prompt.description,
        messages: [{ role: 'user' as const, content: { type: 'text' as const, text } }],
      };
    } catch (error) {
      throw asProtocolError(error);
    }
  });
}

function checkArguments(prompt: Prompt, given: Record<string, string>): Record<string, string> {
  const names = Object.keys(prompt.arguments);
  for (const name of Object.keys(given)) {
    if (!names.includes(name)) {
      throw invalidInput(
        `${prompt.name}: unknown argument "${oneLine(name, 40)}".`,
        `it takes: ${names.join(', ') || 'none'}.`,
      );
    }
  }
  const missing = names.filter((name) => prompt.arguments[name]?.required && !given[name]?.trim());
  if (missing.length > 0)
    throw invalidInput(`${prompt.name}: ${missing.join(', ')} is missing.`, 'give it and try again.');
  return Object.fromEntries(
    Object.entries(given)
      .map(([name, value]) => [name, cleanText(value, MAX_ARGUMENT).trim()] as const)
      .filter(([, value]) => value !== ''),
  );
}

export async function completePrompt(
  deps: ServerDeps,
  name: string,
  argument: string,
  typed: string,
): Promise<string[]> {
  const complete = deps.prompts.find((prompt) => prompt.name === name)?.arguments[argument]?.complete;
  if (!complete) return [];
  const values = await complete(promptContext(deps));
  return values.filter((value) => value.toLowerCase().startsWith(typed.toLowerCase()));
}
