/** What the generated bench-proto.js has of bench.proto. */
import type { Writer } from "protobufjs/minimal.js";

export declare const quicproquo: { readonly bench: { readonly EnqueueRequest: StaticType<EnqueueRequest> } };

type StaticType<Message> = { encode(message: Message): Writer; decode(bytes: Uint8Array): Message };
type Auth = { readonly version: number; readonly accessToken: Uint8Array; readonly deviceId: Uint8Array };
type EnqueueRequest = {
  readonly recipientKey: Uint8Array;
  readonly payload: Uint8Array;
  readonly channelId: Uint8Array;
  readonly version: number;
  readonly auth: Auth;
  readonly ttlSecs: number;
  readonly idempotencyKey: Uint8Array;
};
