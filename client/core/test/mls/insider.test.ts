/**
 * What a member may not do although it has all the keys: messages made with ts-mls itself, past every check of ours on the
 * sending side. And what a directory may not do: hand out packages that are not what was asked for.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Identity, keyPackageLifeSecsMax, MlsGroup, MlsKeyPackage, parseKeyPackage } from "quicproquo-core";
import { labels } from "quicproquo-proto";
import type { ClientState, Credential, KeyPackage, Proposal } from "ts-mls";
import { createGroup } from "ts-mls/clientState.js";
import { createCommit, createGroupInfoWithExternalPubAndRatchetTree, joinGroupExternal } from "ts-mls/createCommit.js";
import { createProposal } from "ts-mls/createMessage.js";
import { encodeExternalSender } from "ts-mls/externalSender.js";
import { generateKeyPackageWithKey } from "ts-mls/keyPackage.js";
import { encodeMlsMessage } from "ts-mls/message.js";
import { decodeState } from "../../src/mls/group-state.ts";
import { clientConfig, noSigningKey, suiteOf } from "../../src/mls/suite.ts";
import { groupOf, hex, type Person, rejectsWith } from "./people.ts";

const nowMs = Date.now();
const nowSecs = BigInt(Math.floor(nowMs / 1000));
const aDay = { notBefore: nowSecs - 3_600n, notAfter: nowSecs + 86_400n };
const suiteName = "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519" as const;

type Forged = {
  readonly credential?: Credential;
  readonly lifetime?: typeof aDay;
  readonly signaturePublicKey?: Uint8Array;
};

/** A package in which anything may be wrong; signed by `me`. */
async function forge(me: Identity, { credential, lifetime, signaturePublicKey }: Forged = {}) {
  return generateKeyPackageWithKey(
    credential ?? { credentialType: "basic", identity: me.identityKey },
    { versions: ["mls10"], ciphersuites: [suiteName], extensions: [], proposals: [], credentials: ["basic"] },
    lifetime ?? aDay,
    [],
    { signKey: noSigningKey, publicKey: signaturePublicKey ?? me.identityKey },
    suiteOf(me),
  );
}

function wire(keyPackage: KeyPackage): Uint8Array {
  return encodeMlsMessage({ version: "mls10", wireformat: "mls_key_package", keyPackage });
}

/** The state behind a person's group, as an attacker has it of its own. */
function stateOf(person: Person): ClientState {
  return decodeState(person.group.snapshot(), new Map());
}

async function commitPast(person: Person, extraProposals: Proposal[]): Promise<Uint8Array> {
  const trusting = { ...clientConfig, authService: { validateCredential: async () => true } };
  const state = { ...stateOf(person), clientConfig: trusting };
  const { commit } = await createCommit({ state, cipherSuite: suiteOf(person.me) }, { extraProposals });
  return encodeMlsMessage(commit);
}

test("a package of our own passes for its identity and for no other", async () => {
  const me = Identity.generate();
  const own = await MlsKeyPackage.generate(me, { nowMs, lastResort: false });
  const parsed = await parseKeyPackage(own.public, me.identityKey, nowMs);
  assert.equal(hex(parsed.identityKey), hex(me.identityKey));
  assert.equal(hex(parsed.ref), hex(own.ref));
  assert.equal(parsed.notAfterMs, own.notAfterMs);
  assert.equal(own.notAfterMs, Math.floor(nowMs / 1000) * 1000 + 86_400_000);
  const other = Identity.generate().identityKey;
  await rejectsWith(parseKeyPackage(own.public, other, nowMs), "E055_KEY_PACKAGE", /another identity/);
});

test("a package under another's name, or whose credential is not the signing key, is refused", async () => {
  const [me, victim] = [Identity.generate(), Identity.generate()];
  const credential: Credential = { credentialType: "basic", identity: victim.identityKey };
  const inHerName = await forge(me, { credential });
  await rejectsWith(
    parseKeyPackage(wire(inHerName.publicPackage), victim.identityKey, nowMs),
    "E055_KEY_PACKAGE",
    /another/,
  );
  const withHerKey = await forge(me, { credential, signaturePublicKey: victim.identityKey });
  await rejectsWith(
    parseKeyPackage(wire(withHerKey.publicPackage), victim.identityKey, nowMs),
    "E055_KEY_PACKAGE",
    /signature/,
  );
  const x509: Credential = { credentialType: "x509", certificates: [victim.identityKey] };
  const certified = await forge(me, { credential: x509 });
  await rejectsWith(
    parseKeyPackage(wire(certified.publicPackage), me.identityKey, nowMs),
    "E055_KEY_PACKAGE",
    /another/,
  );
});

