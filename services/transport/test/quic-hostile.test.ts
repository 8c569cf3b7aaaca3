/** What a stranger can send. Nothing of it may end the process, stay in memory, or keep a real client out. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { it } from "node:test";
import fc from "fast-check";
import { QpqError } from "quicproquo-proto";
import type { Listener } from "../src/port.ts";
import { closeCodes } from "../src/port.ts";
import { mintRetryToken } from "../src/quic/retry-token.ts";
import { dial, openRelay, startListener, until } from "./quic-pair.ts";
import { RawClient } from "./raw-client.ts";
import { closed, roundTrip, streamClosed } from "./stream-io.ts";

const count = (listener: Listener, name: string): number => listener.stats()[name] ?? Number.NaN;

/** The type bits of a first byte, RFC 9000 section 17.2. */
const types = { initial: 0xc0, zeroRtt: 0xd0, handshake: 0xe0, retry: 0xf0 } as const;

function longHeader(first: number, options: { version?: number; bytes: number; idBytes?: number }): Buffer {
  const datagram = randomBytes(options.bytes);
  datagram[0] = first;
  datagram.writeUInt32BE(options.version ?? 1, 1);
  const idBytes = options.idBytes ?? 8;
  datagram[5] = idBytes;
  datagram[6 + idBytes] = 8; // the source id's length
  return datagram;
}

it("survives any datagram and any change to a real one, and serves on", { timeout: 20_000 }, async (test) => {
  const listener = await startListener(test);
  const stranger = await RawClient.open(test, listener);
  const anyDatagram = fc.uint8Array({ minLength: 1, maxLength: 1_400 });
  const changed = fc
    .record({ at: fc.nat(60), bit: fc.nat(7), keep: fc.integer({ min: 1, max: 1_400 }) })
    .map(({ at, bit, keep }) => {
      const datagram = stranger.initial();
      datagram[at] = (datagram[at] ?? 0) ^ (1 << bit);
      return datagram.subarray(0, keep);
    });
  let sent = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(anyDatagram, changed), { minLength: 1, maxLength: 20 }), async (datagrams) => {
      for (const datagram of datagrams) stranger.send(datagram);
      sent += datagrams.length;
      await until(() => count(listener, "datagramsIn") >= sent);
    }),
    { numRuns: 60 },
  );
  assert.equal(await roundTrip(await dial(test, listener), "alive"), "alive");
});

it("survives the 60-byte 0-RTT datagram that ends the library's own server", async (test) => {
  const listener = await startListener(test);
  const stranger = await RawClient.open(test, listener);
  stranger.send(longHeader(types.zeroRtt, { bytes: 60 }));
  await until(() => count(listener, "droppedShort") === 1);
  stranger.send(longHeader(types.zeroRtt, { bytes: 1_200 }));
  stranger.send(longHeader(types.handshake, { bytes: 1_200 }));
  stranger.send(longHeader(types.retry, { bytes: 1_200 }));
  await until(() => count(listener, "datagramsIn") === 4);
  assert.equal(count(listener, "connections"), 0);
  assert.equal(await roundTrip(await dial(test, listener), "alive"), "alive");
});

it("keeps nothing for an Initial that is cut short or does not decrypt", async (test) => {
  const listener = await startListener(test);
  const stranger = await RawClient.open(test, listener);
  for (let bytes = 30; bytes < 1_200; bytes += 53) stranger.send(stranger.initial().subarray(0, bytes));
  for (let i = 0; i < 20; i++) {
    const forged = stranger.initial();
    forged.fill(0, 100, 200);
    stranger.send(forged);
  }
  await until(() => count(listener, "droppedShort") === 23 && count(listener, "droppedMalformed") === 20);
  assert.equal(count(listener, "connections"), 0);
  assert.equal(count(listener, "halfOpen"), 0);
  assert.equal(stranger.waiting, 0, "an answer went to a stranger");
});

it("drops a first Initial whose destination id is too short to be random", async (test) => {
  const listener = await startListener(test);
  const stranger = await RawClient.open(test, listener);
  stranger.send(longHeader(types.initial, { bytes: 1_200, idBytes: 7 }));
  stranger.send(longHeader(types.initial, { bytes: 1_200, idBytes: 21 }));
  await until(() => count(listener, "droppedMalformed") === 2);
});

it("answers an unknown version with those it speaks, and a version negotiation with nothing", async (test) => {
  const listener = await startListener(test);
  const stranger = await RawClient.open(test, listener);
  stranger.send(longHeader(types.initial, { bytes: 1_200, version: 0x0a0a0a0a }));
  const answer = await stranger.next();
  assert.equal(answer.readUInt32BE(1), 0);
  assert.ok(answer.includes(Buffer.from([0, 0, 0, 1])), "version 1 is offered");
  assert.ok(answer.length < 1_200, "the answer is no amplifier");
  stranger.send(longHeader(types.initial, { bytes: 1_199, version: 0x0a0a0a0a }));
  stranger.send(longHeader(types.initial, { bytes: 1_203, version: 0 })); // a whole number of versions
  await until(() => count(listener, "droppedShort") === 1 && count(listener, "droppedUnknown") === 1);
  assert.equal(count(listener, "versionNegotiations"), 1);
});

