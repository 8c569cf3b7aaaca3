/**
 * One connection to a front-end with typed calls. It does not reconnect and does not repeat a call: that is
 * ReconnectingClient's. Errors are QpqError with the server's code.
 */
import { mayRunEarly, type MethodCodec, methodCodecs, QpqError } from "quicproquo-proto";
import { type Capability, RpcSession } from "quicproquo-rpc";
import { type Connection, type ConnectionInfo, type ConnectionStats, closeCodes } from "quicproquo-transport";
import { type ConnectOptions, connectTo, type ServerAddress } from "./connect.ts";
import { SessionClient } from "./session-client.ts";
import { type CallOptions, typedCall } from "./typed-call.ts";

type Codecs = typeof methodCodecs;
export type MethodName = keyof Codecs;
export type ParamsOf<Name extends MethodName> = ReturnType<Codecs[Name]["decodeParams"]>;
export type ResultsOf<Name extends MethodName> = ReturnType<Codecs[Name]["decodeResults"]>;

export class NodeClient implements Disposable {
  readonly #connection: Connection;
  readonly #session: RpcSession;
  readonly #service: Capability;
  /** Pending while the connection is in early data. */
  #handshake: Promise<void> | undefined;
  #establishedAtMs = performance.now();
  #open = true;
  /** Called once when the connection ends, for whatever reason; `cause`: that reason, if there is one to tell. */
  onClose: ((cause?: unknown) => void) | undefined;

  private constructor(connection: Connection) {
    this.#connection = connection;
    const early = Promise.withResolvers<void>();
    early.promise.catch(() => undefined); // who waits for it is told
    if (connection.inEarlyData) {
      this.#handshake = early.promise;
      connection.onEstablished = () => {
        this.#handshake = undefined;
        this.#establishedAtMs = performance.now();
        early.resolve();
      };
    }
    this.#session = new RpcSession(connection.openStream(), {
      onClose: (cause) => {
        early.reject(new QpqError("E042_CONNECTION_LOST", { cause }));
        if (!this.#open) return;
        this.#open = false;
        this.onClose?.(cause);
      },
    });
    this.#service = this.#session.bootstrap();
  }

  /** E040_CONNECT_FAILED, E041_CERTIFICATE. */
  static async connect(server: ServerAddress, options?: ConnectOptions): Promise<NodeClient> {
    return new NodeClient(await connectTo(server, options));
  }

  /** The server has proved who it is. Before that (0-RTT) nobody may have heard a word. */
  get established(): boolean {
    return this.#handshake === undefined;
  }

  /** For how long, in ms; 0 before. */
  get establishedMs(): number {
    return this.established ? performance.now() - this.#establishedAtMs : 0;
  }

  get open(): boolean {
    return this.#open;
  }

  get info(): ConnectionInfo {
    return this.#connection.info;
  }

  stats(): ConnectionStats {
    return this.#connection.stats();
  }

  /** Calls one method of NodeService; in early data one that a replay could harm waits for the handshake. Data fields of the results are views into the answer's frame. */
  call<Name extends MethodName>(
    name: Name,
    params: ParamsOf<Name>,
    options: CallOptions = {},
  ): Promise<ResultsOf<Name>> {
    if (!this.#open) return Promise.reject(new QpqError("E042_CONNECTION_LOST"));
    const codec = methodCodecs[name] as unknown as MethodCodec<ParamsOf<Name>, ResultsOf<Name>>;
    const call = (): Promise<ResultsOf<Name>> => typedCall(this.#service, codec, params, options);
    if (this.#handshake === undefined || mayRunEarly(name, params as { readonly idempotencyKey?: Uint8Array }))
      return call();
    return this.#handshake.then(call);
  }

  /** Not awaited: what is called on it travels at once. A refused token rejects those calls. */
  openSession(accessToken: Uint8Array): SessionClient {
    return new SessionClient(this.#service, accessToken);
  }

  close(): void {
    this.#session.close();
    this.#connection.close(closeCodes.done, "done");
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
