/** The contract between clients and servers: schemas as codecs, errors, ids, limits, labels. */
export type { MethodCodec, Nothing } from "./codec.ts";
export * from "./errors.ts";
export { Inbox, NodeService, Session, Sink, Subscription } from "./gen/node.ts";
export * from "./ids.ts";
export * from "./labels.ts";
export * from "./limits.ts";
export { laterMethodCodecs, methodCodecs } from "./messages.ts";
export type * from "./messages-accounts.ts";
export type * from "./messages-blobs.ts";
export type { AuthFields, EnvelopeFields, GapFields, OutgoingFields } from "./messages-common.ts";
export type * from "./messages-devices.ts";
export type * from "./messages-directory.ts";
export type * from "./messages-enqueue.ts";
export type * from "./messages-fetch.ts";
export type * from "./messages-keys.ts";
export type * from "./messages-session.ts";
export { inboxCodecs, sessionCodecs, sinkCodecs } from "./messages-session.ts";
export { decodeTypedEnvelope, encodeTypedEnvelope, type TypedEnvelope } from "./messages-envelope.ts";