it("connects although someone injects version negotiations with other ids", async (test) => {
  const listener = await startListener(test);
  const relay = await openRelay(test, listener, {
    toClient: (datagram) => [longHeader(types.initial, { bytes: 60, version: 0 }), datagram],
  });
  assert.equal(await roundTrip(await dial(test, relay), "unmoved"), "unmoved");
});

it("keeps a connection although others send to it with its ids", async (test) => {
  const listener = await startListener(test);
  const relay = await openRelay(test, listener, {
    toClient: (datagram) => {
      const forged = Buffer.from(datagram);
      forged.fill(0x55, 30);
      return [forged, datagram];
    },
  });
  const client = await dial(test, relay);
  for (let i = 0; i < 20; i++) assert.equal(await roundTrip(client, `${i}`), `${i}`);
});

it("asks new peers for proof above the half-open cap, and real clients still connect", async (test) => {
  const listener = await startListener(test, { limits: { halfOpenMax: 20 } });
  const flood = await RawClient.open(test, listener);
  for (let i = 0; i < 200; i++) flood.send(flood.initial());
  await until(() => count(listener, "datagramsIn") === 200);
  assert.equal(count(listener, "halfOpen"), 20);
  assert.equal(count(listener, "retries"), 180);
  const clients = await Promise.all(Array.from({ length: 10 }, () => dial(test, listener)));
  for (const client of clients) assert.equal(await roundTrip(client, "real"), "real");
  assert.equal(count(listener, "handshakes"), 10);
});

it("asks new peers for proof while it is busy, instead of leaving them without an answer, and lets in who brings it", async (test) => {
  const listener = await startListener(test, { limits: { halfOpenMax: 100_000 } });
  const stranger = await RawClient.open(test, listener);
  let isOver = false;
  const keepBusy = (): void => void (isOver || setImmediate(keepBusy));
  test.after(() => {
    isOver = true;
  });
  keepBusy();
  await until(() => {
    stranger.send(stranger.initial());
    return count(listener, "retries") > 0;
  });
  assert.equal(count(listener, "droppedBusy"), 0);
  assert.equal(count(listener, "connections"), count(listener, "halfOpen"));
  assert.equal(await roundTrip(await dial(test, listener), "real"), "real");
});

it("forgets half-open connections at the handshake's deadline", async (test) => {
  const listener = await startListener(test, { limits: { handshakeMsMax: 200 } });
  const stranger = await RawClient.open(test, listener);
  for (let i = 0; i < 20; i++) stranger.send(stranger.initial());
  await until(() => count(listener, "halfOpen") === 20);
  await until(() => count(listener, "halfOpen") === 0);
  assert.equal(count(listener, "connections"), 0);
  assert.equal(count(listener, "handshakesFailed"), 20);
});

it("refuses a Retry token that was made for another address, or long ago", async (test) => {
  const retryKey = randomBytes(32);
  const listener = await startListener(test, { retryKey, limits: { halfOpenMax: 0 } });
  const client = await RawClient.open(test, listener);
  const thief = await RawClient.open(test, listener);
  const native = client.connect();
  client.flush(native);
  // The Retry answers the first datagram; its token makes the second one.
  client.deliver(native, await client.next());
  const [second] = client.packetsOf(native);
  assert.ok(second !== undefined);
  thief.send(Buffer.from(second));
  await until(() => count(listener, "droppedToken") === 1);
  client.send(second);
  await until(() => count(listener, "halfOpen") === 1);
  // The same token as a listener would have made it 11 s ago.
  const retryId = randomBytes(20);
  const claim = { peer: client.local, retryId, nowMs: Date.now() - 11_000 };
  client.send(initialWithToken(retryId, mintRetryToken(retryKey, randomBytes(8), claim)));
  await until(() => count(listener, "droppedToken") === 2);
  assert.equal(count(listener, "connections"), 1);
});

it("treats a token that is none of ours as no token", async (test) => {
  const listener = await startListener(test, { limits: { halfOpenMax: 0 } });
  const client = await RawClient.open(test, listener);
  client.send(initialWithToken(randomBytes(20), Buffer.alloc(40, 0x11)));
  await until(() => count(listener, "retries") === 1);
});

it("takes a Retry token that a listener with the same key has given", async (test) => {
  const retryKey = randomBytes(32);
  const options = { retryKey, limits: { halfOpenMax: 0 } };
  const first = await startListener(test, options);
  const client = await dial(test, first);
  assert.equal(await roundTrip(client, "proven"), "proven");
  assert.equal(count(first, "retries"), 1);
});

