/**
 * One connection to a front-end with typed calls. It does not reconnect and does not repeat a call: that is
 * ReconnectingClient's. Errors are QpqError with the server's code.
 */
import { alpnNode, type MethodCodec, methodCodecs, QpqError } from "quicproquo-proto";
import { type Capability, RpcSession } from "quicproquo-rpc";
import { type Connection, type ConnectionInfo, type ConnectionStats, closeCodes } from "quicproquo-transport";
import { dialQuic } from "quicproquo-transport/quic";
import { SessionClient } from "./session-client.ts";
import { type CallOptions, typedCall } from "./typed-call.ts";

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
    return await typedCall(this.#service, codec, params, options);
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
