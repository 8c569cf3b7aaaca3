/** Notices the session tickets that a server gives: the library has no event for them, so it is asked for a while. */
import type { NativeConnection } from "./native.ts";

// A server gives its tickets right after the handshake, some stacks several; a lost one comes again within round trips.
const looksForFirst = 1_000;
const looksForNext = 32;

export class SessionWatch {
  readonly #native: NativeConnection;
  readonly #tell: (session: Uint8Array) => void;
  #newest: Uint8Array | undefined;
  #looksLeft = looksForFirst;

  /** `tell` gets each session once, the newest last; it must not throw. */
  constructor(native: NativeConnection, tell: (session: Uint8Array) => void) {
    this.#native = native;
    this.#tell = tell;
  }

  /** After something has come, from the handshake's end on. */
  look(): void {
    if (this.#looksLeft === 0) return;
    this.#looksLeft -= 1;
    const session = this.#native.session();
    if (session === null || (this.#newest !== undefined && Buffer.compare(session, this.#newest) === 0)) return;
    this.#newest = session;
    this.#looksLeft = looksForNext;
    this.#tell(session);
  }
}
