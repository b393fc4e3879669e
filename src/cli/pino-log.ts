import pino from 'pino';
import { maskText } from '../domain/mask.ts';

/** JSON lines on stderr, never stdout. Whatever looks like a secret is masked in every line, also in nested facts. */
export function createPinoLog(level: string): pino.Logger {
  const masking = { write: (line: string) => void process.stderr.write(maskText(line)) };
  return pino(
    {
      level,
      base: { pid: process.pid },
      redact: { paths: ['*.token', '*.password', '*.secret', '*.authorization', '*.url'], censor: '***' },
    },
    masking,
  );
}
