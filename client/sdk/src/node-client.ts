/**
 * One connection to a front-end with typed calls. It does not reconnect and does not repeat a call: that is
 * ReconnectingClient's. Errors are QpqError with the server's code.
 */
import { alpnNode, type MethodCodec, methodCodecs, QpqError } from "quicproquo-proto";
import { type Capability, RpcError, RpcSession } from "quicproquo-rpc";
import { type Connection, type ConnectionInfo, type ConnectionStats, closeCodes } from "quicproquo-transport";
import { dialQuic } from "quicproquo-transport/quic";

export type ServerAddress = {
  readonly host: string;
  readonly port: number;
  /** Name that the certificate must carry. */
  readonly serverName: string;
  /** The server's certificate, DER or PEM: the only one that is trusted. */
  readonly caCertificate: Uint8Array;
};

type Codecs = typeof methodCodecs;
export type MethodName = keyof Codecs;
export type ParamsOf<Name extends MethodName> = ReturnType<Codecs[Name]["decodeParams"]>;
export type ResultsOf<Name extends MethodName> = ReturnType<Codecs[Name]["decodeResults"]>;

export type CallOptions = {
  readonly signal?: AbortSignal;
  /** E028_DEADLINE when there is no answer by then. */
  readonly timeoutMs?: number;
};

// design/quic.md, trap 14: a dead server is noticed by the call's deadline before the idle timeout
const defaultTimeoutMs = 10_000;

export class NodeClient implements Disposable {
  readonly #connection: Connection;
  readonly #session: RpcSession;
  readonly #service: Capability;
  #open = true;
  /** Called once when the connection ends, for whatever reason. */
  onClose: (() => void) | undefined;

  private constructor(connection: Connection) {
    this.#connection = connection;
    this.#session = new RpcSession(connection.openStream(), {
      onClose: () => {
        if (!this.#open) return;
        this.#open = false;
        this.onClose?.();
      },
    });
    this.#service = this.#session.bootstrap();
  }

  /** E040_CONNECT_FAILED, E041_CERTIFICATE. */
  static async connect(server: ServerAddress, signal?: AbortSignal): Promise<NodeClient> {
    const connection = await dialQuic({
      host: server.host,
      port: server.port,
      serverName: server.serverName,
      alpn: [alpnNode],
      trust: { caCertificate: server.caCertificate },
      ...(signal === undefined ? {} : { signal }),
    });
    return new NodeClient(connection);
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

  /** Calls one method of NodeService. Data fields of the results are views into the answer's frame. */
  async call<Name extends MethodName>(
    name: Name,
    params: ParamsOf<Name>,
    options: CallOptions = {},
  ): Promise<ResultsOf<Name>> {
    if (!this.#open) throw new QpqError("E042_CONNECTION_LOST");
    const codec = methodCodecs[name] as unknown as MethodCodec<ParamsOf<Name>, ResultsOf<Name>>;
    const answer = this.#service.call(codec.method, (builder) => codec.encodeParams(params, builder), options);
    // cancels the answer itself: a signal of our own for each call would cost more than the call
    const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
    const timer = setTimeout(
      () => answer.cancel(new QpqError("E028_DEADLINE", { fields: { method: name } })),
      timeoutMs,
    );
    try {
      return codec.decodeResults(await answer);
    } catch (error) {
      throw errorOf(error);
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#session.close();
    this.#connection.close(closeCodes.done, "done");
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** The server's code when the reason carries one; otherwise what the exception's type says. */
function errorOf(error: unknown): unknown {
  if (!(error instanceof RpcError)) return error;
  const told = QpqError.fromReason(error.reason);
  if (told !== undefined) return told;
  switch (error.type) {
    case "disconnected":
      return new QpqError("E042_CONNECTION_LOST", { cause: error });
    case "overloaded":
      return new QpqError("E021_OVERLOADED", { retryAfterMs: 1_000, cause: error });
    case "unimplemented":
      return new QpqError("E019_UNKNOWN_METHOD", { cause: error });
    case "failed":
      return new QpqError("E034_INTERNAL", { text: error.reason, cause: error });
  }
}
