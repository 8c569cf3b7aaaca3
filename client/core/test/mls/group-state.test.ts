/** A group's state in records: whole in a snapshot, small in deltas, and never put together from parts that don't fit. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { type Delta, Identity, MlsGroup, MlsKeyPackage, parseKeyPackage } from "quicproquo-core";
import { QpqError } from "quicproquo-proto";
import { bytes, commitAll, groupOf, hex, type Person, text } from "./people.ts";

/** What a client keeps of a group: the last snapshot, and the last delta under each key. */
class Records {
  snapshot: Uint8Array;
  readonly deltas = new Map<string, Uint8Array>();

  constructor(group: MlsGroup) {
    this.snapshot = group.snapshot();
  }

  save(before: MlsGroup, after: MlsGroup): number {
    const deltas = before.delta(after);
    if (deltas === undefined) {
      this.snapshot = after.snapshot();
      this.deltas.clear();
      return this.snapshot.length;
    }
    for (const { key, bytes } of deltas) this.deltas.set(key, bytes);
    return deltas.reduce((sum, delta) => sum + delta.bytes.length, 0);
  }
}

function isUnusable(error: unknown): boolean {
  return error instanceof QpqError && error.code === "E057_GROUP_STATE";
}

test("a group restored from snapshot and deltas goes on exactly as the one in memory, through any messages", async () => {
  const action = fc.constantFrom("aliceSays", "bobSays", "late", "aliceCommits", "bobCommits", "carolProposes");
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 25 }), async (actions) => {
      const [alice, bob, carol] = (await groupOf(3)) as [Person, Person, Person];
      const records = new Records(bob.group);
      let kept: Uint8Array | undefined;
      const take = async (step: () => Promise<unknown>) => {
        const before = bob.group;
        await step();
        if (bob.group !== before) records.save(before, bob.group);
        bob.group = MlsGroup.restore(bob.me, records.snapshot, records.deltas);
        assert.equal(
          hex(bob.group.snapshot()),
          hex(MlsGroup.restore(bob.me, bob.group.snapshot(), new Map()).snapshot()),
        );
      };
      for (const each of actions) {
        const pending = alice.group.pendingProposals > 0;
        if (each === "aliceSays" && !pending) {
          const message = await alice.send("a");
          await take(() => bob.receive(message));
        } else if (each === "late" && !pending) {
          const late = kept;
          kept = await alice.send("late");
          if (late !== undefined) await take(() => bob.receive(late));
        } else if (each === "bobSays" && !pending) {
          let message: Uint8Array | undefined;
          await take(async () => {
            message = await bob.send("b");
          });
          assert.equal(await alice.hear(message as Uint8Array), "b");
        } else if (each === "aliceCommits" || each === "bobCommits") {
          const [by, other] = each === "aliceCommits" ? [alice, bob] : [bob, alice];
          await take(() => commitAll(by, {}, [other]));
        } else if (each === "carolProposes" && !pending && carol.group.epoch === alice.group.epoch) {
          const { message } = await carol.group.proposeLeave();
          await alice.receive(message);
          await take(() => bob.receive(message));
        }
        assert.equal(bob.group.pendingProposals, alice.group.pendingProposals);
        assert.equal(hex(bob.group.epochAuthenticator), hex(alice.group.epochAuthenticator));
      }
    }),
    { numRuns: 25 },
  );
});

