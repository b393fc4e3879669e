import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { invalidInput } from '../errors.ts';

const MAX_SECRET = 4_096;

function mustBeTerminal(): void {
  if (process.stdin.isTTY) return;
  throw invalidInput(
    'there is no terminal to ask at.',
    'run it in a terminal, or pipe the secret in with --secret-stdin',
  );
}

/** One question at the terminal. */
export async function ask(question: string): Promise<string> {
  mustBeTerminal();
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return (await prompt.question(question)).trim();
  } finally {
    prompt.close();
  }
}

/** Asks without showing what is typed. */
export async function askSecret(question: string): Promise<string> {
  mustBeTerminal();
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  // The interface turns the terminal's echo off; only then may the question invite anybody to type.
  const prompt = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    const typed = prompt.question('');
    process.stdout.write(question);
    return (await typed).trim();
  } finally {
    prompt.close();
    process.stdout.write('\n');
  }
}

/** The secret from a pipe: its first line. */
export async function secretFromStdin(): Promise<string> {
  let text = '';
  for await (const chunk of process.stdin) {
    text += String(chunk);
    if (text.length > MAX_SECRET) throw invalidInput('the secret on stdin is too long.', 'pipe only the secret');
  }
  return (text.split('\n')[0] ?? '').trim();
}
