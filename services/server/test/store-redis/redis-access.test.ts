/** With which rights a front-end works, and what is told when it has none. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RedisProcess } from "../../testing/redis.ts";
import { inboxOf, seqsUpTo } from "../conformance/subject.ts";
import { Buses, ear, until, untilCrosses } from "./rig.ts";
import { send, TailFrontEnds, TailReader, tailCounts } from "./tail-rig.ts";

const alice = inboxOf("alice");

/** As in docs/operate/scale.md. */
const tailRights = "+xadd +xread +xtrim +pexpire";
const rights =
  "~qpq:* &qpq:* -@all +hello +auth +info +ssubscribe +spublish +eval +time +get +set +cluster|slots +client|setname";

describe("the rights of a front-end on Redis", () => {
  test("those that the manual names are enough for hints and rates", async () => {
    await using redis = await RedisProcess.start();
    redis.command("ACL", "SETUSER", "qpq", "on", ">word", ...rights.split(" "));
    await using buses = new Buses();
    const url = redis.url.replace("//", "//qpq:word@");
    const [here, there] = [await buses.open({ url }), await buses.open({ url })];
    const alices = ear(there, alice);
    await untilCrosses(here, alice, alices);
    assert.equal(here.rates.admit("key", { perSecond: 0.001, burst: 10 }, 10), 0);
    await until(() => redis.command("KEYS", "*") !== "");
    assert.deepEqual([here.stats().connectionsLost, there.stats().connectionsLost], [0, 0]);
  });

  for (const hasThem of [true, false]) {
    test(`the hot tail ${hasThem ? "works with four more" : "is missed, and no message is, without them"}`, async () => {
      await using redis = await RedisProcess.start();
      const words = hasThem ? `${rights} ${tailRights}` : rights;
      redis.command("ACL", "SETUSER", "qpq", "on", ">word", ...words.split(" "));
      await using frontEnds = await TailFrontEnds.open({ url: redis.url.replace("//", "//qpq:word@") });
      using reader = new TailReader(frontEnds[1]);
      await reader.sees(({ answers }) => answers.length === 1);
      await frontEnds.knowReader();
      for (let sent = 1; sent <= 20; sent++) {
        await send(frontEnds[0], frontEnds.message(`${sent}`));
        await reader.sees(({ seqs }) => seqs.length === sent);
      }
      await frontEnds[0].log.ack(alice, 20n, frontEnds.storeEpoch);
      assert.deepEqual(reader.seqs, seqsUpTo(20));
      assert.equal(tailCounts(frontEnds[1]).hits > 0, hasThem);
      if (hasThem) await until(() => redis.command("XLEN", frontEnds.tailName(alice)) === "0");
      for (const store of frontEnds.stores) assert.equal(store.stats().redis?.connectionsLost, 0);
    });
  }

  test("without the right to scripts hints cross as ever, and each front-end counts for itself", async () => {
    await using redis = await RedisProcess.start();
    redis.command("ACL", "SETUSER", "qpq", "on", ">word", ...rights.split(" "), "-eval");
    await using buses = new Buses();
    const url = redis.url.replace("//", "//qpq:word@");
    const [here, there] = [await buses.open({ url }), await buses.open({ url })];
    const alices = ear(there, alice);
    for (let i = 0; i < 10; i++) assert.equal(here.rates.admit("key", { perSecond: 0.001, burst: 10 }, 1), 0);
    await until(() => redis.command("ACL", "LOG").includes("eval"));
    await untilCrosses(here, alice, alices);
    assert.deepEqual([here.stats().connectionsLost, alices.told.reconnect], [0, 0]);
  });

  test("who may not publish is told why, and nobody is told to look again for each try", async () => {
    await using redis = await RedisProcess.start();
    redis.command("ACL", "SETUSER", "qpq", "on", ">word", ...rights.split(" "), "-spublish");
    await using buses = new Buses();
    const poor = await buses.open({ url: redis.url.replace("//", "//qpq:word@") });
    const alices = ear(poor, alice);
    await until(() => poor.stats().failures > 3);
    assert.equal(poor.isUp(), false);
    assert.match(poor.failure() as string, /NOPERM.*spublish/);
    assert.equal(alices.told.reconnect, 0);
  });

  test("a wrong password, and a missing right, are told as the reason, without the password", async () => {
    await using redis = await RedisProcess.start();
    redis.command("ACL", "SETUSER", "qpq", "on", ">word", "~qpq:*", "&qpq:*", "+@all", "-ssubscribe");
    await using buses = new Buses();
    const wrong = await buses.open({ url: redis.url.replace("//", "//qpq:hunter2@") });
    const poor = await buses.open({ url: redis.url.replace("//", "//qpq:word@") });
    await until(() => wrong.failure() !== undefined && poor.failure() !== undefined);
    assert.match(wrong.failure() as string, /WRONGPASS/);
    assert.doesNotMatch(wrong.failure() as string, /hunter2/);
    assert.match(poor.failure() as string, /NOPERM.*ssubscribe/);
  });
});
