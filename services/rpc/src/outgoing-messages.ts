/**
 * Builds each message a session sends. Knows the layout of rpc.capnp and no table: ids and descriptors are given to it.
 * A message with a payload (Call, Return) is given back unfinished, for its content to be written in place.
 */
import { MessageBuilder, type MessageReader, StructBuilder, StructReader, type StructType } from "./message/index.ts";
import { writeUint32 } from "./message/numbers.ts";
import {
  bootstrapAt,
  callAt,
  descriptorAt,
  descriptorTag,
  disembargoAt,
  disembargoTag,
  exceptionAt,
  finishAt,
  messageSize,
  messageTag,
  opAt,
  opTag,
  payloadAt,
  promisedAnswerAt,
  releaseAt,
  returnAt,
  returnTag,
  sendResultsTo,
  targetAt,
  targetTag,
} from "./rpc-layout.ts";
import { exceptionTypes, type RpcException } from "./rpc-error.ts";
import type { WireTarget } from "./target.ts";

type Size = { readonly dataWords: number; readonly pointerWords: number };

/** A Call or Return whose content is still to be written. */
export type PayloadMessage = {
  readonly builder: MessageBuilder;
  /** The Call or Return. */
  readonly body: StructBuilder;
  readonly payload: StructBuilder;
};

/** How one capability of a message is named to the peer (rpc.capnp, struct CapDescriptor). */
export type Descriptor =
  | { readonly kind: "none" }
  | { readonly kind: "senderHosted" | "receiverHosted"; readonly id: number }
  | { readonly kind: "receiverAnswer"; readonly questionId: number; readonly path: readonly number[] };

export type CallHeader = {
  readonly questionId: number;
  readonly to: WireTarget;
  readonly interfaceId: bigint;
  readonly methodId: number;
};

export function startCall(header: CallHeader, messageBytesMax: number): PayloadMessage {
  const builder = new MessageBuilder({ messageBytesMax });
  const call = start(builder, messageTag.call, callAt);
  call.setUint32(callAt.questionId, header.questionId);
  call.setUint16(callAt.methodId, header.methodId);
  call.setUint64(callAt.interfaceId, header.interfaceId);
  call.setUint16(callAt.sendResultsToTag, sendResultsTo.caller);
  writeTarget(call, callAt.target, header.to);
  return { builder, body: call, payload: call.initStruct(callAt.params, payloadAt.dataWords, payloadAt.pointerWords) };
}

export function startReturn(answerId: number, messageBytesMax: number): PayloadMessage {
  const builder = new MessageBuilder({ messageBytesMax });
  const body = startReturnBody(builder, { answerId, tag: returnTag.results, releaseParamCaps: false });
  return { builder, body, payload: body.initStruct(returnAt.body, payloadAt.dataWords, payloadAt.pointerWords) };
}

export type ReturnEnd = {
  readonly answerId: number;
  /** The peer gives back the capabilities of its parameters itself: none of them was looked at here. */
  readonly releaseParamCaps: boolean;
};

export function returnException(end: ReturnEnd, exception: RpcException): Uint8Array {
  const builder = new MessageBuilder();
  const body = startReturnBody(builder, { ...end, tag: returnTag.exception });
  writeException(body, returnAt.body, exception);
  return builder.toFrame();
}

export function returnWithout(answerId: number, kind: "canceled" | "resultsSentElsewhere"): Uint8Array {
  const builder = new MessageBuilder({ firstBytes: 64 });
  startReturnBody(builder, { answerId, tag: returnTag[kind], releaseParamCaps: false });
  return builder.toFrame();
}

export function bootstrap(questionId: number): Uint8Array {
  const builder = new MessageBuilder({ firstBytes: 64 });
  start(builder, messageTag.bootstrap, bootstrapAt).setUint32(bootstrapAt.questionId, questionId);
  return builder.toFrame();
}

export function finish(questionId: number, releaseResultCaps: boolean): Uint8Array {
  const frame = oneWordFrame(messageTag.finish, questionId);
  // The bit says keep: it is stored inverted, as its default is true.
  if (!releaseResultCaps) frame[oneWordAt + finishAt.keepResultCapsBit / 8] = 1;
  return frame;
}

export function release(importId: number, referenceCount: number): Uint8Array {
  const frame = oneWordFrame(messageTag.release, importId);
  writeUint32(frame, oneWordAt + releaseAt.referenceCount, referenceCount);
  return frame;
}

export function disembargo(kind: keyof typeof disembargoTag, embargoId: number, to: WireTarget): Uint8Array {
  const builder = new MessageBuilder();
  const body = start(builder, messageTag.disembargo, disembargoAt);
  body.setUint32(disembargoAt.embargoId, embargoId);
  body.setUint16(disembargoAt.tag, disembargoTag[kind]);
  writeTarget(body, disembargoAt.target, to);
  return builder.toFrame();
}