test("what a message writes does not grow with the members: 2, 10, 100 and 1,000", async () => {
  const written = new Map<number, { readonly sent: number; readonly received: number }>();
  for (const count of [2, 10, 100, 1_000]) {
    const nowMs = Date.now();
    const [me, other] = [Identity.generate(), Identity.generate()];
    const own = await MlsKeyPackage.generate(other, { nowMs, lastResort: false });
    const add = [await parseKeyPackage(own.public, other.identityKey, nowMs)];
    for (let at = 2; at < count; at++) {
      const filler = Identity.generate();
      const { public: uploaded } = await MlsKeyPackage.generate(filler, { nowMs, lastResort: false });
      add.push(await parseKeyPackage(uploaded, filler.identityKey, nowMs));
    }
    const staged = await (await MlsGroup.create(me, randomBytes(16), nowMs)).commit({ add });
    let sender = staged.next;
    let receiver = (
      await MlsGroup.join(other, staged.welcome as Uint8Array, (ref) => (hex(ref) === hex(own.ref) ? own : undefined))
    ).group;
    assert.equal(receiver.members.length, count);
    const size = (deltas: readonly Delta[] | undefined) => {
      assert.equal(deltas?.length, 1);
      return (deltas as readonly [Delta])[0].bytes.length;
    };
    let sizes = { sent: 0, received: 0 };
    for (let at = 0; at < 3; at++) {
      const { next, message } = await sender.encrypt(bytes("hello"));
      const processed = await receiver.process(message);
      assert.ok(processed.kind === "application" && text(processed.content) === "hello");
      sizes = { sent: size(sender.delta(next)), received: size(receiver.delta(processed.next)) };
      sender = next;
      receiver = processed.next;
    }
    written.set(count, sizes);
  }
  for (const sizes of written.values()) assert.deepEqual(sizes, { sent: 84, received: 84 });
});

test("the skipped keys of a sender are the most that a delta holds: under 1 KB", async () => {
  const [alice, bob] = (await groupOf(2)) as [Person, Person];
  for (let at = 0; at < 100; at++) await alice.send("lost");
  const before = bob.group;
  await bob.receive(await alice.send("here"));
  const [delta] = before.delta(bob.group) as readonly Delta[];
  assert.ok((delta as Delta).bytes.length < 1_000, `${(delta as Delta).bytes.length}`);
});

test("a commit has no delta but a snapshot, a removal too; nothing has an empty one", async () => {
  const [alice, bob, carol] = (await groupOf(3)) as [Person, Person, Person];
  assert.deepEqual(alice.group.delta(alice.group), []);
  const before = alice.group;
  await commitAll(bob, {}, [alice, carol]);
  assert.equal(before.delta(alice.group), undefined);
  const carolBefore = carol.group;
  await commitAll(alice, { remove: [carol.leaf] }, [bob, carol]);
  assert.equal(carolBefore.delta(carol.group), undefined);
  const restored = MlsGroup.restore(carol.me, carol.group.snapshot(), new Map());
  assert.equal(restored.isMember, false);
});

test("the base of a commit differs by one ratchet, and what a commit stages restores", async () => {
  const [alice, bob] = (await groupOf(2)) as [Person, Person];
  const records = new Records(alice.group);
  const { base, next, commit } = await alice.group.commit();
  records.save(alice.group, base);
  assert.deepEqual([...records.deltas.keys()], [`s${alice.leaf * 2}`]);
  const restored = MlsGroup.restore(alice.me, next.snapshot(), new Map());
  assert.equal((await bob.receive(commit)).kind, "commit");
  const { message } = await restored.encrypt(bytes("staged"));
  assert.equal(await bob.hear(message), "staged");
  const rebased = await MlsGroup.restore(alice.me, records.snapshot, records.deltas).commit();
  assert.notEqual(hex(rebased.commit), hex(commit));
});

