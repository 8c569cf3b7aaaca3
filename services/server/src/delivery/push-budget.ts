/**
 * How many bytes one RPC session may have in pushes that were not taken, all its subscriptions together: whatever windows
 * a reader asks for, and however many inboxes it subscribes to, a reader that takes nothing costs no more memory. Where
 * nothing is under way one push always may go. First come, first served: a large message that waits is not overtaken.
 */
export class PushBudget {
  readonly #bytesMax: number;
  readonly #waiting = new Set<() => void>();
  #bytes = 0;
  #pushes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes that may be pushed now; 0 when others wait. With nothing under way there is always room. */
  room(onRoom: () => void): number {
    if (this.#pushes === 0) return this.#bytesMax;
    const first = this.#waiting.values().next().value;
    if (first !== undefined && first !== onRoom) return 0;
    return this.#bytesMax - this.#bytes;
  }

  /** Calls `onRoom` once, when room was made and it is its turn. */
  wait(onRoom: () => void): void {
    this.#waiting.add(onRoom);
  }

  /** Who waited and no longer needs to. */
  forget(onRoom: () => void): void {
    if (this.#waiting.delete(onRoom)) this.#wakeFirst();
  }

  take(bytes: number): void {
    this.#bytes += bytes;
    this.#pushes++;
  }

  giveBack(bytes: number): void {
    this.#bytes -= bytes;
    this.#pushes--;
    this.#wakeFirst();
  }

  /** It stays first until it has what it waits for (`forget`), then the next one is called. */
  #wakeFirst(): void {
    this.#waiting.values().next().value?.();
  }
}