export function abort(exception: RpcException): Uint8Array {
  const builder = new MessageBuilder();
  const root = builder.initRootStruct(messageSize.dataWords, messageSize.pointerWords);
  root.setUint16(0, messageTag.abort);
  writeException(root, 0, exception);
  return builder.toFrame();
}

/** The peer's message given back as it came. */
export function unimplemented(message: MessageReader): Uint8Array {
  // The copy needs a few words more than the original; far pointers in it make it smaller, shared targets larger.
  const builder = new MessageBuilder({
    firstBytes: message.byteLength + 64,
    messageBytesMax: 2 * message.byteLength + 64,
  });
  const root = builder.initRootStruct(messageSize.dataWords, messageSize.pointerWords);
  root.setUint16(0, messageTag.unimplemented);
  root.getPointer(0).copyFrom(message.rootPointer);
  return builder.toFrame();
}

export function writeCapTable(payload: StructBuilder, descriptors: readonly Descriptor[]): void {
  if (descriptors.length === 0) return;
  const list = payload.initStructList(payloadAt.capTable, descriptors.length, raw("CapDescriptor", descriptorAt));
  for (const [index, descriptor] of descriptors.entries()) {
    const entry = list.get(index);
    entry.setUint16(descriptorAt.tag, descriptorTag[descriptor.kind]);
    if (descriptor.kind === "receiverAnswer") writePromisedAnswer(entry, descriptorAt.body, descriptor);
    else if (descriptor.kind !== "none") entry.setUint32(descriptorAt.id, descriptor.id);
  }
}

/** Where the data word of a message stands whose body is one word: behind the header, root pointer and Message. */
const oneWordAt = 32;

/**
 * A Finish or Release, the tag and the first number filled in. Byte by byte: it is sent for every call, and a small typed
 * array nobody takes a DataView of costs 26 ns where a MessageBuilder costs 206 ns.
 */
function oneWordFrame(tag: number, firstNumber: number): Uint8Array {
  const frame = new Uint8Array(oneWordAt + 8);
  frame[4] = 4; // words of the segment
  frame[12] = 1; // root: a struct right behind, one data word
  frame[14] = 1; // and one pointer
  frame[16] = tag;
  frame[28] = 1; // the body: a struct right behind, one data word, no pointer
  writeUint32(frame, oneWordAt, firstNumber);
  return frame;
}

function start(builder: MessageBuilder, tag: number, size: Size): StructBuilder {
  const root = builder.initRootStruct(messageSize.dataWords, messageSize.pointerWords);
  root.setUint16(0, tag);
  return root.initStruct(0, size.dataWords, size.pointerWords);
}

function startReturnBody(builder: MessageBuilder, header: ReturnEnd & { readonly tag: number }): StructBuilder {
  const body = start(builder, messageTag.return, returnAt);
  body.setUint32(returnAt.answerId, header.answerId);
  body.setBool(returnAt.keepParamCapsBit, !header.releaseParamCaps);
  body.setUint16(returnAt.tag, header.tag);
  return body;
}

function writeTarget(parent: StructBuilder, pointerIndex: number, to: WireTarget): void {
  const target = parent.initStruct(pointerIndex, targetAt.dataWords, targetAt.pointerWords);
  if ("importId" in to) {
    target.setUint32(targetAt.importedCap, to.importId);
    return;
  }
  target.setUint16(targetAt.tag, targetTag.promisedAnswer);
  writePromisedAnswer(target, targetAt.promisedAnswer, to);
}

type PromisedAnswer = { readonly questionId: number; readonly path: readonly number[] };

function writePromisedAnswer(parent: StructBuilder, pointerIndex: number, answer: PromisedAnswer): void {
  const promised = parent.initStruct(pointerIndex, promisedAnswerAt.dataWords, promisedAnswerAt.pointerWords);
  promised.setUint32(promisedAnswerAt.questionId, answer.questionId);
  if (answer.path.length === 0) return;
  const ops = promised.initStructList(promisedAnswerAt.transform, answer.path.length, raw("Op", opAt));
  for (const [index, pointerField] of answer.path.entries()) {
    const op = ops.get(index);
    op.setUint16(opAt.tag, opTag.getPointerField);
    op.setUint16(opAt.pointerField, pointerField);
  }
}

function writeException(parent: StructBuilder, pointerIndex: number, exception: RpcException): void {
  const body = parent.initStruct(pointerIndex, exceptionAt.dataWords, exceptionAt.pointerWords);
  body.setText(exceptionAt.reason, exception.reason);
  body.setUint16(exceptionAt.type, exceptionTypes.indexOf(exception.type));
}

/** Lists need a type; ours is the untyped struct in a given size. */
function raw(name: string, size: Size): StructType<StructReader, StructBuilder> {
  return {
    name,
    dataWords: size.dataWords,
    pointerWords: size.pointerWords,
    Reader: StructReader,
    Builder: StructBuilder,
  };
}
