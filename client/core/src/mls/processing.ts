/**
 * What a received message is, beside a group's state: who sent it and the state after it. Nothing a message contains is
 * believed before ts-mls has verified it; the sender's leaf is read beforehand because ts-mls doesn't tell it, and is used
 * only after that. Never throws for what came from the network.
 *
 * Epochs are compared first: ts-mls has one error for a future epoch, a fork, a removed reader and an altered byte.
 *
 * Taken are private messages, and public ones of members (other implementations send commits in clear; both are signed
 * and bound to the group's keys). Not taken, although RFC 9420 has them: senders from outside (external commits, external
 * proposals: anybody with a GroupInfo could come in), and the proposals that this product doesn't offer: pre-shared keys,
 * re-initialisation (it ends a group for all) and GroupContext extensions (ts-mls commits them without a path).
 */
import type { IdentityKey } from "quicproquo-proto";
import { equalBytes } from "./bytes.ts";
import { identityOfLeaf } from "./credential.ts";
import { decodeMessage } from "./message.ts";

import {
  type CiphersuiteImpl,
  type ClientState,
  decryptSenderData,
  emptyPskIndex,
  type IncomingMessageAction,
  type IncomingMessageCallback,
  type PrivateMessage,
  type ProcessMessageResult,
  processPrivateMessage,
  processPublicMessage,
  type ProposalWithSender,
  type PublicMessage,
  type RatchetTree,
} from "./ts-mls.ts";

/** Proposals of one epoch that may wait for a commit: 100 members leave at once, and an attacker cannot fill the disk. */
export const pendingProposalsMax = 256;

type After = { readonly state: ClientState; readonly consumed: readonly Uint8Array[]; readonly sender: IdentityKey };

export type ProcessedState =
  | ({ readonly kind: "application"; readonly content: Uint8Array; readonly epoch: bigint } & After)
  | ({
      readonly kind: "commit";
      readonly added: IdentityKey[];
      readonly removed: IdentityKey[];
      readonly removedMe: boolean;
    } & After)
  | ({ readonly kind: "proposal" } & After)
  | { readonly kind: "past" }
  | { readonly kind: "future"; readonly epoch: bigint }
  | { readonly kind: "refused"; readonly reason: string };

export async function processMessage(
  state: ClientState,
  suite: CiphersuiteImpl,
  bytes: Uint8Array,
): Promise<ProcessedState> {
  const message = decodeMessage(bytes);
  if (message === undefined) return refused("malformed");
  if (message.wireformat !== "mls_private_message" && message.wireformat !== "mls_public_message") {
    return refused("not a message of a group");
  }
  const isPrivate = message.wireformat === "mls_private_message";
  const { groupId, epoch } = isPrivate ? message.privateMessage : message.publicMessage.content;
  if (!equalBytes(groupId, state.groupContext.groupId)) return refused("of another group");
  if (state.groupActiveState.kind !== "active") return refused("this client was removed from the group");
  if (epoch > state.groupContext.epoch) return { kind: "future", epoch };
  if (epoch < state.groupContext.epoch) {
    return isPrivate ? await processPast(state, suite, message.privateMessage) : { kind: "past" };
  }
  try {
    return isPrivate
      ? await processPrivate(state, suite, message.privateMessage)
      : await processPublic(state, suite, message.publicMessage);
  } catch (error) {
    // ts-mls throws its own errors and, at some hostile inputs, TypeErrors: all of them are about these bytes.
    return refused(error instanceof Error ? `${error.name}: ${error.message}` : "unknown");
  }
}

async function processPast(
  state: ClientState,
  suite: CiphersuiteImpl,
  message: PrivateMessage,
): Promise<ProcessedState> {
  const kept = state.historicalReceiverData.get(message.epoch);
  if (kept === undefined || message.contentType !== "application") return { kind: "past" };
  try {
    const leaf = (await decryptSenderData(message, kept.senderDataSecret, suite))?.leafIndex;
    const result = await processPrivateMessage(state, message, emptyPskIndex, suite);
    if (result.kind !== "applicationMessage") return { kind: "past" };
    return applicationOf(result, message.epoch, memberAt(kept.ratchetTree, leaf));
  } catch {
    return { kind: "past" };
  }
}

async function processPrivate(
  state: ClientState,
  suite: CiphersuiteImpl,
  message: PrivateMessage,
): Promise<ProcessedState> {
  const leaf = (await decryptSenderData(message, state.keySchedule.senderDataSecret, suite))?.leafIndex;
  const policy = new Policy(state);
  const process = () => processPrivateMessage(state, message, emptyPskIndex, suite, policy.decide);
  const result = await orRemoved(policy, process);
  const sender = memberAt(state.ratchetTree, leaf);
  if (result.kind === "applicationMessage") return applicationOf(result, message.epoch, sender);
  return handshakeOf(policy, result, sender);
}

