import type { Config } from '../config.ts';
import type { Clock } from '../ports/clock.ts';
import type { Runbooks } from '../ports/runbooks.ts';
import type { RecordReader } from './context.ts';

export interface PromptContext {
  config: Config;
  clock: Clock;
  record: RecordReader;
  runbooks: Runbooks;
}

export interface PromptArgument {
  description: string;
  required?: boolean;
  /** Values that begin with what was typed. */
  complete?: (context: PromptContext) => Promise<string[]> | string[];
}

export interface Prompt {
  name: string;
  title: string;
  description: string;
  arguments: Record<string, PromptArgument>;
  /** The text of the one user message. Throws typed errors. */
  render: (args: Readonly<Record<string, string | undefined>>, context: PromptContext) => Promise<string>;
}

export const definePrompt = (prompt: Prompt): Prompt => prompt;
