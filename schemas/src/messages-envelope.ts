/** The Envelope of envelope.capnp, which the stand-alone services used: read from and written to whole messages. */
import { MessageBuilder, MessageReader } from "quicproquo-rpc/message";
import { QpqError } from "./errors.ts";
import { Envelope, type MsgType } from "./gen/envelope.ts";

export type TypedEnvelope = {
  readonly msgType: MsgType;
  readonly groupId: Uint8Array;
  readonly senderId: Uint8Array;
  readonly payload: Uint8Array;
  readonly timestampMs: bigint;
};

export function encodeTypedEnvelope(envelope: TypedEnvelope): Uint8Array {
  const message = new MessageBuilder();
  const builder = message.initRoot(Envelope);
  builder.msgType = envelope.msgType;
  builder.groupId = envelope.groupId;
  builder.senderId = envelope.senderId;
  builder.payload = envelope.payload;
  builder.timestampMs = envelope.timestampMs;
  return message.toFrame();
}

/** Data fields are views into the frame. Throws MessageError, or E001_BAD_REQUEST for a type that is not known. */
export function decodeTypedEnvelope(frame: Uint8Array): TypedEnvelope {
  const reader = MessageReader.parse(frame).root(Envelope);
  const { msgType, groupId, senderId, payload, timestampMs } = reader;
  if (msgType === undefined) throw new QpqError("E001_BAD_REQUEST", { text: "unknown type of envelope" });
  return { msgType, groupId, senderId, payload, timestampMs };
}
