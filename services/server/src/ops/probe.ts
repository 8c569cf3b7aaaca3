/**
 * One QUIC round trip to a server: a handshake, one call of `health`, the end. What a health check wants to know, because a
 * page over TCP says nothing of UDP.
 */
import { alpnNode, type MethodCodec, methodCodecs, QpqError } from "quicproquo-proto";
import { RpcError, RpcSession } from "quicproquo-rpc";
import { closeCodes } from "quicproquo-transport";
import { dialQuic, type DialOptions } from "quicproquo-transport/quic";

export type ProbeOptions = Pick<DialOptions, "host" | "port" | "serverName" | "trust"> & {
  /** For each half: the handshake, and the call. */
  readonly timeoutMs: number;
};

export type Probed = { readonly handshakeMs: number; readonly callMs: number };

/**
 * E040_CONNECT_FAILED: no answer over UDP, or nothing listens; E041_CERTIFICATE; E028_DEADLINE: it shakes hands, and does
 * not answer; E042_CONNECTION_LOST; else the server's own code.
 */
export async function probe({ timeoutMs, ...server }: ProbeOptions): Promise<Probed> {
  const startedAtMs = performance.now();
  const connection = await dialQuic({ ...server, alpn: [alpnNode], signal: AbortSignal.timeout(timeoutMs) });
  const shakenAtMs = performance.now();
  const session = new RpcSession(connection.openStream(), {});
  const late = new QpqError("E028_DEADLINE", { text: `the server did not answer within ${timeoutMs} ms` });
  const codec = methodCodecs.health as unknown as MethodCodec<object, { readonly status: string }>;
  const answer = session.bootstrap().call(codec.method, (builder) => codec.encodeParams({}, builder));
  const timer = setTimeout(() => answer.cancel(late), timeoutMs);
  try {
    codec.decodeResults((await answer) as never);
    const endedAtMs = performance.now();
    return { handshakeMs: shakenAtMs - startedAtMs, callMs: endedAtMs - shakenAtMs };
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    throw QpqError.fromReason(error.reason) ?? new QpqError("E042_CONNECTION_LOST", { cause: error });
  } finally {
    clearTimeout(timer);
    session.close();
    connection.close(closeCodes.done, "probed");
  }
}
