/**
 * One direction of a bad network: what becomes of each datagram is decided by a seed and its number in the lane alone,
 * never by when it came. Datagrams keep their order except those that are held back.
 */
import { randomOf } from "./random.ts";

export type LaneFaults = {
  readonly seed: number;
  /** Every datagram comes so much later, in ms. */
  readonly delayMs?: number;
  /** And up to so much later still, in ms, without overtaking the one before it. */
  readonly jitterMs?: number;
  readonly lossPercent?: number;
  /** Held back by another 1 to 10 ms: those behind it overtake. */
  readonly reorderPercent?: number;
  /** Comes twice. */
  readonly duplicatePercent?: number;
};

export type LaneCounts = {
  /** Lost by chance, or because the lane was full. */
  lost: number;
  heldBack: number;
  duplicated: number;
};

// what a router's queue holds; beyond it datagrams are lost, as there
const queueMax = 10_000;
const heldBackMsMax = 10;

export class SeededLane {
  readonly counts: LaneCounts = { lost: 0, heldBack: 0, duplicated: 0 };
  readonly #faults: Required<LaneFaults>;
  readonly #random: () => number;
  readonly #deliver: (datagram: Buffer) => void;
  readonly #queue: { readonly datagram: Buffer; readonly dueMs: number }[] = [];
  readonly #heldBack = new Set<NodeJS.Timeout>();
  #timer: NodeJS.Timeout | undefined;

  constructor(faults: LaneFaults, deliver: (datagram: Buffer) => void) {
    this.#faults = { delayMs: 0, jitterMs: 0, lossPercent: 0, reorderPercent: 0, duplicatePercent: 0, ...faults };
    this.#random = randomOf(faults.seed);
    this.#deliver = deliver;
  }

  send(datagram: Buffer): void {
    const { delayMs, jitterMs, lossPercent, reorderPercent, duplicatePercent } = this.#faults;
    // always five draws: so the next datagram's fate doesn't depend on this one's
    const isLost = this.#happens(lossPercent);
    const isHeldBack = this.#happens(reorderPercent);
    const isDuplicated = this.#happens(duplicatePercent);
    const lateMs = delayMs + jitterMs * this.#random();
    const heldBackMs = 1 + (heldBackMsMax - 1) * this.#random();
    if (isLost || this.#queue.length + this.#heldBack.size >= queueMax) {
      this.counts.lost += 1;
      return;
    }
    if (isDuplicated) this.counts.duplicated += 1;
    for (let copies = isDuplicated ? 2 : 1; copies > 0; copies--) {
      if (isHeldBack) this.#holdBack(datagram, lateMs + heldBackMs);
      else this.#line(datagram, lateMs);
    }
    if (isHeldBack) this.counts.heldBack += 1;
  }

  /** What is under way is lost. */
  close(): void {
    clearTimeout(this.#timer);
    for (const timer of this.#heldBack) clearTimeout(timer);
    this.#queue.length = 0;
  }

  #happens(percent: number): boolean {
    return this.#random() * 100 < percent;
  }

  #holdBack(datagram: Buffer, ms: number): void {
    const timer = setTimeout(() => {
      this.#heldBack.delete(timer);
      this.#deliver(datagram);
    }, ms);
    this.#heldBack.add(timer);
  }

  #line(datagram: Buffer, lateMs: number): void {
    if (lateMs === 0 && this.#queue.length === 0) return this.#deliver(datagram);
    this.#queue.push({ datagram, dueMs: performance.now() + lateMs });
    this.#timer ??= setTimeout(this.#work, lateMs);
  }

  readonly #work = (): void => {
    this.#timer = undefined;
    for (;;) {
      const first = this.#queue[0];
      if (first === undefined) return;
      const inMs = first.dueMs - performance.now();
      if (inMs > 0.5) {
        this.#timer = setTimeout(this.#work, inMs);
        return;
      }
      this.#queue.shift();
      this.#deliver(first.datagram);
    }
  };
}
