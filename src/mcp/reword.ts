import type { JSONRPCMessage } from '@modelcontextprotocol/server';
import { oneLine } from '../domain/text.ts';
import { unavailable } from '../errors.ts';
import { failure } from './answer.ts';

/** How the SDK begins the text of a form that a client of 2025 did not answer properly; it answers the call itself, past our handlers. */
const UNANSWERED = /^Fulfilling input required by '[^']*' failed: ([\s\S]*)$/;
const SAID = 160;

interface ErrorResult {
  isError?: boolean;
  content?: { type: string; text?: string }[];
}

/** Gives the SDK's own answer about a failed form the form of every other error: code, what happened, next move. */
export function reword(message: JSONRPCMessage): JSONRPCMessage {
  if (!('result' in message)) return message;
  const result = message.result as ErrorResult;
  const why = result.isError ? UNANSWERED.exec(result.content?.[0]?.text ?? '')?.[1] : undefined;
  if (why === undefined) return message;
  const error = unavailable(
    `the client did not answer the form (${oneLine(why, SAID)}); nothing was decided and nothing was run.`,
    'call again, or let the human approve at a terminal: get_approval shows the plan and how.',
  );
  return { ...message, result: { ...failure(error) } };
}