test("a package is refused before its time, after it, and when it lives too long", async () => {
  const me = Identity.generate();
  const own = await MlsKeyPackage.generate(me, { nowMs, lastResort: false });
  const at = (ms: number) => parseKeyPackage(own.public, me.identityKey, ms);
  await rejectsWith(at(own.notAfterMs + 1_000), "E055_KEY_PACKAGE", /expired/);
  assert.ok(await at(own.notAfterMs));
  assert.ok(await at(nowMs - 3_599_000), "another's clock may be an hour behind");
  await rejectsWith(at(nowMs - 3_602_000), "E055_KEY_PACKAGE", /not valid yet/);
  const long = { notBefore: nowSecs, notAfter: nowSecs + BigInt(keyPackageLifeSecsMax) + 1n };
  const forged = await forge(me, { lifetime: long });
  await rejectsWith(parseKeyPackage(wire(forged.publicPackage), me.identityKey, nowMs), "E055_KEY_PACKAGE", /too long/);
  const endless = await forge(me, { lifetime: { notBefore: 0n, notAfter: 2n ** 63n - 1n } });
  await rejectsWith(
    parseKeyPackage(wire(endless.publicPackage), me.identityKey, nowMs),
    "E055_KEY_PACKAGE",
    /too long/,
  );
});

test("a package with any one byte altered is refused", async () => {
  const me = Identity.generate();
  const own = await MlsKeyPackage.generate(me, { nowMs, lastResort: true });
  for (let at = 0; at < own.public.length; at++) {
    const altered = Uint8Array.from(own.public);
    altered[at] = (altered[at] as number) ^ (1 << (at % 8));
    await rejectsWith(parseKeyPackage(altered, me.identityKey, nowMs), "E055_KEY_PACKAGE");
  }
});

test("a member cannot add somebody under another's name: everybody refuses its commit", async () => {
  const [alice, bob] = (await groupOf(2)) as [Person, Person];
  const credential: Credential = { credentialType: "basic", identity: Identity.generate().identityKey };
  const { publicPackage } = await forge(Identity.generate(), { credential });
  const commit = await commitPast(alice, [{ proposalType: "add", add: { keyPackage: publicPackage } }]);
  const processed = await bob.group.process(commit);
  assert.ok(processed.kind === "refused");
  assert.match(processed.reason, /credential/);
});

test("a member cannot add a key that is in the group already", async () => {
  const [alice, bob, carol] = (await groupOf(3)) as [Person, Person, Person];
  const { publicPackage } = await forge(carol.me);
  const state = stateOf(alice);
  // Alice's own library refuses as well, so the proposal goes by reference through one that doesn't look
  const add: Proposal = { proposalType: "add", add: { keyPackage: publicPackage } };
  await assert.rejects(createCommit({ state, cipherSuite: suiteOf(alice.me) }, { extraProposals: [add] }));
  const { message } = await createProposal(state, false, add, suiteOf(alice.me));
  const processed = await bob.receive(encodeMlsMessage(message));
  assert.equal(processed.kind, "proposal");
  // what is proposed counts for nothing: our commits take up no proposed add
  const staged = await bob.group.commit();
  assert.equal(staged.next.members.length, 3);
  assert.equal(staged.welcome, undefined);
});

test("a member cannot become somebody else by renewing its leaf", async () => {
  const [alice, bob] = (await groupOf(2)) as [Person, Person];
  const mallory = Identity.generate(); // of Alice too
  const state = stateOf(alice);
  const leafAt = state.privatePath.leafIndex * 2;
  const node = state.ratchetTree[leafAt];
  assert.ok(node?.nodeType === "leaf");
  const credential: Credential = { credentialType: "basic", identity: mallory.identityKey };
  const ratchetTree = state.ratchetTree.slice();
  ratchetTree[leafAt] = {
    nodeType: "leaf",
    leaf: { ...node.leaf, credential, signaturePublicKey: mallory.identityKey },
  };
  // The new leaf is signed by the new key, the commit by the old one, as RFC 9420 wants it.
  let signed = 0;
  const suite = suiteOf(alice.me);
  const signing = {
    ...suite,
    signature: {
      ...suite.signature,
      sign: async (_: Uint8Array, content: Uint8Array) => (signed++ === 0 ? mallory : alice.me).signMls(content),
    },
  };
  const { commit } = await createCommit({ state: { ...state, ratchetTree }, cipherSuite: signing });
  assert.deepEqual(await bob.group.process(encodeMlsMessage(commit)), {
    kind: "refused",
    reason: "a leaf changes its identity",
  });
});

