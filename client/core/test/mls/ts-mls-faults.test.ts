/**
 * The faults of ts-mls 1.6.4 that this product works around or keeps out, each shown: a test that fails here after an
 * upgrade says that one is gone, and which workaround can go with it. (One more, beside OpenMLS: openmls.test.ts.)
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { defaultAuthenticationService } from "ts-mls/authenticationService.js";
import { MlsGroup, MlsKeyPackage, parseKeyPackage } from "quicproquo-core";
import { joinGroup, makePskIndex } from "ts-mls/clientState.js";
import { createCommit, createGroupInfoWithExternalPub } from "ts-mls/createCommit.js";
import { decodeMlsMessage, encodeMlsMessage } from "ts-mls/message.js";
import { processMessage, processPrivateMessage } from "ts-mls/processMessages.js";
import type { Proposal } from "ts-mls";
import { decodeState } from "../../src/mls/group-state.ts";
import { clientConfig, suiteOf } from "../../src/mls/suite.ts";
import { addAll, bytes, commitAll, groupOf, packageOf, Person } from "./people.ts";

const stateOf = (person: Person) => decodeState(person.group.snapshot(), new Map());

test("it takes every credential by default, hence ours (credential.ts)", async () => {
  const credential = { credentialType: "basic" as const, identity: bytes("the queen") };
  assert.equal(await defaultAuthenticationService.validateCredential(credential, randomBytes(32)), true);
  assert.equal(await clientConfig.authService.validateCredential(credential, randomBytes(32)), false);
});

test("it reads what stands before trailing bytes, and makes undefined of nothing, hence decodeWhole", async () => {
  const [alice] = (await groupOf(1)) as [Person];
  const message = await alice.send("x");
  assert.ok(decodeMlsMessage(Uint8Array.of(...message, 1, 2, 3), 0) !== undefined);
  assert.equal(decodeMlsMessage(new Uint8Array(0), 0), undefined);
});

test("it refuses a right tree whose ancestors list different unmerged leaves, hence join.ts", async () => {
  // All parents filled, two leaves emptied again; one newcomer stays unmerged above, where another member renews below.
  const people = await groupOf(6);
  const [first, second] = people as [Person, Person, ...Person[]];
  for (const person of people)
    await commitAll(
      person,
      {},
      people.filter((each) => each !== person),
    );
  await commitAll(first, { remove: [2, 5] }, people.slice(1));
  const staying = people.filter(({ group }) => group.isMember);
  const but = (...out: Person[]) => staying.filter((person) => !out.includes(person));
  const third = new Person();
  await addAll(second, [third], but(second));
  staying.push(third);
  await commitAll(staying[3] as Person, {}, but(staying[3] as Person));
  const fourth = new Person();
  const own = await packageOf(fourth);
  const add = [await parseKeyPackage(own.public, fourth.me.identityKey, Date.now())];
  const welcome = (await second.group.commit({ add })).welcome as Uint8Array;
  const message = decodeMlsMessage(welcome, 0)?.[0];
  assert.ok(message?.wireformat === "mls_welcome");
  const { publicPackage, privatePackage } = own.halves();
  const theirs = joinGroup(
    message.welcome,
    publicPackage,
    privatePackage,
    makePskIndex(undefined, {}),
    suiteOf(fourth.me),
    undefined,
    undefined,
    clientConfig,
  );
  await assert.rejects(theirs, /unmerged_leaves/);
  assert.equal((await MlsGroup.join(fourth.me, welcome, () => own)).group.members.length, 6);
});

test("it does not see a removal whose leaf is given away in the same commit, hence orRemoved in processing.ts", async () => {
  const [alice, bob] = (await groupOf(2)) as [Person, Person];
  const carol = new Person();
  const add = [await parseKeyPackage((await packageOf(carol)).public, carol.me.identityKey, Date.now())];
  const { commit } = await alice.group.commit({ add, remove: [bob.leaf] });
  const message = decodeMlsMessage(commit, 0)?.[0];
  assert.ok(message?.wireformat === "mls_private_message");
  const noPsk = makePskIndex(undefined, {});
  await assert.rejects(processPrivateMessage(stateOf(bob), message.privateMessage, noPsk, suiteOf(bob.me)));
  const processed = await bob.receive(commit);
  assert.ok(processed.kind === "commit" && processed.removedMe);
});

test("it drops the ratchet step of its commit, so the same state commits twice with one key, hence StagedCommit.base", async () => {
  const [alice] = (await groupOf(2)) as [Person];
  const state = stateOf(alice);
  const suite = suiteOf(alice.me);
  const keys: string[] = [];
  const encryptAead: typeof suite.hpke.encryptAead = (key, nonce, aad, plaintext) => {
    keys.push(key.toHex());
    return suite.hpke.encryptAead(key, nonce, aad, plaintext);
  };
  const watched = { ...suite, hpke: { ...suite.hpke, encryptAead } };
  await createCommit({ state, cipherSuite: watched });
  const [first] = keys.splice(0);
  await createCommit({ state, cipherSuite: watched });
  assert.equal(keys[0], first, "the key of the PrivateMessage");
});

test("external_pub lacks the length that RFC 9420 wants, hence no external joins", async () => {
  const [alice] = (await groupOf(1)) as [Person];
  const info = await createGroupInfoWithExternalPub(stateOf(alice), [], suiteOf(alice.me));
  const extension = info.extensions.find(({ extensionType }) => extensionType === "external_pub");
  assert.equal(extension?.extensionData.length, 32); // RFC 9420: 33, the first being 0x20
});

test("a commit of GroupContext extensions lacks the path that RFC 9420 wants, hence none are offered or taken", async () => {
  const [alice, bob] = (await groupOf(2)) as [Person, Person];
  const change: Proposal = { proposalType: "group_context_extensions", groupContextExtensions: { extensions: [] } };
  const context = { state: stateOf(alice), cipherSuite: suiteOf(alice.me) };
  const { commit } = await createCommit(context, { extraProposals: [change], wireAsPublicMessage: true });
  assert.ok(commit.wireformat === "mls_public_message" && commit.publicMessage.content.contentType === "commit");
  assert.equal(commit.publicMessage.content.commit.path, undefined);
  assert.equal((await bob.group.process(encodeMlsMessage(commit))).kind, "refused");
});

test("processMessage loses the pre-shared keys of private messages, hence processPrivateMessage", async () => {
  const [alice, bob] = (await groupOf(2)) as [Person, Person];
  const pskId = Uint8Array.of(1);
  const psks = makePskIndex(undefined, { [pskId.toBase64()]: randomBytes(32) });
  const psk: Proposal = {
    proposalType: "psk",
    psk: { preSharedKeyId: { psktype: "external", pskId, pskNonce: randomBytes(32) } },
  };
  const context = { state: stateOf(alice), cipherSuite: suiteOf(alice.me), pskIndex: psks };
  const { commit } = await createCommit(context, { extraProposals: [psk] });
  assert.ok(commit.wireformat === "mls_private_message");
  const suite = suiteOf(bob.me);
  await assert.rejects(processMessage(commit, stateOf(bob), psks, () => "accept", suite));
  assert.ok(await processPrivateMessage(stateOf(bob), commit.privateMessage, psks, suite));
});

test("a KeyPackage may join any number of groups with it, hence the caller deletes it and join() says which", async () => {
  const bob = new Person();
  const own = await MlsKeyPackage.generate(bob.me, { nowMs: Date.now(), lastResort: false });
  for (let at = 0; at < 2; at++) {
    const [alice] = (await groupOf(1)) as [Person];
    const add = [await parseKeyPackage(own.public, bob.me.identityKey, Date.now())];
    const { welcome } = await alice.group.commit({ add });
    assert.ok((await MlsGroup.join(bob.me, welcome as Uint8Array, () => own)).usedRef.length === 32);
  }
});

test("ts-mls is pinned to one version, and the ML-KEM that it would like, which takes invalid keys, is not installed", () => {
  const root = new URL("../../../../", import.meta.url);
  const json = (path: string) => JSON.parse(readFileSync(new URL(path, root), "utf8"));
  assert.equal(json("client/core/package.json").dependencies["ts-mls"], "1.6.4");
  const installed = Object.entries<{ version?: string }>(json("package-lock.json").packages);
  assert.equal(installed.find(([path]) => path === "node_modules/ts-mls")?.[1].version, "1.6.4");
  for (const [path, { version }] of installed) {
    if (path.endsWith("@noble/post-quantum")) assert.notEqual(version, "0.5.2", path);
  }
});
