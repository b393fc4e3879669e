import type { Socket } from 'node:net';

type Standing = 'idle' | 'asking' | 'known';
/** Who has to go first where there is no room. */
const ORDER: readonly Standing[] = ['idle', 'asking', 'known'];

/**
 * Bounds the open connections and always has room for one more: refusing new ones would let any program on this machine keep the human out by
 * holding the old ones. The oldest goes that asks nothing, then the oldest of strangers, and only then one of somebody signed in.
 */
export class Connections {
  readonly #most: number;
  /** Oldest first. */
  readonly #open = new Map<Socket, Standing>();

  constructor(most: number) {
    this.#most = most;
  }

  add(socket: Socket): void {
    while (this.#open.size >= this.#most) {
      const all = [...this.#open];
      const worst = ORDER.map((standing) => all.find(([, is]) => is === standing)).find((one) => one !== undefined);
      if (!worst) break;
      this.#open.delete(worst[0]);
      worst[0].destroy();
    }
    this.#open.set(socket, 'idle');
    socket.once('close', () => this.#open.delete(socket));
  }

  /** What a connection is at; one of somebody signed in stays known. */
  mark(socket: Socket, standing: Standing): void {
    if (this.#open.has(socket) && this.#open.get(socket) !== 'known') this.#open.set(socket, standing);
  }
}
