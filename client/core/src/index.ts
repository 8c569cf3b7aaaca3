/** The public face of quicproquo-core: identity, hybrid keys, envelopes, MLS groups, the client's state file. */
export { type AppMessage, decodeAppMessage, encodeAppMessage, type FileRef, messageIdBytes } from "./app-message.ts";
export { type ListedDevice, signDevice, verifyDevice } from "./device-signature.ts";
export { type FileKey, fileOverheadBytes, generateFileKey, openFile, sealFile } from "./file-cipher.ts";
export { envelopeBytesMax, envelopeOverheadBytes, openEnvelope, sealEnvelope } from "./hybrid-envelope.ts";
export {
  HybridKeyPair,
  type HybridPublicKey,
  hybridSeedBytes,
  parseHybridPublicKey,
  signHybridKey,
  type UploadedHybridKey,
  verifyHybridKey,
} from "./hybrid-key.ts";
export { Identity, identitySeedBytes, type Label, type SignatureCheck, verifySignature } from "./identity.ts";
export { type LoginTranscript, signLogin, signRegistration } from "./identity-proof.ts";
export { safetyNumber } from "./safety-number.ts";
export * from "./mls/index.ts";
export { SecretBytes, secretText } from "./secret.ts";
export { type ClientState, generateClientState } from "./state/client-state.ts";
export {
  type RecordChange,
  type RecordEntry,
  type RecordId,
  type RecordStore,
  recordBytesMax,
  recordIdBytesMax,
} from "./state/records.ts";
export { openRecordFile, type RecordFileOptions } from "./state/records-sqlite.ts";
export { passwordBytesMax } from "./state/state-cipher.ts";
export { readStateFile, type StateFileOptions, writeStateFile } from "./state/state-file.ts";
