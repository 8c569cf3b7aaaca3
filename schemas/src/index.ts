/** The contract between clients and servers: schemas as codecs, errors, ids, limits, labels. */
export type { MethodCodec, Nothing } from "./codec.ts";
export * from "./errors.ts";
export { NodeService } from "./gen/node.ts";
export * from "./ids.ts";
export * from "./labels.ts";
export * from "./limits.ts";
export { methodCodecs } from "./messages.ts";
export type { AuthFields, EnvelopeFields, GapFields, OutgoingFields } from "./messages-common.ts";
export type {
  BatchEnqueueParams,
  EnqueueParams,
  EnqueueResults,
  SeqsResults,
  SubmitCommitParams,
} from "./messages-enqueue.ts";
export type {
  AckParams,
  FetchParams,
  FetchResults,
  FetchWaitParams,
  HealthResults,
  PeekParams,
} from "./messages-fetch.ts";
export type {
  FetchHybridKeyParams,
  FetchHybridKeyResults,
  FetchHybridKeysParams,
  FetchHybridKeysResults,
  FetchKeyPackageParams,
  FetchKeyPackageResults,
  UploadHybridKeyParams,
  UploadKeyPackageParams,
  UploadKeyPackageResults,
} from "./messages-keys.ts";
