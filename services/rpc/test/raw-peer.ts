/** A peer whose messages the test writes one by one, right or wrong, against a real session. */
import assert from "node:assert/strict";
import {
  FrameReader,
  MessageBuilder,
  MessageReader,
  type StructBuilder,
  type StructReader,
} from "../src/message/index.ts";
import * as messages from "../src/outgoing-messages.ts";
import { callAt, descriptorTag, messageTag, returnAt } from "../src/rpc-layout.ts";
import { type RpcError, RpcSession, type RpcSessionOptions } from "../src/index.ts";
import type { WireTarget } from "../src/target.ts";
import { type PipeEnd, pipe } from "./pipe.ts";
import { struct, type UntypedMethod } from "../testing/test-peer.ts";

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

/** Where a frame of callFrame has its sendResultsTo tag: behind the header, the root pointer and Message. */
export const resultsToAt = 8 + 8 + 16 + callAt.sendResultsToTag;

export function callFrame(call: RawCall): Uint8Array {
  const { interfaceId, ordinal } = call.method;
  const header = { questionId: call.questionId, to: call.to, interfaceId, methodId: ordinal };
  const message = messages.startCall(header, 64 << 20);
  const params = message.payload.getPointer(0).initStruct(call.method.params);
  call.fill?.(params);
  messages.writeCapTable(message.payload, call.capabilities ?? []);
  return message.builder.toFrame();
}

/** A message of any tag and body. */
export function rawMessage(
  tag: number,
  size: readonly [dataWords: number, pointerWords: number],
  fill: (body: StructBuilder) => void,
): Uint8Array {
  const builder = new MessageBuilder();
  const root = builder.initRootStruct(1, 1);
  root.setUint16(0, tag);
  fill(root.initStruct(0, size[0], size[1]));
  return builder.toFrame();
}

export type RawDescriptor = { readonly kind: keyof typeof descriptorTag; readonly id: number };

/** Resolves a promise the raw peer has sent. */
export function resolveFrame(promiseId: number, descriptor: RawDescriptor): Uint8Array {
  return rawMessage(messageTag.resolve, [1, 1], (body) => {
    body.setUint32(0, promiseId);
    writeDescriptor(body.initStruct(0, 1, 1), descriptor);
  });
}

/** A Return whose results struct has the capabilities as its pointers. */
export function returnFrame(answerId: number, descriptors: readonly RawDescriptor[]): Uint8Array {
  const message = messages.startReturn(answerId, 4096);
  const content = message.payload.getPointer(0).initStructRaw(0, descriptors.length);
  const table = message.payload.initStructList(1, descriptors.length, struct(1, 1));
  for (const [index, descriptor] of descriptors.entries()) {
    content.setCapability(index, "one more");
    writeDescriptor(table.get(index), descriptor);
  }
  return message.builder.toFrame();
}

function writeDescriptor(struct: StructBuilder, descriptor: RawDescriptor): void {
  struct.setUint16(0, descriptorTag[descriptor.kind]);
  struct.setUint32(4, descriptor.id);
}
