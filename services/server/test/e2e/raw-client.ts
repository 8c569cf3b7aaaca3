/** A client that does what a test says and nothing of its own: no retry, no deadline, Finish held when asked. */
import { type MethodCodec, methodCodecs, protocolVersion, QpqError } from "quicproquo-proto";
import { type Answer, type Capability, RpcError, RpcSession } from "quicproquo-rpc";
import { type Connection, closeCodes } from "quicproquo-transport";
import { dialQuic, type QuicLimits } from "quicproquo-transport/quic";
import type { ServerProcess } from "../../testing/server-process.ts";

type Codecs = typeof methodCodecs;
export type MethodName = keyof Codecs;
type ParamsOf<Name extends MethodName> = ReturnType<Codecs[Name]["decodeParams"]>;
type ResultsOf<Name extends MethodName> = ReturnType<Codecs[Name]["decodeResults"]>;

/** What a client must know of a server. */
export type ServerKeys = Pick<ServerProcess, "port" | "certificate" | "token">;

export type RawOptions = {
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** Another port than the server's own: a relay. */
  readonly port?: number;
  /** A session token in its bytes, the static one as text. */
  readonly token?: string | Uint8Array;
  readonly limits?: Partial<QuicLimits>;
};

export class RawClient implements Disposable {
  readonly connection: Connection;
  readonly session: RpcSession;
  readonly service: Capability;
  readonly token: Uint8Array;

  private constructor(connection: Connection, token: string | Uint8Array) {
    this.connection = connection;
    this.session = new RpcSession(connection.openStream(), {});
    this.service = this.session.bootstrap();
    this.token = tokenBytes(token);
  }

  static async connect(server: ServerKeys, options: RawOptions = {}): Promise<RawClient> {
    const connection = await dialQuic({
      host: options.host ?? "127.0.0.1",
      port: options.port ?? server.port,
      serverName: "localhost",
      alpn: ["capnp"],
      trust: { caCertificate: server.certificate },
      ...(options.limits === undefined ? {} : { limits: options.limits }),
    });
    return new RawClient(connection, options.token ?? server.token);
  }

  /** Takes a connection over, e.g. one in early data. */
  static on(connection: Connection, token: string | Uint8Array): RawClient {
    return new RawClient(connection, token);
  }

  /** Fields that are left out get what a well-behaved client sends. The answer isn't decoded: see `results`. */
  start<Name extends MethodName>(
    name: Name,
    params: Partial<ParamsOf<Name>>,
    settings: { signal?: AbortSignal; holdFinish?: boolean } = {},
  ): Answer<unknown> {
    const codec = methodCodecs[name] as unknown as MethodCodec<object, object>;
    const whole = { ...this.#defaults(), ...params };
    return this.service.call(codec.method, (builder) => codec.encodeParams(whole, builder), settings);
  }

  async call<Name extends MethodName>(
    name: Name,
    params: Partial<ParamsOf<Name>>,
    settings: { signal?: AbortSignal; holdFinish?: boolean } = {},
  ): Promise<ResultsOf<Name>> {
    return await this.results(name, this.start(name, params, settings));
  }

  /** Decoded results, or the server's QpqError. */
  async results<Name extends MethodName>(name: Name, answer: Answer<unknown>): Promise<ResultsOf<Name>> {
    const codec = methodCodecs[name] as unknown as MethodCodec<object, ResultsOf<Name>>;
    try {
      return codec.decodeResults((await answer) as never);
    } catch (error) {
      if (error instanceof RpcError) throw QpqError.fromReason(error.reason) ?? error;
      throw error;
    }
  }

  close(): void {
    this.connection.close(closeCodes.done, "test is done");
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #defaults() {
    const empty = new Uint8Array();
    return {
      auth: { version: protocolVersion, accessToken: this.token, deviceId: empty },
      version: protocolVersion,
      channelId: empty,
      idempotencyKey: empty,
      ttlSecs: 0,
      limit: 0,
      keep: false,
      after: 0n,
      storeEpoch: 0n,
      timeoutMs: 0n,
      lastResort: false,
    };
  }
}

export function tokenBytes(token: string | Uint8Array): Uint8Array {
  return typeof token === "string" ? Buffer.from(token) : token;
}
