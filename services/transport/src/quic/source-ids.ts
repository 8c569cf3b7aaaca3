/**
 * The connection ids that this side gives its peer (RFC 9000 section 5.1). The peer needs a fresh one for each path, so
 * that nobody who sees both can tell that they are one connection (section 9.5): it always has some to spare.
 *
 * What the peer retires is replaced, at a bounded rate. Datagrams to a retired id may still be on their way. They must
 * not reach the library, which takes them for a fault and closes, nor be answered with a stateless reset: so the last
 * ones are remembered, and dropped.
 */
import { connectionIdBytes } from "./connection-id.ts";
import type { NewId } from "./connection-owner.ts";
import { longHeaderBit, shortIdAt } from "./first-packet.ts";
import type { NativeConnection } from "./native.ts";

/** One in use, and two for each of the next two paths: a server takes one for the path and one for what it goes on with. */
const wantedAtFirst = 5;
/** An id has its path: all paths of a connection, and the spares, can be renewed at once; then one a second. */
const replacementsAtOnceMax = 32;
const retiredKeptMax = replacementsAtOnceMax;
/** Datagrams. The one that retires an id may be lost, and is sent again within a few. */
const asksAfterChange = 64;
const askEach = 64;

export type SourceIdsOptions = {
  readonly native: NativeConnection;
  readonly newId: () => NewId;
  readonly forget: (id: Uint8Array) => void;
};

export class SourceIds {
  readonly #options: SourceIdsOptions;
  readonly #retired: Uint8Array[] = [];
  readonly #startedAtMs = performance.now();
  /** The last byte of the id that the last datagram was for. */
  #idEnd: number | undefined;
  #asksLeft = 0;
  #unasked = 0;
  #given = 0;
  #wanted = wantedAtFirst;

  constructor(options: SourceIdsOptions) {
    this.#options = options;
  }

  /** When the handshake is done, and when the peer has taken one: gives it what it lacks. */
  provide(): void {
    const { native, newId } = this.#options;
    const lacking = this.#wanted - native.activeSourceCids();
    const seconds = (performance.now() - this.#startedAtMs) / 1_000;
    const allowed = replacementsAtOnceMax + Math.floor(seconds) - this.#given;
    // The library's count is of what the peer's limit, and our own of it, leave; below zero when the limit was lowered.
    let count = Math.min(lacking, allowed, native.sourceCidsLeft());
    for (; count > 0; count--) {
      const { id, resetToken } = newId();
      this.#given += 1;
      native.newSourceCid(id, resetToken, false);
    }
  }

  /** This side has another address: the peer may keep one id for the path that was left. */
  provideMore(): void {
    this.#wanted += 1;
    this.provide();
  }

  /**
   * After each datagram: it may have retired an id. A peer retires the one it has left, so the library is asked for a
   * while after the id in the datagrams has changed, and else now and then: asking costs 1 % of a small message.
   */
  collect(datagram: Uint8Array): void {
    const idEnd = datagram[shortIdAt + connectionIdBytes - 1];
    if (idEnd !== this.#idEnd) this.#asksLeft = asksAfterChange;
    this.#idEnd = idEnd;
    if (this.#asksLeft > 0) this.#asksLeft -= 1;
    else if ((this.#unasked += 1) < askEach) return;
    this.#unasked = 0;
    const { native, forget } = this.#options;
    let retired = native.retiredScidNext();
    if (retired === null) return;
    for (; retired !== null; retired = native.retiredScidNext()) {
      this.#wanted += 1; // the peer has another path, and keeps an id for the one that was left
      this.#retired.push(retired);
      const oldest = this.#retired.length > retiredKeptMax ? this.#retired.shift() : undefined;
      if (oldest !== undefined) forget(oldest);
    }
    this.provide();
  }

  /** Is it a datagram that was under way when the peer gave up its id? */
  isLate(datagram: Uint8Array): boolean {
    if (this.#retired.length === 0 || ((datagram[0] ?? 0) & longHeaderBit) !== 0) return false;
    const id = datagram.subarray(shortIdAt, shortIdAt + connectionIdBytes);
    return this.#retired.some((retired) => Buffer.compare(retired, id) === 0);
  }
}
