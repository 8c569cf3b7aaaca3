/**
 * A staged commit as one submitCommit: the Commit for every member, the Welcome for the newcomer. It can be repeated: the
 * envelopes around them are new each time, and the server keeps those of the first call that it accepted.
 */
import type { IdentityKey } from "quicproquo-proto";
import type { ChatParts } from "./chat-parts.ts";
import type { Attempt, Conversation } from "./conversation.ts";
import { wrapped } from "./hybrid-keys.ts";
import type { Outgoing } from "./mail-server.ts";

/** What envelope and RPC fields take of one entry beside its payload, generously. */
const entryBytes = 256;
/** In an entry: the Commit as it is, once for all. */
const shared = new Uint8Array(0);

/** Answers whose inbox was full. E031_EPOCH_TAKEN, E032_EPOCH_PROOF: nothing was delivered. */
export async function submitAttempt(
  parts: ChatParts,
  conversation: Conversation,
  attempt: Attempt,
): Promise<readonly IdentityKey[]> {
  const { epoch, idempotencyKey, epochProof, nextProofHash, commit } = attempt;
  const entries = await entriesOf(parts, conversation, attempt);
  const usesShared = entries.length === 0 || entries.some(({ payload }) => payload.length === 0);
  const seqs = await parts.server.submitCommit(
    {
      groupId: conversation.state.group.groupId,
      epoch,
      idempotencyKey,
      epochProof,
      nextProofHash,
      payload: usesShared ? commit : new Uint8Array(0),
    },
    entries,
  );
  return entries.filter((_, i) => seqs[i] === 0n).map(({ recipient }) => recipient);
}

/**
 * Wrapped for those with a hybrid key, unless the commits would then be too large for one call: then only the Welcome is,
 * and an event says so.
 */
async function entriesOf(parts: ChatParts, { id }: Conversation, attempt: Attempt): Promise<Outgoing[]> {
  const { members, newcomer, commit, welcome } = attempt;
  const keys = await parts.hybridKeys.keysOf(newcomer === undefined ? members : [...members, newcomer]);
  const forNewcomer =
    newcomer === undefined || welcome === undefined
      ? []
      : [{ recipient: newcomer, payload: wrapped(keys.get(newcomer.toHex()), welcome) }];
  const forMembers = members.map((recipient) => {
    const key = keys.get(recipient.toHex());
    return { recipient, payload: key === undefined ? shared : wrapped(key, commit) };
  });
  const entries = [...forMembers, ...forNewcomer];
  const bytes = entries.reduce((sum, { payload }) => sum + payload.length + entryBytes, commit.length);
  if (bytes <= parts.limits.commitBytesMax) return entries;
  await parts.events.add({ kind: "commitUnwrapped", conversation: id, bytes });
  return [...members.map((recipient) => ({ recipient, payload: shared })), ...forNewcomer];
}
