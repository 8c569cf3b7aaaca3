/** What one call puts on the wire: the frames of two real sessions with nothing between them but a record. */
import { MethodTable, type RpcByteStream, RpcSession } from "quicproquo-rpc";
import { FrameReader } from "quicproquo-rpc/message";
import type { MessageKind } from "./message-kinds.ts";

/** Bytes of whole frames with their segment tables. */
export type RpcFrames = { readonly call: number; readonly answer: number };

/** Of a kind's call, the kind's side as it is and the other one empty, on a session that has had calls before. */
export async function rpcFramesOf({ codec, side, value }: MessageKind): Promise<RpcFrames> {
  const { method, encodeParams, encodeResults } = codec;
  const [ours, theirs] = streamPair();
  const bootstrap = new MethodTable().method(method, (_, results) => {
    if (side === "results") encodeResults(value, results);
  });
  using server = new RpcSession(theirs, { bootstrap });
  using session = new RpcSession(ours);
  using peer = session.bootstrap();
  const call = async (): Promise<void> => {
    await peer.call(method, (params) => {
      if (side === "params") encodeParams(value, params);
    });
    await ours.idle();
  };
  // the first one goes to a bootstrap whose answer is not there yet
  await call();
  const [sent, received] = [ours.frameBytes.length, theirs.frameBytes.length];
  await call();
  const [callBytes, ...others] = ours.frameBytes.slice(sent);
  const [answer] = theirs.frameBytes.slice(received);
  if (callBytes === undefined || others.length > 0 || answer === undefined || server.counts.answers > 0) {
    throw new Error("a call is Call and Return");
  }
  return { call: callBytes, answer };
}

class RecordedStream implements RpcByteStream {
  onData: RpcByteStream["onData"];
  onEnd: RpcByteStream["onEnd"];
  onDrain: RpcByteStream["onDrain"];
  onClose: RpcByteStream["onClose"];
  other: RecordedStream | undefined;
  /** Of each frame that was written. */
  readonly frameBytes: number[] = [];
  readonly #frames = new FrameReader((frame) => this.frameBytes.push(frame.length));

  write(chunk: Uint8Array): boolean {
    const copy = Uint8Array.from(chunk);
    this.#frames.push(copy);
    setImmediate(() => this.other?.onData?.(copy));
    return true;
  }

  /** When what was written until now, and in answer to it, has arrived. */
  async idle(): Promise<void> {
    for (let i = 0; i < 4; i++) await new Promise((resolve) => setImmediate(resolve));
  }

  end(): void {}
  pause(): void {}
  resume(): void {}
}

function streamPair(): readonly [RecordedStream, RecordedStream] {
  const [one, other] = [new RecordedStream(), new RecordedStream()];
  one.other = other;
  other.other = one;
  return [one, other];
}
