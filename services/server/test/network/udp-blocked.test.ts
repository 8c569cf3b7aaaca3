/** Networks that let the web through and no UDP. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openRig } from "./rig.ts";

for (const how of ["drop", "reject"] as const) {
  test(`where UDP meets ${how}, a dial fails with E040_CONNECT_FAILED by its deadline, and TCP passes`, async () => {
    const handshakeMsMax = 1_000;
    await using rig = await openRig();
    rig.network.blockUdp(how);
    const options = { ...rig.target.options, limits: { handshakeMsMax } };
    const [report] = await rig.client.run("dial", { ...rig.target, options, dials: 1 });
    assert.equal(report?.outcome, "E040_CONNECT_FAILED");
    assert.ok(report.tookMs < 2 * handshakeMsMax, `${report.tookMs} ms for a deadline of 1,000 ms`);
    assert.match(await rig.client.run("get", `http://${rig.network.serverHost}:${rig.server.opsPort}/livez`), /ok/);
    rig.network.passUdp();
    const [again] = await rig.client.run("dial", { ...rig.target, dials: 1 });
    assert.equal(again?.outcome, "connected");
  });
}
