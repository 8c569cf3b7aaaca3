/**
 * Making a commit: of what the caller wants and of what others have proposed. It says what the state is on either outcome,
 * because ts-mls forgets that a commit uses up a key of the epoch that it may fail to end.
 */
import { QpqError } from "quicproquo-proto";
import type { PeerKeyPackage } from "./key-package.ts";
import { encodeMessage } from "./message.ts";
import { pendingForCommit } from "./proposals.ts";
import {
  type CiphersuiteImpl,
  type ClientState,
  consumeRatchet,
  createCommit,
  encodeRatchetTree,
  type Proposal,
} from "./ts-mls.ts";

export type GroupChange = {
  readonly add?: readonly PeerKeyPackage[];
  /** Leaf indexes of others. */
  readonly remove?: readonly number[];
};

export type CommitOptions = {
  /** false: the Welcome goes without the tree (227 KB at 1,000 members), which the newcomer must get otherwise. */
  readonly treeInWelcome?: boolean;
  /** In clear but signed and bound to the group, for a peer that takes no encrypted commits. Default: encrypted. */
  readonly wireFormat?: "private" | "public";
};

export type CommitStates = {
  /** On in the same epoch, when the commit is not accepted. */
  readonly base: ClientState;
  /** On in the next epoch, when it is. */
  readonly next: ClientState;
  /** Secrets of the state before that `next` has no use for. */
  readonly consumed: readonly Uint8Array[];
  readonly commit: Uint8Array;
  readonly welcome: Uint8Array | undefined;
  readonly ratchetTree: Uint8Array | undefined;
};

/** E059_GROUP_CHANGE when the change does not fit. */
export async function stageCommit(
  before: ClientState,
  suite: CiphersuiteImpl,
  { change, treeInWelcome = true, wireFormat = "private" }: CommitOptions & { readonly change: GroupChange },
): Promise<CommitStates> {
  const wireAsPublicMessage = wireFormat === "public";
  const state = { ...before, unappliedProposals: pendingForCommit(before, change.remove ?? []) };
  const context = { state, cipherSuite: suite };
  const options = { extraProposals: proposalsOf(change), ratchetTreeExtension: treeInWelcome, wireAsPublicMessage };
  const { newState, commit, welcome, consumed } = await createCommit(context, options).catch((error: unknown) => {
    throw changeRefused(error);
  });
  return {
    base: wireAsPublicMessage ? before : await withoutNextHandshakeKey(before, suite),
    next: newState,
    consumed,
    commit: encodeMessage(commit),
    welcome:
      welcome === undefined ? undefined : encodeMessage({ version: "mls10", wireformat: "mls_welcome", welcome }),
    ratchetTree: treeInWelcome ? undefined : encodeRatchetTree(newState.ratchetTree),
  };
}

/** ts-mls drops the ratchet that its commit has used; a second commit from this epoch would use the same key again. */
async function withoutNextHandshakeKey(state: ClientState, suite: CiphersuiteImpl): Promise<ClientState> {
  const { newTree } = await consumeRatchet(state.secretTree, state.privatePath.leafIndex * 2, "commit", suite);
  return { ...state, secretTree: newTree };
}

function proposalsOf({ add = [], remove = [] }: GroupChange): Proposal[] {
  return [
    ...add.map(({ keyPackage }): Proposal => ({ proposalType: "add", add: { keyPackage } })),
    ...remove.map((removed): Proposal => ({ proposalType: "remove", remove: { removed } })),
  ];
}

function changeRefused(cause: unknown): QpqError {
  const why = cause instanceof Error ? cause.message : "unknown";
  return new QpqError("E059_GROUP_CHANGE", { text: `the change does not fit the group: ${why}`, cause });
}
