/**
 * Which waiting proposals a commit of ours takes up. Not all that were received can stand in one commit (RFC 9420 section
 * 12.2), and one member must not be able to block every commit by proposing nonsense: what doesn't fit is left out, and
 * ends with the epoch.
 */
import { QpqError } from "quicproquo-proto";
import type { ClientState, UnappliedProposals } from "./ts-mls.ts";

/**
 * At most one proposal a leaf: its removal, or else the last renewal of its keys. Left out: what is about ourselves, what
 * this commit removes anyway (`removing`), and proposed adds, whose Welcome would have to go to somebody that our caller
 * doesn't know of. E059_GROUP_CHANGE when we have asked to leave: another member's commit does that.
 */
export function pendingForCommit(state: ClientState, removing: readonly number[]): UnappliedProposals {
  const myLeaf = state.privatePath.leafIndex;
  if (removing.includes(myLeaf)) {
    throw new QpqError("E059_GROUP_CHANGE", { text: "a member cannot commit its own removal; propose to leave" });
  }
  const chosen = new Map<number, { readonly ref: string; readonly removes: boolean }>();
  for (const [ref, { proposal, senderLeafIndex }] of Object.entries(state.unappliedProposals)) {
    const removes = proposal.proposalType === "remove";
    if (removes && proposal.remove.removed === myLeaf && senderLeafIndex === myLeaf) {
      throw new QpqError("E059_GROUP_CHANGE", { text: "this client has asked to leave; another member commits it" });
    }
    const leaf = removes ? proposal.remove.removed : proposal.proposalType === "update" ? senderLeafIndex : undefined;
    if (leaf === undefined || leaf === myLeaf || removing.includes(leaf)) continue;
    if (state.ratchetTree[leaf * 2] === undefined) continue;
    if (removes || chosen.get(leaf)?.removes !== true) chosen.set(leaf, { ref, removes });
  }
  const proposals: UnappliedProposals = {};
  for (const { ref } of chosen.values()) {
    const proposal = state.unappliedProposals[ref];
    if (proposal !== undefined) proposals[ref] = proposal;
  }
  return proposals;
}
