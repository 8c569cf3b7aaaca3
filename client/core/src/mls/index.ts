/** The MLS face of quicproquo-core: groups, KeyPackages, and what a message is before a group has read it. */
export { wipeKeyCache } from "#mls-crypto";
export type { CommitOptions, GroupChange } from "./commit.ts";
export {
  type JoinOptions,
  MlsGroup,
  type MlsMember,
  type Processed,
  type StagedCommit,
} from "./group.ts";
export type { Delta } from "./group-state.ts";
export {
  type GenerateOptions,
  keyPackageLifeSecsMax,
  MlsKeyPackage,
  type PeerKeyPackage,
  parseKeyPackage,
} from "./key-package.ts";
export { groupIdOf, isWelcome } from "./message.ts";
export { paddingBuckets } from "./padding.ts";
export { pendingProposalsMax } from "./processing.ts";