async function processPublic(
  state: ClientState,
  suite: CiphersuiteImpl,
  message: PublicMessage,
): Promise<ProcessedState> {
  const { sender } = message.content;
  if (sender.senderType !== "member" || message.senderType !== "member") return refused("the sender is not a member");
  const policy = new Policy(state);
  const process = () => processPublicMessage(state, message, emptyPskIndex, suite, policy.decide);
  const result = await orRemoved(policy, process);
  return handshakeOf(policy, result, memberAt(state.ratchetTree, sender.leafIndex));
}

type ApplicationResult = Extract<ProcessMessageResult, { kind: "applicationMessage" }>;

function applicationOf(result: ApplicationResult, epoch: bigint, sender: IdentityKey): ProcessedState {
  return {
    kind: "application",
    content: Uint8Array.from(result.message),
    epoch,
    sender,
    state: result.newState,
    consumed: result.consumed,
  };
}

type HandshakeResult = {
  readonly newState: ClientState;
  readonly consumed: Uint8Array[];
  readonly actionTaken: IncomingMessageAction;
};

/**
 * A commit that removes us and gives our leaf to somebody else: ts-mls sees a leaf where ours was, takes us for a member
 * and fails at a path that isn't sealed to us. By then it has verified the sender and the proposals, which is all that
 * can be verified of one's own removal.
 */
async function orRemoved<T>(
  policy: Policy,
  process: () => Promise<T>,
): Promise<T | (HandshakeResult & { kind: "newState" })> {
  try {
    return await process();
  } catch (error) {
    if (!policy.removesMe) throw error;
    const newState: ClientState = {
      ...policy.state,
      unappliedProposals: {},
      groupActiveState: { kind: "removedFromGroup" },
    };
    return { kind: "newState", newState, consumed: [], actionTaken: "accept" };
  }
}

function handshakeOf(policy: Policy, result: HandshakeResult, sender: IdentityKey): ProcessedState {
  if (result.actionTaken === "reject") return refused(policy.reason);
  const after: After = { state: result.newState, consumed: result.consumed, sender };
  const { committed } = policy;
  if (committed === undefined) return { kind: "proposal", ...after };
  const before = policy.state.ratchetTree;
  const added = committed.flatMap(({ proposal }) =>
    proposal.proposalType === "add" ? [identityOfLeaf(proposal.add.keyPackage.leafNode) as IdentityKey] : [],
  );
  const leaving = committed.flatMap(({ proposal }) =>
    proposal.proposalType === "remove" ? [proposal.remove.removed] : [],
  );
  if (changesAnIdentity(before, result.newState.ratchetTree, leaving)) return refused("a leaf changes its identity");
  const removed = leaving.map((leaf) => memberAt(before, leaf));
  const removedMe = result.newState.groupActiveState.kind === "removedFromGroup";
  return { kind: "commit", added, removed, removedMe, ...after };
}

/** What of a verified handshake message is taken. Remembers a commit's proposals, which ts-mls shows to nobody else. */
class Policy {
  readonly state: ClientState;
  committed: readonly ProposalWithSender[] | undefined;
  reason = "";

  constructor(state: ClientState) {
    this.state = state;
  }

  readonly decide: IncomingMessageCallback = (incoming) => {
    const proposals = incoming.kind === "commit" ? incoming.proposals : [incoming.proposal];
    if (incoming.kind === "commit") this.committed = incoming.proposals;
    if (!proposals.every(isOffered)) return this.#reject("a kind of proposal that is not offered here");
    const pending = Object.keys(this.state.unappliedProposals).length;
    if (incoming.kind === "proposal" && pending >= pendingProposalsMax) return this.#reject("too many proposals wait");
    return "accept";
  };

  get removesMe(): boolean {
    const me = this.state.privatePath.leafIndex;
    return (this.committed ?? []).some(
      ({ proposal }) => proposal.proposalType === "remove" && proposal.remove.removed === me,
    );
  }

  #reject(reason: string): IncomingMessageAction {
    this.reason = reason;
    return "reject";
  }
}

function isOffered({ proposal, senderLeafIndex }: ProposalWithSender): boolean {
  const { proposalType } = proposal;
  return (
    senderLeafIndex !== undefined && (proposalType === "add" || proposalType === "remove" || proposalType === "update")
  );
}

/** A member may renew its leaf but stays who it is: each leaf's credential is checked, that it is the same one is not. */
function changesAnIdentity(before: RatchetTree, after: RatchetTree, leaving: readonly number[]): boolean {
  return before.some((node, index) => {
    const next = after[index];
    if (node?.nodeType !== "leaf" || next?.nodeType !== "leaf" || leaving.includes(index / 2)) return false;
    return node !== next && !equalBytes(node.leaf.signaturePublicKey, next.leaf.signaturePublicKey);
  });
}

function memberAt(tree: RatchetTree, leafIndex: number | undefined): IdentityKey {
  const node = leafIndex === undefined ? undefined : tree[leafIndex * 2];
  const identity = node?.nodeType === "leaf" ? identityOfLeaf(node.leaf) : undefined;
  if (identity === undefined) throw new RangeError("no member at this leaf");
  return identity;
}

function refused(reason: string): ProcessedState {
  return { kind: "refused", reason };
}
