/**
 * All that this product takes of ts-mls 1.6.4 (MIT; RFC 9420 in TypeScript, 785 of 785 vectors of the working group). The
 * only file that imports it, and module by module: its index also loads a second crypto provider, whose @noble/hashes it
 * does not declare as a dependency. Pinned to the version exactly: 1.6.2 and 2.0.0-rc.10 let a removed member read on.
 */
export type {
  CiphersuiteImpl,
  ClientConfig,
  ClientState,
  Credential,
  Hpke,
  IncomingMessageAction,
  IncomingMessageCallback,
  KeyPackage,
  LeafNode,
  MLSMessage,
  PaddingConfig,
  PrivateKey,
  PrivateKeyPackage,
  PrivateMessage,
  ProcessMessageResult,
  Proposal,
  ProposalWithSender,
  PublicKey,
  PublicMessage,
  RatchetTree,
  SecretTree,
  UnappliedProposals,
  Welcome,
} from "ts-mls";
export { createGroup, decodeGroupState, encodeGroupState, joinGroup, makePskIndex } from "ts-mls/clientState.js";
export { encode } from "ts-mls/codec/tlsEncoder.js";
export { createCommit } from "ts-mls/createCommit.js";
export { createApplicationMessage, createProposal } from "ts-mls/createMessage.js";
export { getCiphersuiteFromName } from "ts-mls/crypto/ciphersuite.js";
export { getCiphersuiteImpl } from "ts-mls/crypto/getCiphersuiteImpl.js";
export { generateKeyPackageWithKey, makeKeyPackageRef, verifyKeyPackage } from "ts-mls/keyPackage.js";
export { defaultKeyPackageEqualityConfig } from "ts-mls/keyPackageEqualityConfig.js";
export { defaultKeyRetentionConfig } from "ts-mls/keyRetentionConfig.js";
export { mlsExporter } from "ts-mls/keySchedule.js";
export { verifyLeafNodeSignatureKeyPackage } from "ts-mls/leafNode.js";
export { defaultLifetimeConfig } from "ts-mls/lifetimeConfig.js";
export { decodeMlsMessage, encodeMlsMessage } from "ts-mls/message.js";
export { decryptSenderData } from "ts-mls/privateMessage.js";
export { processPrivateMessage, processPublicMessage } from "ts-mls/processMessages.js";
export { emptyPskIndex } from "ts-mls/pskIndex.js";
export { decodeRatchetTree, encodeRatchetTree } from "ts-mls/ratchetTree.js";
export { consumeRatchet, decodeSecretTreeNode, secretTreeNodeEncoder } from "ts-mls/secretTree.js";
export { decodeProposalWithSender, proposalWithSenderEncoder } from "ts-mls/unappliedProposals.js";
export { zeroOutUint8Array } from "ts-mls/util/byteArray.js";
