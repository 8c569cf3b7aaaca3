/** 0-RTT over real QUIC (docs/wire.md, Transport): what runs before the handshake is over, and that a replay does no harm. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { mock } from "node:test";
import { TransportKeys } from "../../src/transport-keys.ts";

const folder = mkdtempSync(join(tmpdir(), "qpq-early-"));
after(() => rmSync(folder, { recursive: true, force: true }));

test("the ticket key is one a day, the same on every front-end with the secret, and rotates at midnight UTC", () => {
  const dayMs = 86_400_000;
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: 20_000 * dayMs + 1 });
  try {
    const keys = new TransportKeys("secret", Date.now);
    const first = keys.ticketKey;
    assert.equal(first.length, 48);
    assert.deepEqual(new TransportKeys("secret", Date.now).ticketKey, first);
    assert.notDeepEqual(new TransportKeys("other", Date.now).ticketKey, first);
    const given: Uint8Array[] = [];
    const stop = keys.rotate([{ setTicketKey: (key) => given.push(key) }]);
    mock.timers.tick(dayMs - 2);
    assert.equal(given.length, 0);
    mock.timers.tick(1);
    assert.equal(given.length, 1);
    assert.notDeepEqual(given[0], first);
    mock.timers.tick(dayMs);
    assert.equal(given.length, 2);
    stop();
    mock.timers.tick(dayMs);
    assert.equal(given.length, 2);
  } finally {
    mock.timers.reset();
  }
});
