/** The sides of the peers scenario keep what they acknowledge, on the disk, and came by it encrypted where they say so. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { FsyncCounter } from "../src/peers/fsyncs.ts";
import { type PeerName, type PeerSide, PeerSides } from "../src/peers/sides.ts";

const window = { warmUpMs: 0, windowMs: 200 };
let sides: PeerSides;
before(async () => {
  sides = await PeerSides.start({ nats: undefined, rabbit: false, cluster: false });
});
after(async () => await sides[Symbol.asyncDispose]());

const names: readonly PeerName[] = [
  "embedded",
  "embedded_calls",
  "redis_always_tls",
  "redis_always_plain",
  "redis_equal_tls",
];

for (const name of names) {
  test(`${name} has as many messages as it acknowledged to many callers, and none of those before`, async () => {
    const side = sideOf(name);
    for (const payloadBytes of [512, 2_048]) {
      await side.begin(payloadBytes);
      assert.equal(await side.stored(), 0);
      await side.run(window, { callers: 64, connections: 8 });
      const sent = await side.sent();
      assert.ok(sent > 0);
      assert.equal(await side.stored(), sent);
    }
  });

  test(`${name} syncs its file before it acknowledges a message to one caller`, async () => {
    const side = sideOf(name);
    await side.begin(512);
    const counter = await FsyncCounter.attach(side.pids());
    await side.run(window, { callers: 1, connections: 1 });
    const fsyncs = await counter.stop();
    const sent = await side.sent();
    assert.ok(sent > 0);
    assert.ok(fsyncs >= sent, `${fsyncs} fsyncs for ${sent} messages`);
  });
}

test("what is compared as encrypted is, by TLS 1.3, and the other is not", async () => {
  const version = /^(?:quic, TLS 1\.3|TLSv1\.3) TLS_/;
  for (const name of names) {
    const encryption = await sideOf(name).encryption();
    if (name === "redis_always_plain") assert.equal(encryption, "none");
    else assert.match(encryption, version);
  }
});

function sideOf(name: PeerName): PeerSide {
  const side = sides.all.find((each) => each.name === name);
  assert.ok(side !== undefined, name);
  return side;
}

test("who cannot be counted is told at once", async () => {
  await assert.rejects(FsyncCounter.attach([2 ** 22 + 1]), /strace ended/); // above the kernel's largest
});
