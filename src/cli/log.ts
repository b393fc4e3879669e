type Level = 'info' | 'warn';

export interface Log {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  /** Resolves when every line so far is written. */
  flushed(): Promise<void>;
}

/** The operators' log. The logger is loaded with the first line, beside the work and not before `initialize` is answered. */
export function createLog(level: string): Log {
  let last: Promise<void> = Promise.resolve();
  let logger: ReturnType<typeof load> | null = null;
  const write = (at: Level, facts: object, message: string): void => {
    const when = Date.now();
    last = last
      .then(() => {
        logger ??= load(level);
        return logger;
      })
      .then((log) => log[at]({ ...facts, at: new Date(when).toISOString() }, message))
      .catch(() => {});
  };
  return {
    info: (facts, message) => write('info', facts, message),
    warn: (facts, message) => write('warn', facts, message),
    flushed: () => last,
  };
}

const load = async (level: string) => {
  const { createPinoLog } = await import('./pino-log.ts');
  return createPinoLog(level);
};