it("refuses connections above the cap at once, and again takes one when one is over", async (test) => {
  const listener = await startListener(test, { limits: { connectionsMax: 2 } });
  const clients = [await dial(test, listener), await dial(test, listener)] as const;
  await assert.rejects(dial(test, listener), (error) => {
    return error instanceof QpqError && error.code === "E040_CONNECT_FAILED" && /no new connections/.test(error.text);
  });
  clients[0].close(closeCodes.done, "bye");
  await until(() => count(listener, "connections") === 1);
  assert.equal(await roundTrip(await dial(test, listener), "next"), "next");
});

it("caps the connections of one address, not those of others", async (test) => {
  const listener = await startListener(test, { host: "::", limits: { connectionsPerAddressMax: 1 } });
  await dial(test, listener, { host: "127.0.0.1" });
  await assert.rejects(dial(test, listener, { host: "127.0.0.1" }), QpqError);
  assert.equal(await roundTrip(await dial(test, listener, { host: "::1" }), "other"), "other");
});

it("tells no more strangers in a second that they are refused than the limit says", async (test) => {
  const listener = await startListener(test, { limits: { refusalsPerSecondMax: 5 } });
  listener.refuseNew();
  const stranger = await RawClient.open(test, listener);
  for (let i = 0; i < 50; i++) stranger.send(stranger.initial());
  await until(() => count(listener, "datagramsIn") === 50);
  // The 50 may stand on both sides of the turn of a second.
  assert.ok(count(listener, "refused") <= 10);
  assert.equal(count(listener, "refused") + count(listener, "droppedLimit"), 50);
});

it("sends no more stateless resets in a second than the limit says, and none to what may be one", async (test) => {
  const listener = await startListener(test, { limits: { statelessResetsPerSecondMax: 5 } });
  const stranger = await RawClient.open(test, listener);
  const short = (bytes: number): Buffer => {
    const datagram = randomBytes(bytes);
    datagram[0] = 0x40;
    return datagram;
  };
  stranger.send(short(21));
  await until(() => count(listener, "droppedUnknown") === 1);
  stranger.send(short(30));
  assert.ok((await stranger.next()).length < 30, "a reset is shorter than its cause");
  for (let i = 0; i < 50; i++) stranger.send(short(100));
  await until(() => count(listener, "datagramsIn") === 52);
  assert.ok(count(listener, "statelessResets") <= 10);
  assert.ok(count(listener, "droppedLimit") >= 41);
});

it("finds a stream far ahead of the others, and the ones left out when they come", async (test) => {
  const seen: number[] = [];
  const listener = await startListener(test, {
    onConnection: (connection) => {
      connection.onStream = (stream) => {
        seen.push(stream.id);
        stream.onData = () => {};
      };
    },
  });
  const client = await RawClient.open(test, listener);
  const native = client.connect();
  await client.run(native, () => native.isEstablished());
  for (const id of [396, 0, 200, 4]) {
    native.streamSend(id, Buffer.from("x"), false);
    client.flush(native);
    await until(() => seen.at(-1) === id);
  }
});

it("learns of a reset while it does not read", async (test) => {
  const held = Promise.withResolvers<unknown>();
  const listener = await startListener(test, {
    onConnection: (connection) => {
      connection.onStream = (stream) => {
        stream.pause();
        void streamClosed(stream).then(held.resolve);
      };
    },
  });
  const client = await dial(test, listener);
  const stream = client.openStream();
  stream.write(new Uint8Array(100_000));
  await roundTripOver(client);
  stream.reset(closeCodes.overloaded);
  const error = await held.promise;
  assert.ok(error instanceof QpqError && error.code === "E049_STREAM_RESET");
});

it("drops a connection that breaks the protocol, and tells it", async (test) => {
  const ended = Promise.withResolvers<unknown>();
  const listener = await startListener(test, {
    onConnection: (connection) => void closed(connection).then((info) => ended.resolve(info.error)),
  });
  const rogue = await RawClient.open(test, listener);
  const native = rogue.connect();
  await rogue.run(native, () => native.isEstablished());
  rogue.flush(native);
  await until(() => count(listener, "handshakes") === 1);
  native.close(false, 0x0a, Buffer.from("protocol violation"));
  rogue.flush(native);
  const error = await ended.promise;
  assert.ok(error instanceof QpqError && error.code === "E042_CONNECTION_LOST");
  assert.equal(error.fields["transportError"], 0x0a);
});

/** Settles when the server has had its turn: datagrams of one connection arrive in order here. */
async function roundTripOver(client: Awaited<ReturnType<typeof dial>>): Promise<void> {
  const { datagramsIn } = client.stats();
  await until(() => client.stats().datagramsIn > datagramsIn);
}

/** An Initial whose token is read before anything is decrypted; the rest is noise. */
function initialWithToken(destinationId: Buffer, token: Buffer): Buffer {
  const head = Buffer.concat([
    Buffer.from([types.initial, 0, 0, 0, 1, destinationId.length]),
    destinationId,
    Buffer.from([8]),
    randomBytes(8),
    Buffer.from([token.length]),
    token,
    Buffer.from([0x44, 0x00]),
  ]);
  return Buffer.concat([head, randomBytes(1_200 - head.length)]);
}
