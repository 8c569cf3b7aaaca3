/** How much of each segment is still needed: the bytes of messages that stand, shared bodies once. */
import type { MessagePool } from "./message-pool.ts";

type Use = { liveBytes: number; messages: number };
type SharedUse = { refs: number; readonly bytes: number };

export class SegmentUse {
  readonly #pool: MessagePool;
  readonly #uses = new Map<number, Use>();
  readonly #shared = new Map<number, SharedUse>();

  constructor(pool: MessagePool) {
    this.#pool = pool;
  }

  liveBytes(segment: number): number {
    return this.#uses.get(segment)?.liveBytes ?? 0;
  }

  /** Those that a message stands in. */
  get segments(): Iterable<number> {
    return this.#uses.keys();
  }

  added(slot: number): void {
    const segment = this.#pool.segment[slot] as number;
    if (segment === 0) return;
    let use = this.#uses.get(segment);
    if (use === undefined) this.#uses.set(segment, (use = { liveBytes: 0, messages: 0 }));
    use.messages++;
    use.liveBytes += this.#pool.recordBytes[slot] as number;
    const name = this.#sharedName(slot);
    if (name === undefined) return;
    const known = this.#shared.get(name);
    if (known !== undefined) {
      known.refs++;
      return;
    }
    const bytes = this.#pool.bodyBytes[slot] as number;
    this.#shared.set(name, { refs: 1, bytes });
    use.liveBytes += bytes;
  }

  removed(slot: number): void {
    const segment = this.#pool.segment[slot] as number;
    if (segment === 0) return;
    const use = this.#uses.get(segment) as Use;
    use.messages--;
    use.liveBytes -= this.#pool.recordBytes[slot] as number;
    const name = this.#sharedName(slot);
    const shared = name === undefined ? undefined : this.#shared.get(name);
    if (name !== undefined && shared !== undefined && --shared.refs === 0) {
      this.#shared.delete(name);
      use.liveBytes -= shared.bytes;
    }
    if (use.messages === 0) this.#uses.delete(segment);
  }

  #sharedName(slot: number): number | undefined {
    const offset = this.#pool.bodyOffset[slot] as number;
    return offset === 0 ? undefined : (this.#pool.segment[slot] as number) * 2 ** 32 + offset;
  }
}
