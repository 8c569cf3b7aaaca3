/**
 * Keeps one connection and makes a new one when it is lost; repeats calls that the error's kind allows to repeat:
 * `unavailable` after a reconnect, `limited` after the time the server named. What it repeats must be idempotent:
 * reads, ack, uploads, and enqueue with an idempotency key, which every sender here gives.
 */
import { QpqError } from "quicproquo-proto";
import { MemorySessionCache, type ServerAddress, serverIdOf, type SessionCache } from "./connect.ts";
import { type MethodName, NodeClient, type ParamsOf, type ResultsOf } from "./node-client.ts";
import { type CallOptions, defaultTimeoutMs } from "./typed-call.ts";

export type ReconnectOptions = {
  readonly server: ServerAddress;
  /** Sessions to resume, so that the first call needs one round trip. Default: those of this object's own connections. */
  readonly sessions?: SessionCache;
  /** After so long without success a call gives up with the last error, in ms. */
  readonly giveUpAfterMs?: number;
  /** Called for each connection that was made; in early data before the server has answered. */
  readonly onConnect?: (client: NodeClient) => void;
  /** Called for each failure that is going to be repeated. */
  readonly onRetry?: (error: QpqError, waitMs: number) => void;
  /** Called for each call that was answered, for whoever shows what went over the wire. */
  readonly onCall?: OnCall;
  readonly random?: () => number;
};

export type RepeatOptions = CallOptions & {
  /** Of kind `limited`: false = thrown at once. Default: repeated when the server says. */
  readonly repeatLimited?: boolean;
};

export type OnCall = <Name extends MethodName>(name: Name, params: ParamsOf<Name>, results: ResultsOf<Name>) => void;

const defaultGiveUpAfterMs = 30_000;
// first wait and ceiling: a restart takes about a second, a storm of clients must spread
const waitFirstMs = 50;
const waitMaxMs = 2_000;

export class ReconnectingClient implements Disposable {
  readonly #options: ReconnectOptions;
  #connecting: Promise<NodeClient> | undefined;
  #client: NodeClient | undefined;
  #closed = false;
  /** The connection now, or the last one, has answered a call. */
  #isAnswering = true;
  readonly #sessions: SessionCache;

  constructor(options: ReconnectOptions) {
    this.#options = options;
    this.#sessions = options.sessions ?? new MemorySessionCache();
  }

  /** The connection now, for its figures; undefined before the first call and after a loss. */
  get current(): NodeClient | undefined {
    return this.#client;
  }

  async call<Name extends MethodName>(
    name: Name,
    params: ParamsOf<Name>,
    options: RepeatOptions = {},
  ): Promise<ResultsOf<Name>> {
    const giveUpAtMs = performance.now() + (this.#options.giveUpAfterMs ?? defaultGiveUpAfterMs);
    for (let tries = 0; ; tries++) {
      try {
        const client = await this.#connected(options.signal);
        const results = await client.call(name, params, options);
        if (client === this.#client) this.#isAnswering = true;
        this.#options.onCall?.(name, params, results);
        return results;
      } catch (error) {
        const isOver = options.repeatLimited === false && error instanceof QpqError && error.kind === "limited";
        const waitMs = isOver ? undefined : this.#waitBefore(error, tries, options.timeoutMs);
        if (waitMs === undefined || performance.now() + waitMs > giveUpAtMs) throw error;
        this.#options.onRetry?.(error as QpqError, waitMs);
        await pause(waitMs, options.signal);
      }
    }
  }

  /** Ends the connection; the next one makes a full handshake, by which the server does not know this client again. */
  async forgetSession(): Promise<void> {
    this.#client?.close();
    await this.#sessions.forget(serverIdOf(this.#options.server));
  }

  close(): void {
    this.#closed = true;
    this.#client?.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** undefined = not to be repeated. Full jitter, so that many clients don't come back in step. */
  #waitBefore(error: unknown, tries: number, timeoutMs = defaultTimeoutMs): number | undefined {
    if (this.#closed || !(error instanceof QpqError)) return undefined;
    if (error.kind !== "unavailable" && error.kind !== "limited") return undefined;
    // A call that ran into its deadline may hang on a connection whose peer is gone, and a server that shuts down has
    // nothing more to say: the next try takes a new one. But a handshake has a deadline of its own, and where it took
    // most of the call's time the server is busy: clients that all dial anew make it busier.
    const mayHang = error.code === "E028_DEADLINE" && (this.#client?.establishedMs ?? 0) > timeoutMs / 2;
    if (mayHang || error.code === "E033_SHUTTING_DOWN") this.#client?.close();
    const random = this.#options.random ?? Math.random;
    const ceilingMs = Math.min(waitMaxMs, waitFirstMs * 2 ** Math.min(tries, 10));
    return (error.retryAfterMs ?? 0) + ceilingMs * random();
  }

  async #connected(signal: AbortSignal | undefined): Promise<NodeClient> {
    if (this.#closed) throw new QpqError("E042_CONNECTION_LOST", { text: "this client was closed" });
    if (this.#client?.open === true) return this.#client;
    // after a connection that led nowhere the next one waits for its handshake, and races
    const earlyData = this.#isAnswering && this.#client?.established !== false;
    // one dial for all callers that wait; it isn't bound to the signal of the first of them
    const connectOptions = { sessions: this.#sessions, earlyData };
    this.#connecting ??= NodeClient.connect(this.#options.server, connectOptions).finally(() => {
      this.#connecting = undefined;
    });
    const client = await this.#connecting;
    if (this.#client !== client) {
      this.#client = client;
      this.#isAnswering = false;
      this.#options.onConnect?.(client);
    }
    if (this.#closed) this.#client.close();
    signal?.throwIfAborted();
    return this.#client;
  }
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    if (signal?.aborted === true) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}
