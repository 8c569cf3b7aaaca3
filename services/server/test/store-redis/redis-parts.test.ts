/** The parts that need no Redis: frames, addresses, and how a whole front-end is told to look again. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type InboxKey, latin1, QpqError } from "quicproquo-proto";
import { WakeupHub } from "../../src/store/hub.ts";
import { LookAgain } from "../../src/store/look-again.ts";
import { parseRedisUrl } from "../../src/store/redis/address.ts";
import { decodeHints, encodeHints, isFrom } from "../../src/store/redis/hint-frame.ts";
import { inboxOf } from "../conformance/subject.ts";
import { Ear } from "./rig.ts";

const sender = Buffer.from("sender 1");
const inboxes = fc.array(
  fc.uint8Array({ minLength: 0, maxLength: 255 }).map((bytes) => latin1(bytes) as InboxKey),
  { maxLength: 20 },
);

describe("frames of hints", () => {
  test("what is encoded is decoded, and its sender known", () => {
    fc.assert(
      fc.property(inboxes, (inboxes) => {
        const frame = encodeHints(sender, inboxes);
        const decoded: InboxKey[] = [];
        assert.ok(decodeHints(frame, (inbox) => decoded.push(inbox)));
        assert.deepEqual(decoded, inboxes);
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