test("what this product doesn't offer is refused: re-initialisation, GroupContext extensions, pre-shared keys", async () => {
  const [alice, bob] = (await groupOf(2)) as [Person, Person];
  const group = { groupId: alice.group.groupId, version: "mls10", cipherSuite: suiteName, extensions: [] } as const;
  const psk = { psktype: "external", pskId: Uint8Array.of(1), pskNonce: new Uint8Array(32) } as const;
  const proposals: Proposal[] = [
    { proposalType: "reinit", reinit: { ...group, extensions: [] } },
    { proposalType: "group_context_extensions", groupContextExtensions: { extensions: [] } },
    { proposalType: "psk", psk: { preSharedKeyId: psk } },
  ];
  for (const proposal of proposals) {
    const { message } = await createProposal(stateOf(alice), false, proposal, suiteOf(alice.me));
    const proposed = await bob.group.process(encodeMlsMessage(message));
    assert.ok(proposed.kind === "refused", proposal.proposalType as string);
    assert.match(proposed.reason, /not offered/);
    if (proposal.proposalType === "psk") continue; // nobody can commit it without the key
    const committed = await bob.group.process(await commitPast(alice, [proposal]));
    assert.ok(committed.kind === "refused", proposal.proposalType as string);
    assert.match(committed.reason, /not offered/);
  }
});

test("who has a GroupInfo cannot walk in by an external commit, nor propose from outside", async () => {
  const [alice, bob] = (await groupOf(2)) as [Person, Person];
  const mallory = Identity.generate();
  const suite = suiteOf(alice.me);
  const info = await createGroupInfoWithExternalPubAndRatchetTree(stateOf(alice), [], suite);
  const { publicPackage, privatePackage } = await forge(mallory);
  const outside = await joinGroupExternal(
    info,
    publicPackage,
    privatePackage,
    false,
    suiteOf(mallory),
    undefined,
    clientConfig,
  );
  const { publicMessage } = outside;
  const commit = encodeMlsMessage({ version: "mls10", wireformat: "mls_public_message", publicMessage });
  assert.deepEqual(await bob.group.process(commit), { kind: "refused", reason: "the sender is not a member" });
});

test("a group that outsiders may change is not joined", async () => {
  const [alice, bob] = [Identity.generate(), Identity.generate()];
  const extensionData = encodeExternalSender({
    signaturePublicKey: alice.identityKey,
    credential: { credentialType: "basic", identity: alice.identityKey },
  });
  const { publicPackage, privatePackage } = await forge(alice);
  const extensions = [{ extensionType: "external_senders" as const, extensionData }];
  const state = await createGroup(
    new Uint8Array(16),
    publicPackage,
    privatePackage,
    extensions,
    suiteOf(alice),
    clientConfig,
  );
  const own = await MlsKeyPackage.generate(bob, { nowMs, lastResort: false });
  const peer = await parseKeyPackage(own.public, bob.identityKey, nowMs);
  const add: Proposal = { proposalType: "add", add: { keyPackage: peer.keyPackage } };
  const { welcome } = await createCommit(
    { state, cipherSuite: suiteOf(alice) },
    { extraProposals: [add], ratchetTreeExtension: true },
  );
  assert.ok(welcome !== undefined);
  const bytes = encodeMlsMessage({ version: "mls10", wireformat: "mls_welcome", welcome });
  await rejectsWith(
    MlsGroup.join(bob, bytes, () => own),
    "E056_WELCOME",
    /outsiders/,
  );
});

test("what MLS has signed begins as no label of ours does, so neither signature can be taken for the other", async () => {
  const firstBytes = new Set<number>();
  const person = (await groupOf(2))[0] as Person;
  const suite = suiteOf(person.me);
  const sign = async (_: Uint8Array, content: Uint8Array) => {
    firstBytes.add(content[0] as number);
    return person.me.signMls(content);
  };
  await createCommit({ state: stateOf(person), cipherSuite: { ...suite, signature: { ...suite.signature, sign } } });
  assert.ok(firstBytes.size > 0 && [...firstBytes].every((byte) => byte < 64));
  assert.ok(Object.values(labels).every((label) => label.charCodeAt(0) >= 64));
});
