/** Retry tokens, stateless resets, refusals and connection ids, without a socket. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { it } from "node:test";
import fc from "fast-check";
import { connectionIdBytes, mintConnectionId } from "../src/quic/connection-id.ts";
import { peerGroupOf } from "../src/quic/peer-group.ts";
import { refusalOf, serverInitialKeys } from "../src/quic/refusal.ts";
import { isRetryToken, mintRetryToken, openRetryToken } from "../src/quic/retry-token.ts";
import { cipherOfSession } from "../src/quic/session-facts.ts";
import { maySendReset, resetTokenOf, statelessReset } from "../src/quic/stateless-reset.ts";
import { PerSecond } from "../src/quic/timers.ts";

const key = randomBytes(32);
const claim = { peer: { host: "192.0.2.7", port: 4433 }, retryId: randomBytes(20), nowMs: 1_700_000_000_000 };
const lifeMs = 10_000;

const anyId = fc.uint8Array({ minLength: 8, maxLength: 20 });

it("opens a Retry token with the original id, until its life is over", () => {
  fc.assert(
    fc.property(anyId, fc.nat(lifeMs), (originalId, ageMs) => {
      const token = mintRetryToken(key, originalId, claim);
      assert.ok(isRetryToken(token));
      const opened = openRetryToken(key, token, { ...claim, nowMs: claim.nowMs + ageMs, lifeMs });
      assert.deepEqual(new Uint8Array(opened ?? []), originalId);
      assert.equal(openRetryToken(key, token, { ...claim, nowMs: claim.nowMs + lifeMs + 1, lifeMs }), undefined);
    }),
  );
});

it("refuses a Retry token with any bit changed, cut, longer, or for another claim", () => {
  const token = mintRetryToken(key, randomBytes(8), claim);
  for (let bit = 0; bit < token.length * 8; bit++) {
    const changed = Buffer.from(token);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.equal(openRetryToken(key, changed, { ...claim, lifeMs }), undefined, `bit ${bit}`);
  }
  for (let length = 0; length < token.length; length++) {
    assert.equal(openRetryToken(key, token.subarray(0, length), { ...claim, lifeMs }), undefined);
  }
  assert.equal(openRetryToken(key, Buffer.concat([token, randomBytes(30)]), { ...claim, lifeMs }), undefined);
  const others = [
    { ...claim, peer: { ...claim.peer, port: 4434 } },
    { ...claim, peer: { ...claim.peer, host: "192.0.2.8" } },
    { ...claim, retryId: randomBytes(20) },
    { ...claim, nowMs: claim.nowMs - lifeMs - 1 },
  ];
  for (const other of others) assert.equal(openRetryToken(key, token, { ...other, lifeMs }), undefined);
  assert.equal(openRetryToken(randomBytes(32), token, { ...claim, lifeMs }), undefined);
});

it("answers any bytes in place of a Retry token with undefined", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      assert.equal(openRetryToken(key, bytes, { ...claim, lifeMs }), undefined);
    }),
  );
});

it("makes a stateless reset that looks like a packet, ends in the id's token and is shorter than its cause", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_500 }), (triggerBytes) => {
      const id = randomBytes(20);
      assert.equal(maySendReset(triggerBytes), triggerBytes >= 22);
      if (triggerBytes < 22) return;
      const reset = statelessReset(key, id, triggerBytes);
      assert.ok(reset.length >= 21 && reset.length < triggerBytes);
      assert.equal((reset[0] ?? 0) & 0xc0, 0x40);
      assert.equal(BigInt(`0x${reset.subarray(-16).toString("hex")}`), resetTokenOf(key, id));
    }),
  );
  assert.notEqual(resetTokenOf(key, Buffer.alloc(20)), resetTokenOf(randomBytes(32), Buffer.alloc(20)));
});

it("derives the Initial keys of RFC 9001 appendix A.1", () => {
  const keys = serverInitialKeys(Buffer.from("8394c8f03e515708", "hex"));
  assert.equal(keys.key.toString("hex"), "cf3a5331653c364c88f0f379b6067e37");
  assert.equal(keys.iv.toString("hex"), "0ac1493ca1905853b0bba03e");
  assert.equal(keys.headerKey.toString("hex"), "c206b8d9b9f0f37644430b490eeaa314");
});

it("makes a refusal that is far shorter than the datagram it answers", () => {
  fc.assert(
    fc.property(anyId, fc.uint8Array({ maxLength: 20 }), (clientDestinationId, clientSourceId) => {
      const refusal = refusalOf({ clientDestinationId, clientSourceId, ownId: randomBytes(20) });
      assert.ok(refusal.length < 100);
      assert.deepEqual(new Uint8Array(refusal.subarray(6, 6 + clientSourceId.length)), clientSourceId);
    }),
  );
});

it("puts server and worker into the connection id, and chance into the rest", () => {
  const routing = { serverId: Buffer.from("server-1"), workerId: 3 };
  const ids = Array.from({ length: 100 }, () => mintConnectionId(routing));
  for (const id of ids) {
    assert.equal(id.length, connectionIdBytes);
    assert.equal(id.toString("latin1", 0, 8), "server-1");
    assert.equal(id[8], 3);
  }
  assert.equal(new Set(ids.map((id) => id.toString("hex"))).size, ids.length);
  assert.notDeepEqual(mintConnectionId(undefined).subarray(0, 9), mintConnectionId(undefined).subarray(0, 9));
});

it("counts an IPv4 address and an IPv6 /64 as one peer, however they are written", () => {
  assert.equal(peerGroupOf("192.0.2.7"), "192.0.2.7");
  assert.equal(peerGroupOf("::ffff:192.0.2.7"), "192.0.2.7");
  assert.equal(peerGroupOf("2001:db8:1:2::1"), peerGroupOf("2001:db8:1:2:ffff:eeee:dddd:cccc"));
  assert.equal(peerGroupOf("2001:0db8:0001:0002::1"), peerGroupOf("2001:db8:1:2:3:4:5:6"));
  assert.equal(peerGroupOf("2001:db8::1"), "2001:db8:0:0");
  assert.equal(peerGroupOf("::1"), "0:0:0:0");
  assert.notEqual(peerGroupOf("2001:db8:1:2::1"), peerGroupOf("2001:db8:1:3::1"));
});

it("reads a cipher suite from a ticket and nothing from any other bytes", () => {
  const der = Buffer.from("308201000201010202030404021302", "hex");
  assert.equal(cipherOfSession(Buffer.concat([Buffer.alloc(8), der])), "TLS_AES_256_GCM_SHA384");
  assert.equal(cipherOfSession(null), undefined);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const suite = cipherOfSession(bytes);
      assert.ok(suite === undefined || suite.startsWith("TLS_"));
    }),
  );
});

it("lets so many events pass in a second and no more, and again in the next", () => {
  const perSecond = new PerSecond(3);
  assert.deepEqual(
    [0, 1, 2, 3, 999].map((nowMs) => perSecond.take(nowMs)),
    [true, true, true, false, false],
  );
  assert.equal(perSecond.take(1_000), true);
  assert.equal(new PerSecond(0).take(0), false);
});
