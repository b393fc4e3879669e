import { connect, type Server, type ServerCommand } from './mcp.ts';
import { forgetPeak, median, peakMb, residentMb } from './measure.ts';

const STARTS = 5;
const SETTLE_MS = 1_000;
const WARM_CALLS = 5;

export interface StartFigures {
  name: string;
  initialize_ms: number;
  tools: number;
  list_bytes: number;
  /** After tools/list; null where there is no /proc. */
  resident_mb: number | null;
}

const pause = (ms: number): Promise<void> => new Promise((wake) => setTimeout(wake, ms));

/** Starts each server several times, in turns. */
export async function measureStarts(commands: readonly ServerCommand[]): Promise<StartFigures[]> {
  const figures = commands.map((command) => ({ command, ms: [] as number[], last: null as StartFigures | null }));
  for (let round = -1; round < STARTS; round++) {
    for (const one of figures) {
      const server = await connect(one.command);
      if (round >= 0) one.ms.push(server.initialize_ms);
      if (round === STARTS - 1) {
        await pause(SETTLE_MS);
        const { name, initialize_ms, tools, list_bytes } = server;
        one.last = { name, initialize_ms, tools, list_bytes, resident_mb: residentMb(server.pid) };
      }
      await server.close();
    }
  }
  return figures.flatMap(({ last, ms }) => (last ? [{ ...last, initialize_ms: median(ms) }] : []));
}

export interface MemoryFigure {
  name: string;
  /** Resident after the start, MB. */
  before_mb: number;
  /** Highest resident while calls were answered, above that; null where there is no /proc. */
  growth_mb: number | null;
}

/** A server of its own for each: what one call after the other adds to what a fresh server occupies. */
export async function measureMemory(
  name: string,
  command: ServerCommand,
  call: (server: Server) => Promise<unknown>,
  calls: number = WARM_CALLS,
): Promise<MemoryFigure> {
  const server = await connect(command);
  try {
    await pause(SETTLE_MS);
    forgetPeak(server.pid);
    const before = residentMb(server.pid);
    for (let i = 0; i < calls; i++) await call(server);
    const peak = peakMb(server.pid);
    return {
      name,
      before_mb: before ?? Number.NaN,
      growth_mb: before === null || peak === null ? null : peak - before,
    };
  } finally {
    await server.close();
  }
}
