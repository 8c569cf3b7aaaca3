/**
 * A group's state in records: one snapshot at each change of epoch, and from then on only what a message changed.
 *
 *     snapshot: version 1 | group state as ts-mls encodes it, with an empty signature key
 *     delta:    epoch 8 | what stands under its key:
 *       s<node>          the two ratchets of one leaf of this epoch
 *       h<epoch>.<node>  the same of a past epoch, which a late message moved
 *       p<ref, hex>      a proposal that waits for a commit
 *
 * A message moves one leaf's ratchet, so a delta has some 90 to 900 bytes, whatever the number of members; a snapshot of
 * 1,000 members has hundreds of kilobytes. Each delta replaces the one before it under the same key. A delta says its
 * epoch: one beside a snapshot of another epoch would bring used-up keys back, so it is refused.
 */
import { QpqError } from "quicproquo-proto";
import { decodeWhole } from "./message.ts";
import { clientConfig, noSigningKey } from "./suite.ts";
import {
  type ClientState,
  decodeGroupState,
  decodeProposalWithSender,
  decodeSecretTreeNode,
  encode,
  encodeGroupState,
  proposalWithSenderEncoder,
  type SecretTree,
  secretTreeNodeEncoder,
} from "./ts-mls.ts";

export type Delta = { readonly key: string; readonly bytes: Uint8Array };

const version = 1;
const epochBytes = 8;
const encodeNode = encode(secretTreeNodeEncoder);
const encodeProposal = encode(proposalWithSenderEncoder);

/** Whole, all secrets in clear but the identity's: for an encrypted record. */
export function encodeSnapshot(state: ClientState): Uint8Array {
  const encoded = encodeGroupState({ ...state, signaturePrivateKey: noSigningKey });
  const bytes = new Uint8Array(1 + encoded.length);
  bytes[0] = version;
  bytes.set(encoded, 1);
  encoded.fill(0);
  return bytes;
}

/** What differs; undefined when a delta cannot say it: another epoch, or the end of a membership. */
export function deltaOf(before: ClientState, after: ClientState): readonly Delta[] | undefined {
  const epoch = after.groupContext.epoch;
  if (before.groupContext.epoch !== epoch || before.groupActiveState.kind !== after.groupActiveState.kind) {
    return undefined;
  }
  const deltas: Delta[] = [];
  addNodes(deltas, { epoch, prefix: "s" }, [before.secretTree, after.secretTree]);
  for (const [past, { secretTree }] of after.historicalReceiverData) {
    const old = before.historicalReceiverData.get(past)?.secretTree;
    if (old === undefined) return undefined;
    addNodes(deltas, { epoch, prefix: `h${past}.` }, [old, secretTree]);
  }
  for (const [ref, proposal] of Object.entries(after.unappliedProposals)) {
    if (before.unappliedProposals[ref] === proposal) continue;
    deltas.push({ key: `p${Uint8Array.fromBase64(ref).toHex()}`, bytes: withEpoch(epoch, encodeProposal(proposal)) });
  }
  return deltas;
}

/** Copies what it keeps. E057_GROUP_STATE when snapshot and deltas aren't whole or don't belong together. */
export function decodeState(snapshot: Uint8Array, deltas: ReadonlyMap<string, Uint8Array>): ClientState {
  const decoded = snapshot[0] === version ? decodeWhole(decodeGroupState, snapshot.subarray(1)) : undefined;
  if (decoded === undefined) throw unusable("damaged, or of a newer version");
  const state: ClientState = { ...decoded, clientConfig };
  for (const [key, bytes] of deltas) applyDelta(state, key, bytes);
  return state;
}

/** Node objects are never changed in place, so one that moved is another object. */
function addNodes(
  deltas: Delta[],
  { epoch, prefix }: { epoch: bigint; prefix: string },
  [before, after]: readonly [SecretTree, SecretTree],
): void {
  if (before === after) return;
  for (const [index, node] of after.entries()) {
    if (node === before[index]) continue;
    deltas.push({ key: `${prefix}${index}`, bytes: withEpoch(epoch, encodeNode(node)) });
  }
}

function withEpoch(epoch: bigint, encoded: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(epochBytes + encoded.length);
  new DataView(bytes.buffer).setBigUint64(0, epoch);
  bytes.set(encoded, epochBytes);
  return bytes;
}

/** Changes `state`, which is fresh from its decoder and nobody else's. */
function applyDelta(state: ClientState, key: string, bytes: Uint8Array): void {
  const [, kind, past, name] = /^(?:(s)|(?:(?:h)(\d+)\.))(\d+)$/.exec(key) ?? [];
  if (bytes.length < epochBytes) throw unusable("a part is damaged");
  if (new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0) !== state.groupContext.epoch) {
    throw unusable("a part is of another epoch");
  }
  const body = bytes.subarray(epochBytes);
  if (name !== undefined) {
    const tree = kind === "s" ? state.secretTree : state.historicalReceiverData.get(BigInt(past ?? 0))?.secretTree;
    const node = decodeWhole(decodeSecretTreeNode, body);
    const index = Number(name);
    if (tree === undefined || node === undefined || index >= tree.length) throw unusable("a ratchet is damaged");
    tree[index] = node;
    return;
  }
  const ref = /^p((?:[0-9a-f]{2})+)$/.exec(key)?.[1];
  const proposal = decodeWhole(decodeProposalWithSender, body);
  if (ref === undefined || proposal === undefined) throw unusable("a part is damaged");
  state.unappliedProposals[Uint8Array.fromHex(ref).toBase64()] = proposal;
}

function unusable(why: string): QpqError {
  return new QpqError("E057_GROUP_STATE", { text: `the stored group state cannot be used: ${why}` });
}
