/**
 * Whether a ratchet tree that a Welcome brought is one (RFC 9420 section 12.4.3.1): a newcomer has nothing but this to know
 * its group by. ts-mls has the same check, but wants the unmerged leaves of all ancestors of an unmerged leaf to be equal,
 * and so refuses trees that are right (the second add after an update is enough, see ts-mls-faults.test.ts); RFC 9420
 * wants that each ancestor below the one that lists the leaf lists it too.
 */
import { QpqError } from "quicproquo-proto";
import { equalBytes } from "./bytes.ts";
import { identityOfLeaf } from "./credential.ts";

import { suiteName } from "./suite-name.ts";
import {
  type CiphersuiteImpl,
  directPath,
  type GroupContext,
  type LeafNode,
  leafToNodeIndex,
  leafWidth,
  type ParentNode,
  type RatchetTree,
  toLeafIndex,
  treeHashRoot,
  verifyLeafNodeSignature,
  verifyParentHashes,
} from "./ts-mls.ts";

/** E056_WELCOME with the first thing that is wrong. */
export async function validateTree(tree: RatchetTree, context: GroupContext, suite: CiphersuiteImpl): Promise<void> {
  const keys = new DistinctKeys();
  for (const [index, node] of tree.entries()) {
    if (node === undefined) continue;
    if ((node.nodeType === "leaf") !== (index % 2 === 0)) throw refused("the tree has a node of the wrong kind");
    if (node.nodeType === "leaf") {
      await validateLeaf(node.leaf, { leafIndex: index / 2, context, suite });
      keys.add(node.leaf.hpkePublicKey);
      keys.add(node.leaf.signaturePublicKey);
    } else {
      validateUnmerged(tree, index, node.parent);
      keys.add(node.parent.hpkePublicKey);
    }
  }
  if (!equalBytes(await treeHashRoot(tree, suite.hash), context.treeHash)) throw refused("the tree's hash is another");
  if (!(await verifyParentHashes(tree, suite.hash))) throw refused("a parent hash in the tree is wrong");
}

type LeafPlace = { readonly leafIndex: number; readonly context: GroupContext; readonly suite: CiphersuiteImpl };

/** Lifetimes aren't looked at: a member of a year ago has a KeyPackage that ended then. */
async function validateLeaf(leaf: LeafNode, { leafIndex, context, suite }: LeafPlace): Promise<void> {
  if (identityOfLeaf(leaf) === undefined) throw refused("a credential in the tree is not a signature key");
  const { versions, ciphersuites, credentials, extensions } = leaf.capabilities;
  if (!versions.includes("mls10") || !ciphersuites.includes(suiteName) || !credentials.includes("basic")) {
    throw refused("a member in the tree does not speak this suite");
  }
  const unknown = [...leaf.extensions, ...context.extensions].map(({ extensionType }) => extensionType);
  // named types are RFC 9420's own, which nobody has to list
  if (unknown.some((type) => typeof type === "number" && !extensions.includes(type))) {
    throw refused("a member in the tree does not know an extension");
  }
  if (!(await verifyLeafNodeSignature(leaf, context.groupId, leafIndex, suite.signature))) {
    throw refused("a leaf's signature in the tree is wrong");
  }
}

function validateUnmerged(tree: RatchetTree, index: number, parent: ParentNode): void {
  let last = -1;
  for (const leaf of parent.unmergedLeaves) {
    const leafNode = leafToNodeIndex(toLeafIndex(leaf));
    if (leaf <= last || leafNode >= tree.length || tree[leafNode] === undefined) {
      throw refused("an unmerged leaf in the tree is empty or out of order");
    }
    last = leaf;
    const ancestors = directPath(leafNode, leafWidth(tree.length));
    const at = ancestors.findIndex((ancestor) => ancestor === index);
    if (at < 0) throw refused("an unmerged leaf in the tree stands elsewhere");
    for (const ancestor of ancestors.slice(0, at)) {
      const node = tree[ancestor];
      if (node?.nodeType === "parent" && !node.parent.unmergedLeaves.includes(leaf)) {
        throw refused("an unmerged leaf in the tree is missing below");
      }
    }
  }
}

/** Encryption keys and signature keys, all of them different. */
class DistinctKeys {
  readonly #keys = new Set<string>();

  add(key: Uint8Array): void {
    const name = key.toHex();
    if (this.#keys.has(name)) throw refused("a key stands twice in the tree");
    this.#keys.add(name);
  }
}

function refused(why: string): QpqError {
  return new QpqError("E056_WELCOME", { text: `the Welcome is refused: ${why}` });
}
