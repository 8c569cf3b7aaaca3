/** A client whose address changes while a session runs, as a phone's that goes from one network to another. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertComplete, assertHeardAfter, handshakes, openRig } from "./rig.ts";

const recipientKey = new Uint8Array(32).fill(1);
const messages = 1_000;

for (const { percent, seed } of [
  { percent: 0, seed: 0 },
  { percent: 5, seed: 5_003 },
]) {
  test(`an address change amid 1,000 messages loses, doubles and ends nothing, with ${percent} % loss (seed ${seed})`, async () => {
    await using rig = await openRig();
    rig.network.lose({ seed, toServerPercent: percent, toClientPercent: percent });
    const report = await rig.client.run("exchange", { ...rig.target, recipientKey, messages }, () => {
      rig.network.moveClient();
    });
    assertComplete(report);
    assert.equal(await handshakes(rig), 1, "the session went on over the connection it began on");
  });
}

test("a client that only listens hears what comes after its address has changed, over the same connection", async () => {
  await using rig = await openRig();
  await assertHeardAfter(() => rig.network.moveClient(), rig);
  assert.equal(await handshakes(rig), 2, "the listener's and the sender's");
});
