/** The least MTU that IPv6 allows (RFC 8200 section 5), as in many tunnels. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import { openRig } from "./rig.ts";

const payload = randomBytes(5 * 1024 * 1024);
const recipientKey = new Uint8Array(32).fill(1);

for (const family of ["IPv4", "IPv6"] as const) {
  test(`5 MiB go both ways over ${family} with an MTU of 1,280 bytes, and nothing is fragmented`, async () => {
    await using rig = await openRig({ mtuBytes: 1_280 });
    const host = family === "IPv4" ? rig.network.serverHost : rig.network.serverHost6;
    const { server } = rig.target;
    const hash = await rig.client.run("carry", { server, options: { host }, recipientKey, payload });
    assert.equal(hash, createHash("sha256").update(payload).digest("hex"));
    assert.equal(rig.network.counts().fragments, 0);
  });
}
