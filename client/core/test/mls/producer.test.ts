/**
 * What the messages that we produce do to others: vectors cannot show that (all of them pass on a version of ts-mls that
 * lets a removed member read on).
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { MlsGroup, parseKeyPackage } from "quicproquo-core";
import { addAll, commitAll, groupOf, hex, packageOf, parsedPackageOf, Person, rejectsWith, text } from "./people.ts";

test("everybody in a group of five reads what each says, and learns who said it", async () => {
  const people = await groupOf(5);
  for (const speaker of people) {
    const message = await speaker.send(`I am ${speaker.leaf}`);
    for (const listener of people) {
      if (listener === speaker) continue;
      const heard = await listener.receive(message);
      assert.ok(heard.kind === "application");
      assert.equal(text(heard.content), `I am ${speaker.leaf}`);
      assert.equal(hex(heard.sender), hex(speaker.me.identityKey));
      assert.equal(heard.epoch, 1n);
    }
  }
  assert.equal(new Set(people.map(({ group }) => hex(group.epochAuthenticator))).size, 1);
  assert.equal(new Set(await Promise.all(people.map(async ({ group }) => hex(await group.epochProof())))).size, 1);
});

test("a removed member reads nothing that is said after its removal, by whomever, ever", async () => {
  for (const removedLeaf of [1, 2, 3]) {
    const people = await groupOf(4);
    const removed = people[removedLeaf] as Person;
    const staying = people.filter((person) => person !== removed);
    const remover = staying[0] as Person;
    const before = removed.group; // what it keeps when it ignores its removal
    const { next, commit } = await remover.group.commit({ remove: [removedLeaf] });
    for (const person of staying.slice(1)) {
      const processed = await person.receive(commit);
      assert.ok(processed.kind === "commit" && !processed.removedMe);
      assert.deepEqual(processed.removed.map(hex), [hex(removed.me.identityKey)]);
      assert.equal(hex(processed.sender), hex(remover.me.identityKey));
    }
    remover.group = next;
    const own = await removed.receive(commit);
    assert.ok(own.kind === "commit" && own.removedMe && !own.next.isMember);
    for (const speaker of staying) {
      const message = await speaker.send("without you");
      assert.equal((await removed.group.process(message)).kind, "refused");
      assert.equal((await before.process(message)).kind, "future");
      for (const person of staying) if (person !== speaker) assert.equal(await person.hear(message), "without you");
    }
    await rejectsWith(removed.group.encrypt(new Uint8Array(1)), "E058_NOT_A_MEMBER");
    await rejectsWith(removed.group.commit(), "E058_NOT_A_MEMBER");
    await rejectsWith(removed.group.proposeLeave(), "E058_NOT_A_MEMBER");
  }
});

test("a removed member that pretends to be in the next epoch with its old keys cannot open its messages", async () => {
  const [alice, bob, carol] = (await groupOf(3)) as [Person, Person, Person];
  const old = carol.group.snapshot();
  await commitAll(alice, { remove: [carol.leaf] }, [bob]);
  const message = await alice.send("secret");
  // the epoch stands in clear behind the group id: turned back, so that the old keys are tried
  const epochAt = Buffer.from(message).indexOf(Buffer.from(alice.group.groupId)) + alice.group.groupId.length;
  const turnedBack = Uint8Array.from(message);
  turnedBack[epochAt + 7] = (turnedBack[epochAt + 7] as number) - 1;
  const processed = await MlsGroup.restore(carol.me, old, new Map()).process(turnedBack);
  assert.equal(processed.kind, "refused");
  assert.equal(await bob.hear(message), "secret");
});

test("after an update, a copy of the old state opens nothing any more", async () => {
  const [alice, bob] = (await groupOf(2)) as [Person, Person];
  const stolen = alice.group.snapshot();
  assert.equal(
    await MlsGroup.restore(alice.me, stolen, new Map())
      .process(await bob.send("a"))
      .then((it) => it.kind),
    "application",
  );
  const update = await commitAll(alice, {}, [bob]);
  // the thief follows the commit only as a receiver would, and Alice's own commit is sealed to everybody but her
  const thief = MlsGroup.restore(alice.me, stolen, new Map());
  assert.equal((await thief.process(update)).kind, "refused");
  assert.equal((await thief.process(await bob.send("b"))).kind, "future");
  assert.equal(await alice.hear(await bob.send("c")), "c");
});

test("one commit adds two, removes one and takes up a leave, and all who stay agree", async () => {
  const [alice, bob, carol, dave] = (await groupOf(4)) as [Person, Person, Person, Person];
  const { next, message } = await dave.group.proposeLeave();
  dave.group = next;
  for (const person of [alice, bob, carol]) assert.equal((await person.receive(message)).kind, "proposal");
  const [erin, frank] = [new Person(), new Person()];
  const add = [await parsedPackageOf(erin), await parsedPackageOf(frank)];
  const staged = await alice.group.commit({ add, remove: [bob.leaf] });
  const seen = await carol.receive(staged.commit);
  assert.ok(seen.kind === "commit");
  assert.deepEqual(seen.added.map(hex).sort(), [erin, frank].map((person) => hex(person.me.identityKey)).sort());
  assert.deepEqual(seen.removed.map(hex).sort(), [bob, dave].map((person) => hex(person.me.identityKey)).sort());
  for (const gone of [bob, dave]) {
    const processed = await gone.receive(staged.commit);
    assert.ok(processed.kind === "commit" && processed.removedMe);
  }
  alice.group = staged.next;
  assert.equal(hex(carol.group.epochAuthenticator), hex(alice.group.epochAuthenticator));
  assert.equal(carol.group.members.length, 4);
  assert.equal(carol.group.pendingProposals, 0);
});

test("removing while adding: the new member takes the free leaf, and the old one is locked out", async () => {
  const [alice, bob, carol] = (await groupOf(3)) as [Person, Person, Person];
  const dave = new Person();
  const own = await packageOf(dave);
  const add = [await parseKeyPackage(own.public, dave.me.identityKey, Date.now())];
  const staged = await alice.group.commit({ add, remove: [bob.leaf] });
  assert.equal((await carol.receive(staged.commit)).kind, "commit");
  assert.equal((await bob.receive(staged.commit)).kind, "commit");
  alice.group = staged.next;
  dave.group = (await MlsGroup.join(dave.me, staged.welcome as Uint8Array, () => own)).group;
  assert.equal(dave.leaf, 1);
  const message = await dave.send("in Bob's place");
  assert.equal(await alice.hear(message), "in Bob's place");
  assert.equal(await carol.hear(message), "in Bob's place");
  assert.equal(bob.group.isMember, false);
});

test("of two commits of one epoch the second is past for those who took the first, and its maker goes on from its base", async () => {
  const [alice, bob, carol] = (await groupOf(3)) as [Person, Person, Person];
  const dave = new Person();
  const add = [await parsedPackageOf(dave)];
  const winner = await alice.group.commit({});
  const loser = await bob.group.commit({ add });
  assert.equal((await carol.receive(winner.commit)).kind, "commit");
  assert.equal((await carol.receive(loser.commit)).kind, "past");
  bob.group = loser.base;
  assert.equal((await bob.receive(winner.commit)).kind, "commit");
  alice.group = winner.next;
  // the intent again, from the new epoch
  const again = await bob.group.commit({ add });
  for (const person of [alice, carol]) assert.equal((await person.receive(again.commit)).kind, "commit");
  bob.group = again.next;
  assert.equal(hex(alice.group.epochAuthenticator), hex(bob.group.epochAuthenticator));
  assert.equal(alice.group.members.length, 4);
});

test("two commits from one epoch, the second from the first one's base, do not use one key twice", async () => {
  const [alice, bob] = (await groupOf(2)) as [Person, Person];
  const first = await alice.group.commit({});
  const second = await first.base.commit({});
  // Bob takes the second although he has seen the key of the first used: a key used twice would be one of the past.
  const proposal = await first.base.proposeLeave();
  assert.equal((await bob.group.process(first.commit)).kind, "commit");
  assert.equal((await bob.group.process(second.commit)).kind, "commit");
  const afterSecond = await bob.group.process(proposal.message);
  assert.equal(afterSecond.kind, "proposal");
  // The value before the commit, used again, shows the fault: the same generation for another message.
  const reused = await alice.group.proposeLeave();
  const taken = await bob.group.process(reused.message);
  assert.ok(taken.kind === "proposal");
  const clash = await taken.next.process(first.commit);
  assert.ok(clash.kind === "refused", clash.kind);
  const noClash = await (afterSecond as { next: MlsGroup }).next.process(first.commit);
  assert.ok(noClash.kind === "commit", "the skipped generation is still there");
});

test("parallel sends through one queue lose nothing; from one value, only the first is read", async () => {
  const [alice, bob] = (await groupOf(2)) as [Person, Person];
  const texts = Array.from({ length: 20 }, (_, at) => `message ${at}`);
  let queue: Promise<unknown> = Promise.resolve();
  const queued = texts.map((each) => {
    const sent = queue.then(() => alice.send(each));
    queue = sent;
    return sent;
  });
  const heard: (string | undefined)[] = [];
  for (const message of await Promise.all(queued)) heard.push(await bob.hear(message));
  assert.deepEqual(heard, texts);

  const value = alice.group;
  const parallel = await Promise.all(texts.slice(0, 3).map((each) => value.encrypt(new TextEncoder().encode(each))));
  const kinds: string[] = [];
  for (const { message } of parallel) kinds.push((await bob.receive(message)).kind);
  assert.deepEqual(kinds, ["application", "refused", "refused"]);
});

test("a leave is a proposal: nobody encrypts until another member commits it, and the leaver cannot", async () => {
  const [alice, bob, carol] = (await groupOf(3)) as [Person, Person, Person];
  const { next, message } = await carol.group.proposeLeave();
  carol.group = next;
  for (const person of [alice, bob]) {
    const processed = await person.receive(message);
    assert.ok(processed.kind === "proposal");
    assert.equal(hex(processed.sender), hex(carol.me.identityKey));
  }
  for (const person of [alice, bob, carol]) {
    assert.equal(person.group.pendingProposals, 1);
    await rejectsWith(person.group.encrypt(new Uint8Array(1)), "E060_PROPOSALS_PENDING");
  }
  await rejectsWith(carol.group.commit(), "E059_GROUP_CHANGE", /another member commits it/);
  await commitAll(bob, {}, [alice, carol]);
  assert.equal(carol.group.isMember, false);
  assert.deepEqual(
    bob.group.members.map(({ leafIndex }) => leafIndex),
    [0, 1],
  );
  assert.equal(await alice.hear(await bob.send("she left")), "she left");
});

test("a member cannot commit its own removal, a leaf that is empty, somebody who is in, or one key twice", async () => {
  const [alice, bob] = (await groupOf(2)) as [Person, Person];
  await rejectsWith(alice.group.commit({ remove: [alice.leaf] }), "E059_GROUP_CHANGE", /own removal/);
  await rejectsWith(alice.group.commit({ remove: [7] }), "E059_GROUP_CHANGE");
  await rejectsWith(alice.group.commit({ add: [await parsedPackageOf(bob)] }), "E059_GROUP_CHANGE");
  const carol = new Person();
  const twice = [await parsedPackageOf(carol), await parsedPackageOf(carol)];
  await rejectsWith(alice.group.commit({ add: twice }), "E059_GROUP_CHANGE");
  await rejectsWith(alice.group.commit({ remove: [bob.leaf, bob.leaf] }), "E059_GROUP_CHANGE");
  assert.equal(alice.group.epoch, 1n);
});

test("a group of 40 with half of its members removed and others added in between keeps one secret", async () => {
  const people = await groupOf(40);
  const [first] = people as [Person, ...Person[]];
  const staying = people.filter((_, at) => at % 2 === 0);
  const leaving = people.filter((_, at) => at % 2 === 1);
  await commitAll(first, { remove: leaving.map(({ leaf }) => leaf) }, people.slice(1));
  const second = staying[1] as Person;
  const added = [new Person(), new Person(), new Person()];
  await addAll(
    second,
    added,
    staying.filter((person) => person !== second),
  );
  const all = [...staying, ...added];
  await commitAll(
    added[2] as Person,
    {},
    all.filter((person) => person !== added[2]),
  );
  assert.equal(new Set(all.map(({ group }) => hex(group.epochAuthenticator))).size, 1);
  assert.ok(leaving.every(({ group }) => !group.isMember));
  const message = await second.send("all here?");
  for (const person of all) if (person !== second) assert.equal(await person.hear(message), "all here?");
});

test("the tree can travel apart from the Welcome, and another tree is refused", async () => {
  const [alice, bob] = (await groupOf(2)) as [Person, Person];
  const carol = new Person();
  const own = await packageOf(carol);
  const add = [await parseKeyPackage(own.public, carol.me.identityKey, Date.now())];
  const whole = await alice.group.commit({ add });
  const { base } = whole;
  const staged = await base.commit({ add }, { treeInWelcome: false });
  assert.ok(staged.welcome !== undefined && staged.ratchetTree !== undefined && whole.welcome !== undefined);
  assert.ok(staged.welcome.length + staged.ratchetTree.length <= whole.welcome.length);
  assert.equal((await bob.receive(staged.commit)).kind, "commit");
  await rejectsWith(
    MlsGroup.join(carol.me, staged.welcome, () => own),
    "E056_WELCOME",
  );
  const otherTree = whole.next.snapshot();
  await rejectsWith(
    MlsGroup.join(carol.me, staged.welcome, () => own, { ratchetTree: otherTree }),
    "E056_WELCOME",
  );
  const joined = await MlsGroup.join(carol.me, staged.welcome, () => own, { ratchetTree: staged.ratchetTree });
  assert.equal(hex(joined.group.epochAuthenticator), hex(bob.group.epochAuthenticator));
});

test("every commit changes the epoch proof, and another group's is another", async () => {
  const [alice, bob] = (await groupOf(2)) as [Person, Person];
  const proofs = [hex(await alice.group.epochProof())];
  for (let at = 0; at < 3; at++) {
    await commitAll(alice, {}, [bob]);
    proofs.push(hex(await alice.group.epochProof()));
  }
  const other = await MlsGroup.create(alice.me, randomBytes(16), Date.now());
  proofs.push(hex(await other.epochProof()));
  assert.equal(new Set(proofs).size, 5);
  assert.ok(proofs.every((proof) => proof.length === 64));
});
