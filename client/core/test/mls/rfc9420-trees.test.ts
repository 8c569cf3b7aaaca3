/** The RFC 9420 test vectors for trees, hashes and structures; see rfc9420-keys.test.ts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Decoder, GroupContext, PrivateKeyPath, RatchetTree, UpdatePath } from "ts-mls";
import { decodeAuthenticatedContent } from "ts-mls/authenticatedContent.js";
import { decodeCommit, encodeCommit } from "ts-mls/commit.js";
import { applyUpdatePathSecret } from "ts-mls/createCommit.js";
import { verifyConfirmationTag } from "ts-mls/framedContent.js";
import { verifyGroupInfoConfirmationTag, verifyGroupInfoSignature } from "ts-mls/groupInfo.js";
import { decodeGroupSecrets, encodeGroupSecrets } from "ts-mls/groupSecrets.js";
import { makeKeyPackageRef } from "ts-mls/keyPackage.js";
import { verifyLeafNodeSignature } from "ts-mls/leafNode.js";
import { decodeMlsMessage, encodeMlsMessage } from "ts-mls/message.js";
import { verifyParentHashes } from "ts-mls/parentHash.js";
import { getCommitSecret } from "ts-mls/pathSecrets.js";
import { mergePrivateKeyPaths, toPrivateKeyPath } from "ts-mls/privateKeyPath.js";
import { decodeProposal, encodeProposal } from "ts-mls/proposal.js";
import {
  addLeafNode,
  decodeRatchetTree,
  encodeRatchetTree,
  removeLeafNode,
  resolution,
  updateLeafNode,
} from "ts-mls/ratchetTree.js";
import { createConfirmedHash, createInterimHash } from "ts-mls/transcriptHash.js";
import { treeHash, treeHashRoot } from "ts-mls/treeHash.js";
import * as treeMath from "ts-mls/treemath.js";
import { applyUpdatePath, createUpdatePath, decodeUpdatePath } from "ts-mls/updatePath.js";
import { decryptGroupInfo, decryptGroupSecrets } from "ts-mls/welcome.js";
import { bytesOf, hexOf } from "../vectors.ts";
import { eachSuite, type Hex, read, whole } from "./rfc9420.ts";

test("tree math: 10 sizes, every node's relatives", () => {
  type Vector = {
    readonly n_leaves: number;
    readonly n_nodes: number;
    readonly root: number;
  } & Readonly<Record<"left" | "right" | "parent" | "sibling", readonly (number | null)[]>>;
  for (const vector of read<Vector>("tree-math", 10)) {
    const leaves = vector.n_leaves;
    assert.equal(treeMath.nodeWidth(leaves), vector.n_nodes);
    assert.equal(treeMath.root(leaves), vector.root);
    for (let at = 0; at < vector.n_nodes; at++) {
      const node = treeMath.toNodeIndex(at);
      if (vector.left[at] !== null) assert.equal(treeMath.left(node), vector.left[at]);
      if (vector.right[at] !== null) assert.equal(treeMath.right(node), vector.right[at]);
      if (vector.parent[at] !== null) assert.equal(treeMath.parent(node, leaves), vector.parent[at]);
      if (vector.sibling[at] !== null) assert.equal(treeMath.sibling(node, leaves), vector.sibling[at]);
    }
  }
});

test("transcript hashes: 100 commits", async () => {
  type Vector = Readonly<
    Record<
      | "confirmation_key"
      | "authenticated_content"
      | "interim_transcript_hash_before"
      | "confirmed_transcript_hash_after"
      | "interim_transcript_hash_after",
      Hex
    >
  >;
  const vectors = read<Vector>("transcript-hashes", 100);
  await eachSuite(async (suite) => {
    for (const vector of vectors) {
      const { wireformat, content, auth } = whole(decodeAuthenticatedContent, vector.authenticated_content);
      assert.ok(content.contentType === "commit" && auth.contentType === "commit");
      const before = bytesOf(vector.interim_transcript_hash_before);
      const input = { wireformat, content, signature: auth.signature };
      const confirmed = await createConfirmedHash(before, input, suite.hash);
      assert.equal(hexOf(confirmed), vector.confirmed_transcript_hash_after);
      assert.ok(
        await verifyConfirmationTag(bytesOf(vector.confirmation_key), auth.confirmationTag, confirmed, suite.hash),
      );
      const interim = await createInterimHash(confirmed, auth.confirmationTag, suite.hash);
      assert.equal(hexOf(interim), vector.interim_transcript_hash_after);
    }
  });
});

test("Welcome: it opens, its signature and its confirmation tag are right", async () => {
  type Vector = Readonly<Record<"init_priv" | "key_package" | "signer_pub" | "welcome", Hex>>;
  const [vector] = read<Vector>("welcome", 1);
  assert.ok(vector !== undefined);
  const welcome = whole(decodeMlsMessage, vector.welcome);
  const keyPackage = whole(decodeMlsMessage, vector.key_package);
  assert.ok(welcome.wireformat === "mls_welcome" && keyPackage.wireformat === "mls_key_package");
  await eachSuite(async (suite) => {
    const ref = await makeKeyPackageRef(keyPackage.keyPackage, suite.hash);
    const initKey = await suite.hpke.importPrivateKey(bytesOf(vector.init_priv));
    const secrets = await decryptGroupSecrets(initKey, ref, welcome.welcome, suite.hpke);
    assert.ok(secrets !== undefined);
    const noPsk = new Uint8Array(32);
    const info = await decryptGroupInfo(welcome.welcome, secrets.joinerSecret, noPsk, suite);
    assert.ok(info !== undefined);
    assert.ok(await verifyGroupInfoSignature(info, bytesOf(vector.signer_pub), suite.signature));
    assert.ok(await verifyGroupInfoConfirmationTag(info, secrets.joinerSecret, noPsk, suite));
  });
});

test("tree operations: 7 adds, updates and removes", () => {
  type Vector = Readonly<Record<"tree_before" | "tree_after" | "proposal", Hex>> & { readonly proposal_sender: number };
  for (const vector of read<Vector>("tree-operations", 7)) {
    const before = whole(decodeRatchetTree, vector.tree_before);
    const proposal = whole(decodeProposal, vector.proposal);
    let after: RatchetTree;
    if (proposal.proposalType === "add") [after] = addLeafNode(before, proposal.add.keyPackage.leafNode);
    else if (proposal.proposalType === "remove") {
      after = removeLeafNode(before, treeMath.toLeafIndex(proposal.remove.removed));
    } else {
      assert.ok(proposal.proposalType === "update");
      after = updateLeafNode(before, proposal.update.leafNode, treeMath.toLeafIndex(vector.proposal_sender));
    }
    assert.equal(hexOf(encodeRatchetTree(after)), vector.tree_after);
  }
});

test("tree validation: 14 trees, resolutions, tree hashes, parent hashes and leaf signatures", async () => {
  type Vector = {
    readonly tree: Hex;
    readonly group_id: Hex;
    readonly tree_hashes: readonly Hex[];
    readonly resolutions: readonly (readonly number[])[];
  };
  const vectors = read<Vector>("tree-validation", 14);
  await eachSuite(async (suite) => {
    for (const vector of vectors) {
      const tree = whole(decodeRatchetTree, vector.tree);
      for (const [at, node] of tree.entries()) {
        const index = treeMath.toNodeIndex(at);
        assert.deepEqual(resolution(tree, index), vector.resolutions[at]);
        assert.equal(hexOf(await treeHash(tree, index, suite.hash)), vector.tree_hashes[at]);
        if (node?.nodeType !== "leaf") continue;
        const leaf = treeMath.nodeToLeafIndex(index);
        assert.ok(await verifyLeafNodeSignature(node.leaf, bytesOf(vector.group_id), leaf, suite.signature));
      }
      assert.ok(await verifyParentHashes(tree, suite.hash));
    }
  });
});

test("TreeKEM: 11 groups, every update path is read by every member and one is made for them", async () => {
  type Vector = {
    readonly confirmed_transcript_hash: Hex;
    readonly group_id: Hex;
    readonly epoch: number;
    readonly ratchet_tree: Hex;
    readonly leaves_private: readonly {
      readonly index: number;
      readonly encryption_priv: Hex;
      readonly signature_priv: Hex;
      readonly path_secrets: readonly { readonly node: number; readonly path_secret: Hex }[];
    }[];
    readonly update_paths: readonly {
      readonly sender: number;
      readonly update_path: Hex;
      readonly path_secrets: readonly (Hex | null)[];
      readonly commit_secret: Hex;
      readonly tree_hash_after: Hex;
    }[];
  };
  const vectors = read<Vector>("treekem", 11);
  await eachSuite(async (suite) => {
    for (const vector of vectors) {
      const tree = whole(decodeRatchetTree, vector.ratchet_tree);
      const context = (treeHash: Uint8Array, epoch: number): GroupContext => ({
        version: "mls10",
        cipherSuite: "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519",
        groupId: bytesOf(vector.group_id),
        epoch: BigInt(epoch),
        treeHash,
        confirmedTranscriptHash: bytesOf(vector.confirmed_transcript_hash),
        extensions: [],
      });
      const keysOf = new Map<number, PrivateKeyPath>();
      for (const member of vector.leaves_private) {
        const leaf = { leafIndex: member.index, privateKeys: { [member.index * 2]: bytesOf(member.encryption_priv) } };
        const secrets = Object.fromEntries(member.path_secrets.map((each) => [each.node, bytesOf(each.path_secret)]));
        keysOf.set(member.index, mergePrivateKeyPaths(leaf, await toPrivateKeyPath(secrets, member.index, suite)));
      }
      const readBy = async (
        leaf: number,
        sender: number,
        path: UpdatePath,
        after: RatchetTree,
        treeHash: Uint8Array,
      ) => {
        const keys = keysOf.get(leaf) as PrivateKeyPath;
        const newContext = context(treeHash, vector.epoch);
        const from = treeMath.toLeafIndex(sender);
        return applyUpdatePathSecret(tree, keys, from, newContext, path, [], suite).then(async (secret) => ({
          pathSecret: secret.pathSecret,
          commitSecret: await getCommitSecret(after, secret.nodeIndex, secret.pathSecret, suite.kdf),
        }));
      };
      for (const update of vector.update_paths) {
        const path = whole(decodeUpdatePath, update.update_path);
        const sender = treeMath.toLeafIndex(update.sender);
        const after = await applyUpdatePath(tree, sender, path, suite.hash);
        const hash = await treeHashRoot(after, suite.hash);
        assert.equal(hexOf(hash), update.tree_hash_after);
        assert.ok(await verifyParentHashes(after, suite.hash));
        for (const leaf of keysOf.keys()) {
          if (leaf === update.sender) continue;
          const secrets = await readBy(leaf, update.sender, path, after, hash);
          assert.equal(hexOf(secrets.pathSecret), update.path_secrets[leaf]);
          assert.equal(hexOf(secrets.commitSecret), update.commit_secret);
        }
      }
      const [maker] = vector.leaves_private;
      assert.ok(maker !== undefined);
      const leaf = treeMath.toLeafIndex(maker.index);
      // createUpdatePath counts the epoch on by itself
      const before = context(await treeHashRoot(tree, suite.hash), vector.epoch - 1);
      const made = await createUpdatePath(tree, leaf, before, bytesOf(maker.signature_priv), suite);
      const [after, path, pathSecrets] = made;
      const last = pathSecrets.at(-1);
      assert.ok(last !== undefined);
      const root = treeMath.toNodeIndex(last.nodeIndex);
      const commitSecret = hexOf(await getCommitSecret(after, root, last.secret, suite.kdf));
      const hash = await treeHashRoot(after, suite.hash);
      for (const reader of keysOf.keys()) {
        if (reader === maker.index) continue;
        assert.equal(hexOf((await readBy(reader, maker.index, path, after, hash)).commitSecret), commitSecret);
      }
    }
  });
});

test("messages: 40 of each of 17 structures are read and written back to the same bytes", () => {
  type Vector = Readonly<Record<string, Hex>>;
  const messages = ["mls_welcome", "mls_group_info", "mls_key_package", "private_message"];
  messages.push("public_message_application", "public_message_proposal", "public_message_commit");
  // The vectors have each proposal without its type, which decides how it is read.
  const proposals = [
    "add",
    "update",
    "remove",
    "pre_shared_key",
    "re_init",
    "external_init",
    "group_context_extensions",
  ];
  for (const vector of read<Vector>("messages", 40)) {
    const same = <T>(hex: Hex | undefined, decoder: Decoder<T>, encoder: (value: T) => Uint8Array): void => {
      assert.ok(hex !== undefined);
      assert.equal(hexOf(encoder(whole(decoder, hex))), hex);
    };
    for (const name of messages) same(vector[name], decodeMlsMessage, encodeMlsMessage);
    for (const [at, name] of proposals.entries()) {
      same(`000${at + 1}${vector[`${name}_proposal`]}`, decodeProposal, encodeProposal);
    }
    same(vector["ratchet_tree"], decodeRatchetTree, encodeRatchetTree);
    same(vector["group_secrets"], decodeGroupSecrets, encodeGroupSecrets);
    same(vector["commit"], decodeCommit, encodeCommit);
  }
});