test("a delta of another epoch, of a wrong key or of no use is refused", async () => {
  const [alice, bob] = (await groupOf(2)) as [Person, Person];
  const { next } = await alice.group.encrypt(bytes("x"));
  const [delta] = alice.group.delta(next) as [Delta];
  const restore = (snapshot: Uint8Array, key: string, part: Uint8Array) => () =>
    MlsGroup.restore(alice.me, snapshot, new Map([[key, part]]));
  const old = alice.group.snapshot();
  assert.ok(restore(old, delta.key, delta.bytes)());
  await commitAll(bob, {}, [alice]);
  assert.throws(restore(alice.group.snapshot(), delta.key, delta.bytes), isUnusable);
  const keys = ["", "s", "s-1", "s99", "h1.0", "h7.0", "p", "pzz", "q1", "s1.5", "__proto__"];
  for (const key of keys) assert.throws(restore(old, key, delta.bytes), isUnusable, key);
  for (let length = 0; length < delta.bytes.length; length++) {
    assert.throws(restore(old, delta.key, delta.bytes.subarray(0, length)), isUnusable, `${length}`);
  }
  assert.throws(restore(old, delta.key, Uint8Array.of(...delta.bytes, 0)), isUnusable);
});

test("a snapshot that is cut, longer, of another version or another's is refused", async () => {
  const [alice, bob] = (await groupOf(2)) as [Person, Person];
  const whole = alice.group.snapshot();
  const none = new Map();
  for (let length = 0; length < whole.length; length += 11) {
    assert.throws(() => MlsGroup.restore(alice.me, whole.subarray(0, length), none), isUnusable, `${length}`);
  }
  assert.throws(() => MlsGroup.restore(alice.me, Uint8Array.of(...whole, 0), none), isUnusable);
  assert.throws(() => MlsGroup.restore(alice.me, Uint8Array.of(2, ...whole.subarray(1)), none), isUnusable);
  assert.throws(() => MlsGroup.restore(bob.me, whole, none), isUnusable);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (any) => {
      assert.throws(() => MlsGroup.restore(alice.me, Uint8Array.of(1, ...any), none), isUnusable);
    }),
  );
});

test("neither a snapshot nor a stored KeyPackage has the identity's seed, and neither prints a secret", async () => {
  const [alice] = (await groupOf(2)) as [Person];
  const seed = Buffer.from(alice.me.exportSeed());
  assert.equal(Buffer.from(alice.group.snapshot()).includes(seed), false);
  const own = await MlsKeyPackage.generate(alice.me, { nowMs: Date.now(), lastResort: false });
  assert.equal(Buffer.from(own.encode()).includes(seed), false);
  assert.equal(`${own}`, "[secret]");
  assert.equal(JSON.stringify(own), '"[secret]"');
});

test("a restored group shares no byte with what it was restored from", async () => {
  const [alice, bob] = (await groupOf(2)) as [Person, Person];
  const snapshot = alice.group.snapshot();
  const restored = MlsGroup.restore(alice.me, snapshot, new Map());
  snapshot.fill(0);
  const { message } = await restored.encrypt(bytes("mine"));
  assert.equal(await bob.hear(message), "mine");
});

test("wiping what a step used up ends the value before it and leaves the one after it whole", async () => {
  const [alice, bob] = (await groupOf(2)) as [Person, Person];
  for (const kind of ["message", "commit"]) {
    const before = alice.group;
    const step =
      kind === "message"
        ? await before.encrypt(bytes("x")).then(({ next, message }) => ({ next, sent: message }))
        : await before.commit().then(({ next, commit }) => ({ next, sent: commit }));
    step.next.wipeConsumed();
    alice.group = step.next;
    assert.notEqual((await bob.receive(step.sent)).kind, "refused");
    assert.equal(await bob.hear(await alice.send("after")), "after");
    assert.equal(await alice.hear(await bob.send("and back")), "and back");
  }
});

test("a stored KeyPackage comes back whole, and a damaged one is refused", async () => {
  const me = Identity.generate();
  for (const lastResort of [false, true]) {
    const own = await MlsKeyPackage.generate(me, { nowMs: Date.now(), lastResort });
    const again = MlsKeyPackage.decode(own.encode());
    assert.deepEqual([hex(again.encode()), again.lastResort], [hex(own.encode()), lastResort]);
    for (const length of [0, 1, 50, 100, own.encode().length - 1]) {
      assert.throws(() => MlsKeyPackage.decode(own.encode().subarray(0, length)), isUnusable);
    }
  }
});
