/**
 * The sandbox's two times.
 *
 * Wall time (milliseconds since the epoch) stamps every object, so that no stamp ever lies in the future of the
 * server that reads it. Simulated time (seconds since the start) drives what happens: it runs `speed` times as fast,
 * and `advance` jumps it ahead. Instants before the start map one to one.
 */
export interface SimClock {
  readonly speed: number;
  /** Wall time of the start, in milliseconds. */
  readonly startedAt: number;
  /** Wall time now, in milliseconds. */
  now(): number;
  /** Simulated seconds since the start. */
  elapsed(): number;
  /** The simulated second at a wall time; negative before the start. */
  simAt(wallMs: number): number;
  /** Runs `action` once, after so many simulated seconds. Returns its cancellation. */
  after(seconds: number, action: () => void): () => void;
  /** Jumps the simulated time ahead, running on the way what falls due. */
  advance(seconds: number): void;
  stop(): void;
}

interface Timer {
  due: number;
  order: number;
  action: () => void;
}

export function createClock(speed: number): SimClock {
  const startedAt = Date.now();
  const jumps: { wall: number; seconds: number }[] = [];
  const timers: Timer[] = [];
  let order = 0;
  let held: number | null = null;
  let handle: NodeJS.Timeout | undefined;
  let stopped = false;

  const simAt = (wallMs: number): number => {
    if (wallMs < startedAt) return (wallMs - startedAt) / 1000;
    let jumped = 0;
    for (const jump of jumps) if (jump.wall <= wallMs) jumped += jump.seconds;
    return ((wallMs - startedAt) / 1000) * speed + jumped;
  };
  const elapsed = (): number => held ?? simAt(Date.now());

  const arm = (): void => {
    clearTimeout(handle);
    const first = timers[0];
    if (stopped || first === undefined) return;
    const wait = Math.max(0, ((first.due - elapsed()) / speed) * 1000);
    handle = setTimeout(() => runDue(elapsed()), Math.min(wait, 2_000_000_000));
  };
  const runDue = (until: number): void => {
    for (let first = timers[0]; first !== undefined && first.due <= until && !stopped; first = timers[0]) {
      timers.shift();
      if (held !== null) held = Math.max(held, first.due);
      first.action();
    }
    arm();
  };

  return {
    speed,
    startedAt,
    now: () => Date.now(),
    elapsed,
    simAt,
    after(seconds, action) {
      const timer: Timer = { due: elapsed() + seconds, order: order++, action };
      let at = timers.length;
      while (at > 0 && (timers[at - 1]?.due ?? 0) > timer.due) at--;
      timers.splice(at, 0, timer);
      if (at === 0 && held === null) arm();
      return () => {
        const index = timers.indexOf(timer);
        if (index >= 0) timers.splice(index, 1);
      };
    },
    advance(seconds) {
      const from = elapsed();
      held = from;
      runDue(from + seconds);
      held = null;
      jumps.push({ wall: Date.now(), seconds });
      arm();
    },
    stop() {
      stopped = true;
      clearTimeout(handle);
      timers.length = 0;
    },
  };
}

/** An instant the way Kubernetes writes it: UTC, whole seconds. */
export function stamp(wallMs: number): string {
  return `${new Date(wallMs).toISOString().slice(0, 19)}Z`;
}
