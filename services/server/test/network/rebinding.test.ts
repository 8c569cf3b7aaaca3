/** A NAT that forgets its flows while a session runs: the server sees the client come from another port. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertComplete, assertHeardAfter, handshakes, openRig } from "./rig.ts";

const recipientKey = new Uint8Array(32).fill(1);
const messages = 1_000;

for (const { percent, seed } of [
  { percent: 0, seed: 0 },
  { percent: 5, seed: 5_002 },
]) {
  test(`a NAT rebinding amid 1,000 messages loses, doubles and ends nothing, with ${percent} % loss (seed ${seed})`, async () => {
    await using rig = await openRig();
    const { network } = rig;
    network.translate();
    network.lose({ seed, toServerPercent: percent, toClientPercent: percent });
    let before: readonly number[] = [];
    const report = await rig.client.run("exchange", { ...rig.target, recipientKey, messages }, () => {
      before = network.translatedPorts();
      network.rebind();
    });
    assertComplete(report);
    const after = network.translatedPorts();
    assert.equal(before.length, 1);
    assert.ok(after.length > 0 && !after.includes(before[0] as number), `port ${before} became ${after}`);
    assert.equal(await handshakes(rig), 1, "the session went on over the connection it began on");
  });
}

test("a client that only listens behind a NAT that has forgotten it hears what comes, over the same connection", async () => {
  await using rig = await openRig();
  rig.network.translate();
  await assertHeardAfter(() => rig.network.rebind(), rig);
  assert.equal(await handshakes(rig), 2, "the listener's and the sender's");
});
