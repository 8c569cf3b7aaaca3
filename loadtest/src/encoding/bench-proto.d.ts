/** What the generated bench-proto.js has of bench.proto, as far as it is measured. A uint64 goes in as a number, and comes out as a Long. */
import type { Writer } from "protobufjs/minimal.js";

type StaticType<Message> = { encode(message: Message): Writer; decode(bytes: Uint8Array): Message };

/** A message's own types are in message-kinds.ts: the twins have the same fields. */
export declare const quicproquo: { readonly bench: { readonly [Name in TwinName]: StaticType<object> } };

export type TwinName =
  | "EnqueueRequest"
  | "EnqueueResponse"
  | "BatchEnqueueRequest"
  | "FetchResponse"
  | "UploadKeyPackageRequest"
  | "DeliverRequest";
