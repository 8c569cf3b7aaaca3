/**
 * Dials the same server over several transports and takes the first that answers (in the manner of RFC 8305): a network
 * that swallows UDP then costs a moment, not QUIC's whole deadline.
 */
import { QpqError } from "quicproquo-proto";
import { closeCodes, type Connection } from "./port.ts";

export type Candidate = {
  /** For the error, e.g. "QUIC". */
  readonly name: string;
  /**
   * Must reject soon after the signal, and may resolve all the same: the connection is closed then. One that resolves
   * before its handshake is done (early data) wins without having reached anyone.
   */
  readonly dial: (signal: AbortSignal) => Promise<Connection>;
  /** Begins so long after the one before, or at once when all before have failed; the first begins at once. Default 300. */
  readonly delayMs?: number;
};

// 300 ms: a QUIC handshake over most paths is done in two round trips; RFC 8305 section 8 has 250 for TCP's one.
const defaultDelayMs = 300;

/**
 * Resolves with the first connection; its callbacks must be set within the turn, as of any dial. The other dials are
 * aborted, and a connection that one of them still brings is closed with code 0. When all fail it rejects with the only
 * error, or with one that says why each failed: E041_CERTIFICATE if one refused the certificate, else
 * E040_CONNECT_FAILED. Once the signal is aborted: E040_CONNECT_FAILED, and nothing is left.
 */
export function dialFirst(candidates: readonly Candidate[], signal?: AbortSignal): Promise<Connection> {
  return new Race(candidates, signal).run();
}

class Race {
  readonly #waiting: Candidate[];
  readonly #caller: AbortSignal | undefined;
  /** Aborts every dial that is under way. */
  readonly #over = new AbortController();
  readonly #failures: { readonly name: string; readonly error: unknown }[] = [];
  readonly #settled = Promise.withResolvers<Connection>();
  readonly #onAbort = (): void => this.#abort();
  #underWay = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(candidates: readonly Candidate[], caller: AbortSignal | undefined) {
    this.#waiting = [...candidates];
    this.#caller = caller;
  }

  run(): Promise<Connection> {
    if (this.#caller?.aborted === true) this.#abort();
    else this.#caller?.addEventListener("abort", this.#onAbort, { once: true });
    this.#next();
    return this.#settled.promise;
  }

  /** Begins the next dial, and sets the time for the one behind it. */
  #next(): void {
    clearTimeout(this.#timer);
    if (this.#over.signal.aborted) return;
    const candidate = this.#waiting.shift();
    if (candidate === undefined) {
      if (this.#underWay === 0) this.#finish(() => this.#settled.reject(this.#allFailed()));
      return;
    }
    this.#underWay += 1;
    void this.#dial(candidate); // never rejects
    const following = this.#waiting[0];
    if (following !== undefined) this.#timer = setTimeout(() => this.#next(), following.delayMs ?? defaultDelayMs);
  }

  async #dial({ name, dial }: Candidate): Promise<void> {
    try {
      const connection = await dial(this.#over.signal);
      if (this.#over.signal.aborted) connection.close(closeCodes.done, "another connection was faster");
      else this.#finish(() => this.#settled.resolve(connection));
    } catch (error) {
      this.#failures.push({ name, error });
      this.#underWay -= 1;
      if (this.#underWay === 0) this.#next();
    }
  }

  #abort(): void {
    const cause = this.#caller?.reason;
    this.#finish(() => {
      this.#settled.reject(new QpqError("E040_CONNECT_FAILED", { text: "the dial was aborted", cause }));
    });
  }

  #finish(settle: () => void): void {
    clearTimeout(this.#timer);
    this.#caller?.removeEventListener("abort", this.#onAbort);
    settle();
    this.#over.abort();
  }

  #allFailed(): unknown {
    const [first] = this.#failures;
    if (first !== undefined && this.#failures.length === 1) return first.error;
    const refused = this.#failures.some(({ error }) => error instanceof QpqError && error.code === "E041_CERTIFICATE");
    const text = this.#failures.map(({ name, error }) => `${name}: ${textOf(error)}`).join("; ");
    const cause = new AggregateError(this.#failures.map(({ error }) => error));
    return new QpqError(refused ? "E041_CERTIFICATE" : "E040_CONNECT_FAILED", { text, cause });
  }
}

function textOf(error: unknown): string {
  return error instanceof QpqError ? error.text : String(error);
}
