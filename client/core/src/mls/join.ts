/**
 * From a Welcome to a state (RFC 9420 section 12.4.3.1), with the tree checked by tree-validation.ts: it stands in for
 * ts-mls's joinGroup, whose check of the tree refuses right ones. It also checks what that leaves out: that the path secret
 * gives the very keys that stand in the tree. Pre-shared keys and groups that outsiders may change are not taken.
 */
import { QpqError } from "quicproquo-proto";
import { equalBytes } from "./bytes.ts";
import type { MlsKeyPackage } from "./key-package.ts";
import { clientConfig, noSigningKey } from "./suite.ts";
import { suiteName } from "./suite-name.ts";
import { validateTree } from "./tree-validation.ts";
import {
  type CiphersuiteImpl,
  type ClientState,
  createSecretTree,
  decryptGroupInfo,
  decryptGroupSecrets,
  deriveKeySchedule,
  deriveSecret,
  findLeafIndex,
  firstCommonAncestor,
  type GroupInfo,
  type KeyPackage,
  leafToNodeIndex,
  leafWidth,
  makeKeyPackageRef,
  mergePrivateKeyPaths,
  type PrivateKeyPackage,
  type PrivateKeyPath,
  pathToRoot,
  type RatchetTree,
  ratchetTreeFromExtension,
  toLeafIndex,
  toPrivateKeyPath,
  verifyGroupInfoConfirmationTag,
  verifyGroupInfoSignature,
  type Welcome,
  zeroOutUint8Array,
} from "./ts-mls.ts";

export type KeyPackageLookup = (ref: Uint8Array) => MlsKeyPackage | undefined | Promise<MlsKeyPackage | undefined>;

export type JoinMaterial = {
  readonly welcome: Welcome;
  readonly publicPackage: KeyPackage;
  readonly privatePackage: PrivateKeyPackage;
  /** When the Welcome has none. */
  readonly ratchetTree: RatchetTree | undefined;
};

/** The first of the packages that a Welcome names which is ours. E056_WELCOME when none is. */
export async function keyPackageOf(welcome: Welcome, keyPackages: KeyPackageLookup): Promise<MlsKeyPackage> {
  for (const { newMember } of welcome.secrets) {
    const own = await keyPackages(newMember);
    if (own !== undefined) return own;
  }
  throw refused("it is for no KeyPackage of this client; it may have been used already");
}

/** Throws E056_WELCOME, or what ts-mls throws at bytes that don't decrypt or decode. */
export async function joinByWelcome(material: JoinMaterial, suite: CiphersuiteImpl): Promise<ClientState> {
  const { welcome, publicPackage, privatePackage } = material;
  if (welcome.cipherSuite !== suiteName) throw refused("it is for another suite");
  const ref = await makeKeyPackageRef(publicPackage, suite.hash);
  const initKey = await suite.hpke.importPrivateKey(privatePackage.initPrivateKey);
  const secrets = await decryptGroupSecrets(initKey, ref, welcome, suite.hpke);
  if (secrets === undefined) throw refused("its secrets are malformed");
  if (secrets.psks.length > 0) throw refused("it wants a pre-shared key");
  const noPsk = new Uint8Array(suite.kdf.size);
  const info = await decryptGroupInfo(welcome, secrets.joinerSecret, noPsk, suite);
  if (info === undefined) throw refused("its group is malformed");
  const tree = ratchetTreeFromExtension(info) ?? material.ratchetTree;
  if (tree === undefined) throw refused("it has no tree");

  await verifyGroupInfo(info, tree, suite);
  if (!(await verifyGroupInfoConfirmationTag(info, secrets.joinerSecret, noPsk, suite))) {
    throw refused("its confirmation tag is wrong");
  }
  await validateTree(tree, info.groupContext, suite);
  const privatePath = await privatePathOf({ ...material, info, tree, pathSecret: secrets.pathSecret }, suite);
  const [keySchedule, encryptionSecret] = await deriveKeySchedule(
    secrets.joinerSecret,
    noPsk,
    info.groupContext,
    suite.kdf,
  );
  const secretTree = await createSecretTree(leafWidth(tree.length), encryptionSecret, suite.kdf);
  zeroOutUint8Array(encryptionSecret);
  zeroOutUint8Array(secrets.joinerSecret);
  return {
    groupContext: info.groupContext,
    ratchetTree: tree,
    privatePath,
    signaturePrivateKey: noSigningKey,
    confirmationTag: info.confirmationTag,
    unappliedProposals: {},
    keySchedule,
    secretTree,
    historicalReceiverData: new Map(),
    groupActiveState: { kind: "active" },
    clientConfig,
  };
}

async function verifyGroupInfo(info: GroupInfo, tree: RatchetTree, suite: CiphersuiteImpl): Promise<void> {
  const { groupContext, signer } = info;
  if (groupContext.version !== "mls10" || groupContext.cipherSuite !== suiteName) {
    throw refused("its group speaks another suite");
  }
  // We take no message from outside a group, so in such a group the others would go on without us.
  if (groupContext.extensions.some(({ extensionType }) => extensionType === "external_senders")) {
    throw refused("its group lets outsiders change it");
  }
  const node = tree[signer * 2];
  if (node?.nodeType !== "leaf") throw refused("its signer is no member");
  if (!(await verifyGroupInfoSignature(info, node.leaf.signaturePublicKey, suite.signature))) {
    throw refused("its signature is wrong");
  }
}

type PathMaterial = JoinMaterial & {
  readonly info: GroupInfo;
  readonly tree: RatchetTree;
  readonly pathSecret: Uint8Array | undefined;
};

/** Our leaf's key, and those of the ancestors that we share with the committer. */
async function privatePathOf(material: PathMaterial, suite: CiphersuiteImpl): Promise<PrivateKeyPath> {
  const { tree, info, pathSecret, publicPackage, privatePackage } = material;
  const leafIndex = findLeafIndex(tree, publicPackage.leafNode);
  if (leafIndex === undefined || leafIndex === info.signer) throw refused("our leaf does not stand in its tree");
  const own: PrivateKeyPath = {
    leafIndex,
    privateKeys: { [leafToNodeIndex(leafIndex)]: privatePackage.hpkePrivateKey },
  };
  if (pathSecret === undefined) return own;
  const ancestor = firstCommonAncestor(tree, leafIndex, toLeafIndex(info.signer));
  const secrets = await pathToRoot(tree, ancestor, pathSecret, suite.kdf);
  const path = await toPrivateKeyPath(secrets, leafIndex, suite);
  for (const [index, secret] of Object.entries(secrets)) {
    const node = tree[Number(index)];
    if (node === undefined) continue; // the root of a tree whose other half is empty
    const { publicKey } = await suite.hpke.deriveKeyPair(await deriveSecret(secret, "node", suite.kdf));
    const derived = await suite.hpke.exportPublicKey(publicKey);
    if (node.nodeType !== "parent" || !equalBytes(derived, node.parent.hpkePublicKey)) {
      throw refused("its path secret does not fit its tree");
    }
  }
  return mergePrivateKeyPaths(path, own);
}

function refused(why: string): QpqError {
  return new QpqError("E056_WELCOME", { text: `the Welcome is refused: ${why}` });
}
