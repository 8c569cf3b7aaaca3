/** A peer whose messages the test writes one by one, right or wrong, against a real session. */
import assert from "node:assert/strict";
import { FrameReader, MessageReader, type StructBuilder, type StructReader } from "../src/message/index.ts";
import * as messages from "../src/outgoing-messages.ts";
import { messageTag, returnAt } from "../src/rpc-layout.ts";
import { type RpcError, RpcSession, type RpcSessionOptions } from "../src/index.ts";
import type { WireTarget } from "../src/target.ts";
import { type PipeEnd, pipe } from "./pipe.ts";
import type { UntypedMethod } from "./test-peer.ts";

export type RawCall = {
  readonly questionId: number;
  readonly to: WireTarget;
  readonly method: UntypedMethod;
  readonly fill?: (params: StructBuilder) => void;
  readonly capabilities?: readonly messages.Descriptor[];
};

export class RawPeer {
  readonly session: RpcSession;
  readonly end: PipeEnd;
  /** All the session has sent, in order. */
  readonly received: StructReader[] = [];

  constructor(options: RpcSessionOptions) {
    const [end, sessionEnd] = pipe();
    this.end = end;
    const frames = new FrameReader((frame) => this.received.push(MessageReader.parse(frame).rootStruct));
    end.onData = (chunk) => frames.push(chunk);
    end.onEnd = () => end.end();
    this.session = new RpcSession(sessionEnd, options);
  }

  send(bytes: Uint8Array): void {
    this.end.write(bytes);
  }

  bootstrap(questionId: number): void {
    this.send(messages.bootstrap(questionId));
  }

  call(call: RawCall): void {
    this.send(callFrame(call));
  }

  finish(questionId: number, releaseResultCaps: boolean): void {
    this.send(messages.finish(questionId, releaseResultCaps));
  }

  /** The bodies of all messages of one kind that came. */
  bodies(kind: keyof typeof messageTag): StructReader[] {
    return this.received.filter((root) => root.getUint16(0) === messageTag[kind]).map((root) => root.getStruct(0));
  }

  returnOf(questionId: number): StructReader {
    const body = this.bodies("return").find((candidate) => candidate.getUint32(returnAt.answerId) === questionId);
    assert.ok(body, `no Return for question ${questionId}`);
    return body;
  }

  /** The session aborted, and said why. */
  async assertAborted(reason: RegExp): Promise<RpcError> {
    const error = await this.session.closed;
    assert.match(error.reason, reason);
    await new Promise((resolve) => setImmediate(resolve));
    const aborts = this.bodies("abort");
    assert.equal(aborts.length, 1, "one Abort was sent");
    assert.match((aborts[0] as StructReader).getText(0), reason);
    return error;
  }
}

export function rawPeer(options: RpcSessionOptions = {}): RawPeer {
  return new RawPeer(options);
}

export function callFrame(call: RawCall): Uint8Array {
  const { interfaceId, ordinal } = call.method;
  const header = { questionId: call.questionId, to: call.to, interfaceId, methodId: ordinal };
  const message = messages.startCall(header, 64 << 20);
  const params = message.payload.getPointer(0).initStruct(call.method.params);
  call.fill?.(params);
  messages.writeCapTable(message.payload, call.capabilities ?? []);
  return message.builder.toFrame();
}
