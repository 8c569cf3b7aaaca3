/** The parts that need no Redis: frames, addresses, and how a whole front-end is told to look again. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type InboxKey, latin1, QpqError } from "quicproquo-proto";
import { WakeupHub } from "../../src/store/hub.ts";
import { LookAgain } from "../../src/store/look-again.ts";
import { parseRedisUrl } from "../../src/store/redis/address.ts";
import { decodeHints, encodeHints, type Hint, isFrom } from "../../src/store/redis/hint-frame.ts";
import { HintQueue } from "../../src/store/redis/hint-queue.ts";
import { RecentInboxes } from "../../src/store/redis/recent-inboxes.ts";
import { identityOf, inboxOf } from "../conformance/subject.ts";
import { Ear } from "./rig.ts";

const sender = Buffer.from("sender 1");
const texts = (maxLength: number) => fc.uint8Array({ maxLength }).map(latin1);
const hint: fc.Arbitrary<Hint> = fc.record(
  { inbox: texts(255) as fc.Arbitrary<InboxKey>, claim: texts(127), inTail: fc.boolean() },
  { noNullPrototype: true },
);
const hints = fc.array(hint, { maxLength: 20 });

describe("frames of hints", () => {
  test("what is encoded is decoded, and its sender known", () => {
    fc.assert(
      fc.property(hints, (hints) => {
        const frame = encodeHints(sender, hints);
        const decoded: Hint[] = [];
        assert.ok(decodeHints(frame, (hint) => decoded.push(hint)));
        assert.deepEqual(decoded, hints);
        assert.ok(isFrom(sender, frame));
        assert.ok(!isFrom(Buffer.from("sender 2"), frame));
      }),
    );
  });

  test("any bytes are decoded or refused, never thrown at", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        decodeHints(Buffer.from(bytes), () => undefined);
        isFrom(sender, Buffer.from(bytes));
      }),
    );
  });
});

describe("hints that wait", () => {
  test("are one an inbox, with the greatest claim of all; beyond the bound new inboxes are dropped, claims are not", () => {
    const queue = new HintQueue(2);
    const [alice, bob, carol] = [inboxOf("alice"), inboxOf("bob"), inboxOf("carol")];
    const inTail = false;
    queue.add({ inbox: alice, claim: "", inTail });
    for (const claim of ["1", "3", "2", ""]) queue.add({ inbox: bob, claim, inTail });
    for (const inbox of [carol, alice]) queue.add({ inbox, claim: "1", inTail });
    assert.deepEqual([queue.size, queue.dropped], [2, 1]);
    assert.deepEqual(queue.take(1), [{ inbox: alice, claim: "1", inTail }]);
    assert.deepEqual(queue.take(2), [{ inbox: bob, claim: "3", inTail }]);
  });

  test("say that all is in the hot tail only if each of them says so", () => {
    const queue = new HintQueue(3);
    const [alice, bob, carol] = [inboxOf("alice"), inboxOf("bob"), inboxOf("carol")];
    for (const inTail of [true, true]) queue.add({ inbox: alice, claim: "", inTail });
    for (const inTail of [true, false]) queue.add({ inbox: bob, claim: "", inTail });
    for (const inTail of [false, true]) queue.add({ inbox: carol, claim: "", inTail });
    const said = queue.take(3).map(({ inTail }) => inTail);
    assert.deepEqual(said, [true, false, false]);
  });
});

describe("what is known of inboxes since lately", () => {
  const [alice, bob, carol] = [inboxOf("alice"), inboxOf("bob"), inboxOf("carol")];

  test("is known for its life, and after twice that no longer, however rarely it is asked", () => {
    let nowMs = 0;
    const recent = new RecentInboxes<number>({ lifeMs: 10, nowMs: () => nowMs });
    recent.set(alice, 1);
    nowMs = 9;
    recent.set(bob, 2);
    nowMs = 19;
    assert.deepEqual([recent.get(alice), recent.get(bob)], [1, 2]);
    recent.set(alice, 3);
    nowMs = 29;
    assert.deepEqual([recent.get(alice), recent.get(bob)], [3, undefined]);
    nowMs = 1_000;
    assert.equal(recent.get(alice), undefined);
  });

  test("is bounded: what was set last stays", () => {
    const recent = new RecentInboxes<number>({ lifeMs: 10, inboxesMax: 2, nowMs: () => 0 });
    for (let i = 0; i < 100; i++) recent.set(inboxOf(`${i}`), i);
    const known = Array.from({ length: 100 }, (_, i) => recent.get(inboxOf(`${i}`))).filter((i) => i !== undefined);
    assert.ok(known.length <= 4 && known.includes(99), `${known}`);
  });

  test("is found by person, with all channels", () => {
    const recent = new RecentInboxes<number>({ lifeMs: 10 });
    for (const inbox of [alice, inboxOf("alice/1"), bob, carol]) recent.set(inbox, 1);
    assert.deepEqual(recent.inboxesOf(identityOf("alice")), [alice, inboxOf("alice/1")]);
  });
});

describe("the Redis URL", () => {
  test("names hosts, TLS, a user and a password with any characters", () => {
    const address = parseRedisUrl("rediss://user:p%40ss:word@one,[::1]:7000?sslrootcert=/ca.pem", "cluster");
    assert.deepEqual(address, {
      hosts: [
        { host: "one", port: 6379 },
        { host: "::1", port: 7000 },
      ],
      database: 0,
      isTls: true,
      user: "user",
      password: "p@ss:word",
      rootCertificateFile: "/ca.pem",
    });
    const { user, password, database } = parseRedisUrl("redis://:secret@127.0.0.1/3", "single");
    assert.deepEqual({ user, password, database }, { user: undefined, password: "secret", database: 3 });
  });

  test("is refused with E046 when it is none, and the error quotes nothing of it", () => {
    for (const url of [
      "http://secret@host",
      "redis://",
      "redis://:secret@one,two",
      "redis://:secret@host:0",
      "redis://:secret@host/secret",
      "redis://:secret%@host",
      "redis://:secret@host?secret=1",
      "redis://:secret@host?sslrootcert=secret",
    ]) {
      assert.throws(
        () => parseRedisUrl(url, "single"),
        (error) =>
          error instanceof QpqError && error.code === "E046_CONFIG" && !JSON.stringify(error).includes("secret"),
      );
    }
    assert.throws(() => parseRedisUrl("redis://host/3", "cluster"), QpqError);
  });
});

describe("looking again", () => {
  test("is spread over many turns of the event loop, and reaches everybody, also when it begins anew", async () => {
    const hub = new WakeupHub();
    const lookAgain = new LookAgain(hub);
    const ears = Array.from({ length: 3_500 }, () => new Ear());
    for (const [i, ear] of ears.entries()) hub.subscribe(inboxOf(`${i}`), ear);
    const told = () => ears.filter((ear) => ear.told.reconnect > 0).length;
    lookAgain.start();
    assert.equal(told(), 1_000);
    // a connection that is lost again and again keeps nobody waiting for ever
    for (let cuts = 2; cuts <= 4; cuts++) {
      lookAgain.start();
      assert.equal(told(), Math.min(cuts * 1_000, 3_500));
    }
    const before = ears.map((ear) => ear.told.reconnect);
    lookAgain.start();
    await Promise.all(ears.map((ear, i) => ear.told.reconnect > (before[i] as number) || ear.hears("reconnect")));
    lookAgain.close();
  });
});
