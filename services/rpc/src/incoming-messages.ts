/**
 * Reads the parts of a peer's messages that are structs of rpc.capnp in themselves. Throws ProtocolError for what no
 * peer that follows the protocol sends; the message was validated before.
 */
import { type ListReader, StructReader } from "./message/index.ts";
import {
  descriptorAt,
  descriptorTag,
  exceptionAt,
  opAt,
  opTag,
  payloadAt,
  promisedAnswerAt,
  targetAt,
  targetTag,
  thirdPartyAt,
} from "./rpc-layout.ts";
import { exceptionTypes, ProtocolError, RpcError } from "./rpc-error.ts";
import type { WireTarget } from "./target.ts";

const untyped = { Reader: StructReader };

/** The same names as in an outgoing message, seen from the peer: `importId` is an export of ours, `questionId` an answer. */
export function readTarget(target: StructReader, pipelineDepthMax: number): WireTarget {
  switch (target.getUint16(targetAt.tag)) {
    case targetTag.importedCap:
      return { importId: target.getUint32(targetAt.importedCap) };
    case targetTag.promisedAnswer:
      return readPromisedAnswer(target.getStruct(targetAt.promisedAnswer), pipelineDepthMax);
    default:
      throw new ProtocolError("a message target of an unknown kind");
  }
}

type PromisedAnswer = { readonly questionId: number; readonly path: readonly number[] };

function readPromisedAnswer(answer: StructReader, pipelineDepthMax: number): PromisedAnswer {
  const ops = answer.getStructList(promisedAnswerAt.transform, untyped);
  if (ops.length > pipelineDepthMax) throw new ProtocolError(`a pipeline deeper than ${pipelineDepthMax} fields`);
  const path: number[] = [];
  for (const op of ops) {
    const tag = op.getUint16(opAt.tag);
    if (tag === opTag.getPointerField) path.push(op.getUint16(opAt.pointerField));
    else if (tag !== opTag.noop) throw new ProtocolError("a pipeline step of an unknown kind");
  }
  return { questionId: answer.getUint32(promisedAnswerAt.questionId), path };
}

export function readCapTable(payload: StructReader): ListReader<StructReader> {
  return payload.getStructList(payloadAt.capTable, untyped);
}

/** Of a peer: what it hosts, what we host, an answer of ours, or none. */
export type IncomingDescriptor =
  | { readonly kind: "none" }
  | { readonly kind: "import" | "promise" | "export"; readonly id: number }
  | ({ readonly kind: "answer" } & PromisedAnswer);

export function readDescriptor(descriptor: StructReader, pipelineDepthMax: number): IncomingDescriptor {
  switch (descriptor.getUint16(descriptorAt.tag)) {
    case descriptorTag.none:
      return { kind: "none" };
    case descriptorTag.senderHosted:
      return { kind: "import", id: descriptor.getUint32(descriptorAt.id) };
    case descriptorTag.senderPromise:
      return { kind: "promise", id: descriptor.getUint32(descriptorAt.id) };
    case descriptorTag.receiverHosted:
      return { kind: "export", id: descriptor.getUint32(descriptorAt.id) };
    case descriptorTag.receiverAnswer:
      return { kind: "answer", ...readPromisedAnswer(descriptor.getStruct(descriptorAt.body), pipelineDepthMax) };
    case descriptorTag.thirdPartyHosted:
      // Level 1 knows no third parties: the vine is a proxy at the peer.
      return { kind: "import", id: descriptor.getStruct(descriptorAt.body).getUint32(thirdPartyAt.vineId) };
    default:
      throw new ProtocolError("a capability of an unknown kind");
  }
}

export function readException(exception: StructReader): RpcError {
  const type = exceptionTypes[exception.getUint16(exceptionAt.type)] ?? "failed";
  return new RpcError(type, exception.getText(exceptionAt.reason));
}
