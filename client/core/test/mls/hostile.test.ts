/** What the network can bring: altered, cut, repeated, reordered, forged. Each is told apart, and the state stays. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { groupIdOf, isWelcome, MlsGroup, parseKeyPackage, pendingProposalsMax } from "quicproquo-core";
import { createProposal } from "ts-mls/createMessage.js";
import { encodeMlsMessage } from "ts-mls/message.js";
import type { Proposal } from "ts-mls";
import { decodeState } from "../../src/mls/group-state.ts";
import { suiteOf } from "../../src/mls/suite.ts";
import { bytes, commitAll, groupOf, hex, packageOf, Person, rejectsWith } from "./people.ts";

test("a message with any one byte altered is refused, or it is none of this epoch; the original is read afterwards", async () => {
  const [alice, bob] = (await groupOf(2)) as [Person, Person];
  const said = await alice.group.encrypt(bytes("hello"));
  const update = await alice.group.commit();
  const leave = await alice.group.proposeLeave();
  for (const message of [said.message, update.commit, leave.message]) {
    for (let at = 0; at < message.length; at++) {
      const altered = Uint8Array.from(message);
      altered[at] = (altered[at] as number) ^ (1 << (at % 8));
      const processed = await bob.group.process(altered);
      assert.ok(["refused", "past", "future"].includes(processed.kind), `byte ${at}: ${processed.kind}`);
    }
  }
  assert.equal((await bob.group.process(said.message)).kind, "application");
  assert.equal((await bob.group.process(update.commit)).kind, "commit");
  assert.equal((await bob.group.process(leave.message)).kind, "proposal");
});

test("a commit in clear with any one byte altered is refused too", async () => {
  const [alice, bob] = (await groupOf(2)) as [Person, Person];
  const { commit } = await alice.group.commit({}, { wireFormat: "public" });
  for (let at = 0; at < commit.length; at++) {
    const altered = Uint8Array.from(commit);
    altered[at] = (altered[at] as number) ^ (1 << (at % 8));
    const processed = await bob.group.process(altered);
    assert.ok(["refused", "past", "future"].includes(processed.kind), `byte ${at}: ${processed.kind}`);
  }
  assert.equal((await bob.group.process(commit)).kind, "commit");
});

test("a Welcome with any one byte altered, cut at any length or with a byte more is refused", async () => {
  const [alice] = (await groupOf(1)) as [Person];
  const bob = new Person();
  const own = await packageOf(bob);
  const add = [await parseKeyPackage(own.public, bob.me.identityKey, Date.now())];
  const welcome = (await alice.group.commit({ add })).welcome as Uint8Array;
  const join = (bytes: Uint8Array) =>
    MlsGroup.join(bob.me, bytes, (ref) => (hex(ref) === hex(own.ref) ? own : undefined));
  for (let at = 0; at < welcome.length; at++) {
    const altered = Uint8Array.from(welcome);
    altered[at] = (altered[at] as number) ^ (1 << (at % 8));
    await rejectsWith(join(altered), "E056_WELCOME");
  }
  for (let length = 0; length < welcome.length; length += 7) {
    await rejectsWith(join(welcome.subarray(0, length)), "E056_WELCOME");
  }
  await rejectsWith(join(Uint8Array.of(...welcome, 0)), "E056_WELCOME");
  assert.equal((await join(welcome)).group.epoch, 1n);
});

test("empty input, cut input, bytes behind the end and any other bytes are refused as malformed", async () => {
  const [alice, bob] = (await groupOf(2)) as [Person, Person];
  const message = await alice.send("hello");
  const malformed: Uint8Array[] = [new Uint8Array(0), Uint8Array.of(...message, 0)];
  for (let length = 1; length < message.length; length++) malformed.push(message.subarray(0, length));
  for (const each of malformed) {
    assert.deepEqual(await bob.group.process(each), { kind: "refused", reason: "malformed" });
    assert.equal(groupIdOf(each), undefined);
  }
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    // behind a right header, so that each of the wire formats is read
    fc.tuple(fc.integer({ min: 0, max: 6 }), fc.uint8Array({ maxLength: 300 })).map(([format, rest]) => {
      return Uint8Array.of(0, 1, 0, format, ...rest);
    }),
  );
  await fc.assert(
    fc.asyncProperty(anything, async (each) => {
      assert.equal((await bob.group.process(each)).kind, "refused");
      groupIdOf(each);
      isWelcome(each);
      await rejectsWith(parseKeyPackage(each, bob.me.identityKey, Date.now()), "E055_KEY_PACKAGE");
      await rejectsWith(
        MlsGroup.join(bob.me, each, () => undefined),
        "E056_WELCOME",
      );
    }),
    { numRuns: 300 },
  );
});

test("a message of another group is refused, and its group is named by groupIdOf", async () => {
  const [alice, bob] = (await groupOf(2)) as [Person, Person];
  const [carol] = (await groupOf(2)) as [Person, Person];
  const message = await carol.send("hello");
  assert.deepEqual(await bob.group.process(message), { kind: "refused", reason: "of another group" });
  assert.equal(hex(groupIdOf(message)?.groupId as Uint8Array), hex(carol.group.groupId));
  assert.equal(groupIdOf(message)?.epoch, 1n);
  assert.equal(isWelcome(message), false);
  assert.equal(alice.group.epoch, 1n);
});

test("a message that comes again is refused, an own one that comes back too", async () => {
  const [alice, bob] = (await groupOf(2)) as [Person, Person];
  const message = await alice.send("once");
  assert.equal(await bob.hear(message), "once");
  assert.equal((await bob.receive(message)).kind, "refused");
  assert.equal((await alice.receive(message)).kind, "refused");
  const commit = await commitAll(alice, {}, [bob]);
  assert.equal((await bob.receive(commit)).kind, "past");
  assert.equal((await alice.receive(commit)).kind, "past");
  assert.equal((await bob.receive(message)).kind, "past");
});

test("messages out of order are read up to 10 late, and one that is more than 200 ahead is refused", async () => {
  const [alice, bob] = (await groupOf(2)) as [Person, Person];
  const messages: Uint8Array[] = [];
  for (let at = 0; at < 212; at++) messages.push(await alice.send(String(at)));
  assert.equal((await bob.group.process(messages[201] as Uint8Array)).kind, "refused");
  assert.equal(await bob.hear(messages[200] as Uint8Array), "200");
  for (let at = 190; at < 200; at++) assert.equal(await bob.hear(messages[at] as Uint8Array), String(at));
  assert.equal((await bob.receive(messages[189] as Uint8Array)).kind, "refused");
  assert.equal(await bob.hear(messages[211] as Uint8Array), "211");
});

test("a late message is read for 4 epochs, then it is past; a commit or proposal of a past epoch always is", async () => {
  const [alice, bob] = (await groupOf(2)) as [Person, Person];
  const late = await alice.group.encrypt(bytes("late"));
  const proposal = await late.next.proposeLeave();
  alice.group = late.next;
  for (let epochs = 1; epochs <= 4; epochs++) {
    await commitAll(alice, {}, [bob]);
    const processed = await bob.group.process(late.message);
    assert.ok(processed.kind === "application" && processed.epoch === 1n, `${epochs} epochs late: ${processed.kind}`);
    assert.equal(hex(processed.sender), hex(alice.me.identityKey));
    assert.equal((await processed.next.process(late.message)).kind, "past", "but only once");
    assert.equal((await bob.group.process(proposal.message)).kind, "past");
  }
  await commitAll(alice, {}, [bob]);
  assert.equal((await bob.group.process(late.message)).kind, "past");
});

test("a message of a future epoch is future, and is read when the commit has come", async () => {
  const [alice, bob] = (await groupOf(2)) as [Person, Person];
  const { next, commit } = await alice.group.commit();
  alice.group = next;
  const early = await alice.send("early");
  assert.deepEqual(await bob.group.process(early), { kind: "future", epoch: 2n });
  await bob.receive(commit);
  assert.equal(await bob.hear(early), "early");
});

test("a fork is seen: each side refuses the other's messages, and the authenticators differ", async () => {
  const [alice, bob] = (await groupOf(2)) as [Person, Person];
  const mine = await alice.group.commit();
  const theirs = await bob.group.commit();
  alice.group = mine.next;
  bob.group = theirs.next;
  assert.equal(alice.group.epoch, bob.group.epoch);
  assert.notEqual(hex(alice.group.epochAuthenticator), hex(bob.group.epochAuthenticator));
  assert.equal((await bob.receive(await alice.send("hello"))).kind, "refused");
});

test("a Welcome that comes again finds no KeyPackage once that is deleted", async () => {
  const [alice] = (await groupOf(1)) as [Person];
  const bob = new Person();
  const own = await packageOf(bob);
  const pool = new Map([[hex(own.ref), own]]);
  const add = [await parseKeyPackage(own.public, bob.me.identityKey, Date.now())];
  const welcome = (await alice.group.commit({ add })).welcome as Uint8Array;
  assert.ok(isWelcome(welcome));
  const join = () => MlsGroup.join(bob.me, welcome, (ref) => pool.get(hex(ref)));
  const { usedRef } = await join();
  assert.equal(hex(usedRef), hex(own.ref));
  pool.delete(hex(usedRef));
  own.wipe();
  await rejectsWith(join(), "E056_WELCOME", /no KeyPackage of this client/);
});

test("a last-resort package joins two groups, and stays marked as such", async () => {
  const bob = new Person();
  const own = await packageOf(bob, true);
  assert.equal(own.lastResort, true);
  for (let at = 0; at < 2; at++) {
    const [alice] = (await groupOf(1)) as [Person];
    const peer = await parseKeyPackage(own.public, bob.me.identityKey, Date.now());
    assert.equal(peer.lastResort, true);
    const { welcome } = await alice.group.commit({ add: [peer] });
    assert.equal((await MlsGroup.join(bob.me, welcome as Uint8Array, () => own)).group.members.length, 2);
  }
});

test("a Welcome with somebody else's package or for another identity is refused", async () => {
  const [alice] = (await groupOf(1)) as [Person];
  const [bob, carol] = [new Person(), new Person()];
  const own = await packageOf(bob);
  const add = [await parseKeyPackage(own.public, bob.me.identityKey, Date.now())];
  const welcome = (await alice.group.commit({ add })).welcome as Uint8Array;
  const carols = await packageOf(carol);
  await rejectsWith(
    MlsGroup.join(bob.me, welcome, () => carols),
    "E056_WELCOME",
  );
  await rejectsWith(
    MlsGroup.join(carol.me, welcome, () => own),
    "E056_WELCOME",
    /another identity/,
  );
});

test("no more proposals are kept than the limit, and a commit takes up one a leaf", async () => {
  const [alice, bob, carol] = (await groupOf(3)) as [Person, Person, Person];
  const suite = suiteOf(carol.me);
  let hostile = decodeState(carol.group.snapshot(), new Map());
  const leave: Proposal = { proposalType: "remove", remove: { removed: carol.leaf } };
  for (let at = 0; at < pendingProposalsMax + 3; at++) {
    // the same proposal is the same reference: only a hostile member can make many
    const { newState, message } = await createProposal(hostile, false, leave, suite, Uint8Array.of(at >> 8, at));
    hostile = newState;
    const bytes = encodeMlsMessage(message);
    const processed = await bob.receive(bytes);
    assert.equal(processed.kind, at < pendingProposalsMax ? "proposal" : "refused", `proposal ${at}`);
    if (at < 2) assert.equal((await alice.receive(bytes)).kind, "proposal");
  }
  assert.equal(bob.group.pendingProposals, pendingProposalsMax);
  const staged = await alice.group.commit();
  alice.group = staged.next;
  const seen = await bob.receive(staged.commit);
  assert.ok(seen.kind === "commit" && seen.removed.length === 1);
  assert.equal(bob.group.pendingProposals, 0);
  assert.equal(await bob.hear(await alice.send("on we go")), "on we go");
});

test("a group id may have 1 to 255 bytes, and two groups of one id stay apart", async () => {
  const me = new Person();
  for (const length of [1, 16, 255]) {
    const group = await MlsGroup.create(me.me, randomBytes(length), Date.now());
    assert.equal(groupIdOf((await group.encrypt(bytes("x"))).message)?.groupId.length, length);
  }
  const id = randomBytes(16);
  const one = await MlsGroup.create(me.me, id, Date.now());
  const two = await MlsGroup.create(me.me, id, Date.now());
  assert.equal((await two.process((await one.encrypt(bytes("x"))).message)).kind, "refused");
});
