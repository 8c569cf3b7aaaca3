/** A server that counts nothing serves all the same. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startServerProcess } from "../../testing/server-process.ts";
import { RawClient } from "../e2e/raw-client.ts";
import { page, startWorkers } from "../workers/rig.ts";

for (const [what, start] of [
  ["one process", startServerProcess],
  ["several", startWorkers],
] as const) {
  test(`with metrics off a server of ${what} serves, is ready, and /metrics says where it is turned on`, async () => {
    await using server = await start({ settings: { metrics: "off" } });
    using client = await RawClient.connect(server);
    const recipientKey = Buffer.alloc(32, 1);
    assert.equal((await client.call("enqueue", { recipientKey, payload: Buffer.from("x") })).seq, 1n);
    assert.equal((await client.call("fetch", { recipientKey })).payloads.length, 1);
    assert.equal((await page(server, "/readyz")).status, 200);
    const { status, text } = await page(server, "/metrics");
    assert.equal(status, 404);
    assert.match(text, /setting metrics/);
  });
}
