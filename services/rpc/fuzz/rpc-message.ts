/**
 * One message of rpc.capnp as a fuzzer sees it: what it asks, answers and brings, without a session's tables. Messages of
 * higher levels (a call whose results go elsewhere, a Disembargo of another context) are "other": they are echoed.
 */
import { MessageError, MessageReader, StructReader } from "../src/message/index.ts";
import {
  bootstrapAt,
  callAt,
  descriptorAt,
  descriptorTag,
  disembargoAt,
  disembargoTag,
  exceptionAt,
  finishAt,
  messageTag,
  payloadAt,
  promisedAnswerAt,
  releaseAt,
  resolveAt,
  resolveTag,
  returnAt,
  returnTag,
  sendResultsTo,
  targetAt,
  targetTag,
  thirdPartyAt,
} from "../src/rpc-layout.ts";

/** `kind` is the number of descriptorTag; `id` an import, export or question, as the kind says. */
export type Brought = { readonly kind: number; readonly id: number };
/** undefined: the table of capabilities cannot be read. */
type BroughtTable = readonly Brought[] | undefined;

export type RpcMessage =
  | { readonly kind: "bootstrap"; readonly questionId: number }
  | {
      readonly kind: "call";
      readonly questionId: number;
      /** undefined: of an unknown kind, or it cannot be read. */
      readonly to: { readonly importId: number } | { readonly questionId: number } | undefined;
      readonly brought: BroughtTable;
    }
  | {
      readonly kind: "return";
      readonly questionId: number;
      readonly releasesParams: boolean;
      readonly brought: BroughtTable;
      /** It says that it needs no Finish, and brings no capability. */
      readonly isLast: boolean;
    }
  | { readonly kind: "finish"; readonly questionId: number; readonly releasesResults: boolean }
  | { readonly kind: "release"; readonly id: number; readonly count: number }
  | { readonly kind: "resolve"; readonly promiseId: number; readonly brought: BroughtTable }
  | { readonly kind: "disembargo"; readonly id: number; readonly isQuestion: boolean }
  | { readonly kind: "abort"; readonly reason: string }
  | { readonly kind: "other"; readonly tag: number };

/** undefined when the bytes are no message, or one whose body cannot be read. */
export function readRpcMessage(frame: Uint8Array): RpcMessage | undefined {
  return ifReadable(() => {
    const root = MessageReader.parse(frame).rootStruct;
    return read(root.getUint16(0), root.getStruct(0));
  });
}

function ifReadable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof MessageError) return undefined;
    throw error;
  }
}

function read(tag: number, body: StructReader): RpcMessage {
  switch (tag) {
    case messageTag.bootstrap:
      return { kind: "bootstrap", questionId: body.getUint32(bootstrapAt.questionId) };
    case messageTag.call:
      if (body.getUint16(callAt.sendResultsToTag) > sendResultsTo.yourself) return { kind: "other", tag };
      return {
        kind: "call",
        questionId: body.getUint32(callAt.questionId),
        to: ifReadable(() => targetOf(body.getStruct(callAt.target))),
        brought: broughtBy(body, callAt.params),
      };
    case messageTag.return: {
      const hasResults = body.getUint16(returnAt.tag) === returnTag.results;
      const brought = hasResults ? broughtBy(body, returnAt.body) : [];
      const releasesParams = !body.getBool(returnAt.keepParamCapsBit);
      const isLast = body.getBool(returnAt.noFinishNeededBit) && brought?.length === 0;
      return { kind: "return", questionId: body.getUint32(returnAt.answerId), releasesParams, brought, isLast };
    }
    case messageTag.finish:
      return {
        kind: "finish",
        questionId: body.getUint32(finishAt.questionId),
        releasesResults: !body.getBool(finishAt.keepResultCapsBit),
      };
    case messageTag.release:
      return {
        kind: "release",
        id: body.getUint32(releaseAt.id),
        count: body.getUint32(releaseAt.referenceCount),
      };
    case messageTag.resolve: {
      const isCap = body.getUint16(resolveAt.tag) === resolveTag.cap;
      const brought = isCap ? [broughtIn(body.getStruct(resolveAt.body))] : [];
      return { kind: "resolve", promiseId: body.getUint32(resolveAt.promiseId), brought };
    }
    case messageTag.disembargo: {
      const context = body.getUint16(disembargoAt.tag);
      if (context > disembargoTag.receiverLoopback) return { kind: "other", tag };
      const isQuestion = context === disembargoTag.senderLoopback;
      return { kind: "disembargo", id: body.getUint32(disembargoAt.embargoId), isQuestion };
    }
    case messageTag.abort:
      return { kind: "abort", reason: body.getText(exceptionAt.reason) };
    default:
      return { kind: "other", tag };
  }
}

function targetOf(target: StructReader): { importId: number } | { questionId: number } | undefined {
  const tag = target.getUint16(targetAt.tag);
  if (tag === targetTag.importedCap) return { importId: target.getUint32(targetAt.importedCap) };
  if (tag !== targetTag.promisedAnswer) return undefined;
  return { questionId: target.getStruct(targetAt.promisedAnswer).getUint32(promisedAnswerAt.questionId) };
}

function broughtBy(parent: StructReader, payload: number): BroughtTable {
  return ifReadable(() =>
    [...parent.getStruct(payload).getStructList(payloadAt.capTable, { Reader: StructReader })].map(broughtIn),
  );
}

function broughtIn(descriptor: StructReader): Brought {
  const kind = descriptor.getUint16(descriptorAt.tag);
  if (kind === descriptorTag.receiverAnswer) {
    return { kind, id: descriptor.getStruct(descriptorAt.body).getUint32(promisedAnswerAt.questionId) };
  }
  if (kind === descriptorTag.thirdPartyHosted) {
    return { kind, id: descriptor.getStruct(descriptorAt.body).getUint32(thirdPartyAt.vineId) };
  }
  return { kind, id: descriptor.getUint32(descriptorAt.id) };
}
