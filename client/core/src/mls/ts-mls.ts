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
  CredentialTypeName,
  GroupContext,
  GroupInfo,
  Hpke,
  IncomingMessageAction,
  IncomingMessageCallback,
  KeyPackage,
  LeafNode,
  MLSMessage,
  PaddingConfig,
  ParentNode,
  PrivateKey,
  PrivateKeyPackage,
  PrivateKeyPath,
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
export { createGroup, decodeGroupState, encodeGroupState } from "ts-mls/clientState.js";
export { encode } from "ts-mls/codec/tlsEncoder.js";
export { createCommit } from "ts-mls/createCommit.js";
export { createApplicationMessage, createProposal } from "ts-mls/createMessage.js";
export { getCiphersuiteFromName } from "ts-mls/crypto/ciphersuite.js";
export { getCiphersuiteImpl } from "ts-mls/crypto/getCiphersuiteImpl.js";
export { deriveSecret } from "ts-mls/crypto/kdf.js";
export {
  ratchetTreeFromExtension,
  verifyGroupInfoConfirmationTag,
  verifyGroupInfoSignature,
} from "ts-mls/groupInfo.js";
export { generateKeyPackageWithKey, makeKeyPackageRef, verifyKeyPackage } from "ts-mls/keyPackage.js";
export { defaultKeyPackageEqualityConfig } from "ts-mls/keyPackageEqualityConfig.js";
export { defaultKeyRetentionConfig } from "ts-mls/keyRetentionConfig.js";
export { deriveKeySchedule, mlsExporter } from "ts-mls/keySchedule.js";
export { verifyLeafNodeSignature, verifyLeafNodeSignatureKeyPackage } from "ts-mls/leafNode.js";
export { defaultLifetimeConfig } from "ts-mls/lifetimeConfig.js";
export { decodeMlsMessage, encodeMlsMessage } from "ts-mls/message.js";
export { verifyParentHashes } from "ts-mls/parentHash.js";
export { pathToRoot } from "ts-mls/pathSecrets.js";
export { mergePrivateKeyPaths, toPrivateKeyPath } from "ts-mls/privateKeyPath.js";
export { decryptSenderData } from "ts-mls/privateMessage.js";
export { processPrivateMessage, processPublicMessage } from "ts-mls/processMessages.js";
export { emptyPskIndex } from "ts-mls/pskIndex.js";
export { decodeRatchetTree, encodeRatchetTree, findLeafIndex } from "ts-mls/ratchetTree.js";
export { consumeRatchet, createSecretTree, decodeSecretTreeNode, secretTreeNodeEncoder } from "ts-mls/secretTree.js";
export { treeHashRoot } from "ts-mls/treeHash.js";
export { directPath, leafToNodeIndex, leafWidth, toLeafIndex } from "ts-mls/treemath.js";
export { decodeProposalWithSender, proposalWithSenderEncoder } from "ts-mls/unappliedProposals.js";
export { firstCommonAncestor } from "ts-mls/updatePath.js";
export { zeroOutUint8Array } from "ts-mls/util/byteArray.js";
export { decryptGroupInfo, decryptGroupSecrets } from "ts-mls/welcome.js";
