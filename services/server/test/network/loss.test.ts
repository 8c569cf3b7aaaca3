/** Networks that lose datagrams, both ways. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertComplete, openRig } from "./rig.ts";

const recipientKey = new Uint8Array(32).fill(1);
const messages = 1_000;

for (const { percent, seed } of [
  { percent: 5, seed: 5_001 },
  { percent: 20, seed: 20_001 },
]) {
  test(`of 1,000 messages none is lost or doubled where ${percent} % of the datagrams are lost (seed ${seed})`, async (t) => {
    await using rig = await openRig();
    rig.network.lose({ seed, toServerPercent: percent, toClientPercent: percent });
    const report = await rig.client.run("exchange", { ...rig.target, recipientKey, messages });
    const { lostToServer, lostToClient } = rig.network.counts();
    t.diagnostic(`${lostToServer} datagrams lost to the server, ${lostToClient} to the client`);
    assertComplete(report);
    assert.ok(lostToServer > 0 && lostToClient > 0 && report.packetsLost > 0);
  });
}

test("a handshake where 20 % of the datagrams are lost succeeds or says in time that it failed (seed 20011)", async (t) => {
  const handshakeMsMax = 5_000;
  await using rig = await openRig();
  rig.network.lose({ seed: 20_011, toServerPercent: 20, toClientPercent: 20 });
  const options = { ...rig.target.options, limits: { handshakeMsMax } };
  const reports = await rig.client.run("dial", { ...rig.target, options, dials: 40 });
  const connected = reports.filter(({ outcome }) => outcome === "connected");
  const failed = reports.filter(({ outcome }) => outcome === "E040_CONNECT_FAILED");
  t.diagnostic(`${connected.length} of 40 connected`);
  assert.equal(connected.length + failed.length, reports.length, JSON.stringify(reports));
  assert.ok(connected.length >= 20, `only ${connected.length} of 40 connected`);
  for (const { tookMs } of reports) assert.ok(tookMs < 2 * handshakeMsMax, `${tookMs} ms for a deadline of 5,000 ms`);
});
