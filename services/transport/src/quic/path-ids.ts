/**
 * The ids that a peer has given a server, as soon as it has more than one address. What the peer says of its ids can make
 * the library's `send` run for ever (CVE-2025-7054, quiche 0.18): while it writes a packet of the active path it takes
 * RETIRE_CONNECTION_ID frames from a queue, and leaves the first one where it is when that is the packet's own id
 * (RFC 9000 section 19.16), and looks again. An id is in use and in that queue when it was retired, by this side or by a
 * frame's Retire Prior To, and its number came once more, with the same bytes or others. A retired number (one below the
 * largest Retire Prior To) is not taken, unless it waits in the queue just then. One datagram from another port was enough.
 *
 * On one path nothing of it can happen: the id that follows a retired one is one that was not to be retired. With more, a
 * path can be left without an id and be given such a one at the datagram's end. So the numbers in use are watched, and
 * where they prove nothing no packet must be made any more:
 *
 * - When a number is retired by the peer, some path gets one above Retire Prior To; so the largest of all numbers in use
 *   is sound, if this side has not given it back.
 * - The number that a path uses can be asked for, but on the library's first path that would do harm (peer-address.ts).
 *   That one is found by giving it back, which a change of address wants anyway (section 9.5).
 * - The first path always has the largest number: another path's id is smaller and never changes. If one did, the peer has
 *   retired it; if none did, the first path is the sound one, whatever else has come.
 */
import type { HostPort, NativeConnection } from "./native.ts";

/** Numbers that a peer leaves out on the way to the one in use: they may still come, but a few. */
const gapMax = 64;
/** Changes of address. A peer with more of them dials again. */
const numberMax = 1_024;

export class PathIds {
  readonly #native: NativeConnection;
  readonly #local: HostPort;
  readonly #onDoubt: () => void;
  /** Addresses of the library's other paths, and the number of the id that each uses. */
  readonly #others: { readonly at: HostPort; readonly number: number }[] = [];
  /** The largest number that was given back or is in use on another path: the first path's is larger. */
  #floor = -1;
  /** The peer had given no id to spare: two paths use one. */
  #isShared = false;

  /** onDoubt: the library must not be asked for a packet any more. */
  constructor(native: NativeConnection, local: HostPort, onDoubt: () => void) {
    this.#native = native;
    this.#local = local;
    this.#onDoubt = onDoubt;
  }

  /** May the peer have another path? */
  get takesAnother(): boolean {
    return !this.#isShared;
  }

  /** After each datagram. */
  check(): void {
    if (!this.#isUnchanged) this.#onDoubt();
  }

  /** Before the datagram that may make another path: it must not begin with an id that was given back. */
  prepare(): void {
    for (let number = 0; number <= this.#floor; number++) {
      if (!this.#isElsewhere(number)) this.#giveBack(number);
    }
  }

  /** The library has a path for another address: proves the ids in use, and gives the first path another one. */
  meet(at: HostPort): void {
    const number = this.#numberAt(at);
    if (number === undefined || !this.#isUnchanged || !this.#isNewSound(number)) {
      this.#onDoubt();
      return;
    }
    this.#others.push({ at, number });
    this.#floor = number;
  }

  /** The first path uses another id, if there is one to spare. */
  rotate(): void {
    if (this.#isShared || this.#native.availableDcids() === 0) return;
    this.prepare();
    const before = this.#inUse;
    for (let number = this.#floor + 1; number <= this.#floor + gapMax; number++) {
      if (this.#native.availableDcids() === 0) return;
      this.#giveBack(number);
      if (this.#inUse === before) continue;
      this.#floor = number;
      return;
    }
    this.#onDoubt();
  }

  #isNewSound(number: number): boolean {
    if (number <= this.#floor || number > Math.min(numberMax, this.#floor + gapMax)) return false;
    if (this.#native.availableDcids() === 0) return this.#seemsShared(number);
    // All ids to spare have larger numbers, since a new path gets the smallest: a smaller one is the first path's.
    for (let smaller = this.#floor + 1; smaller < number; smaller++) if (this.#giveBack(smaller)) return true;
    return false;
  }

  /** The only one that there is cannot be given back: then both paths have it. */
  #seemsShared(number: number): boolean {
    this.#isShared = !this.#giveBack(number) && this.#others.length === 0;
    return this.#isShared;
  }

  get #isUnchanged(): boolean {
    return this.#others.every(({ at, number }) => this.#numberAt(at) === number);
  }

  #isElsewhere(number: number): boolean {
    return this.#others.some((other) => other.number === number);
  }

  /** The library asks for a proof of that address too, with the next packet that is made for it. */
  #numberAt(at: HostPort): number | undefined {
    try {
      return this.#native.probePath(this.#local, at);
    } catch {
      return undefined; // it has none
    }
  }

  #giveBack(number: number): boolean {
    try {
      this.#native.retireDestinationCid(number);
      return true;
    } catch {
      return false; // it is not there, or the last
    }
  }

  get #inUse(): string {
    return Buffer.from(this.#native.destinationId()).toString("latin1");
  }
}
