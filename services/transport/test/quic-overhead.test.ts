/** Frames that carry nothing are bounded, and no honest connection is taken for one that sends them. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { it } from "node:test";
import { type ByteStream, closeCodes, type Connection } from "../src/port.ts";
import { frames } from "./forge.ts";
import { forging } from "./forging.ts";
import { dial, openRelay, startListener, until } from "./quic-pair.ts";
import { echo, nextStream, readAll, roundTrip, writeAll } from "./stream-io.ts";

const kibi = 1024;
// The least there may be.
const limits = { overheadBytesMax: 64 * kibi };

const newId = (sequence: number, retirePriorTo: number): Buffer =>
  frames.newConnectionId(sequence, retirePriorTo, randomBytes(20), randomBytes(16));
const far = 2 ** 40;
/** Each makes the frames of its n-th packet. */
const floods: Readonly<Record<string, (n: number) => readonly Buffer[]>> = {
  "ids that are to be given back at once": (n) =>
    Array.from({ length: 20 }, (_, i) => (n === 0 && i === 0 ? newId(far, far) : newId(20 * n + i + 2, 0))),
  "challenges of a path": () => Array.from({ length: 100 }, () => frames.pathChallenge(randomBytes(8))),
  "pieces of a handshake that is over": (n) => [frames.crypto(1_000_000 + n * 1_100, randomBytes(1_000))],
  "stream bytes that it has had": () => [frames.stream({ id: 0, data: Buffer.alloc(1_000) })],
};
for (const [name, make] of Object.entries(floods)) {
  it(`parts from a peer that sends nothing but ${name}`, async (test) => {
    const { listener, over, send, connection } = await forging(test, limits);
    const other = await dial(test, listener);
    let isOver = false;
    void over.then(() => {
      isOver = true;
    });
    for (let n = 0; !isOver; n++) {
      send(...make(n));
      if (n % 10 === 9) await new Promise(setImmediate);
      assert.ok(connection.stats().bytesIn < 300 * kibi, "it takes whatever comes");
    }
    const { code, reason } = await over;
    assert.deepEqual([code, reason], [closeCodes.limitExceeded, "too much that carries nothing"]);
    assert.equal(await roundTrip(other, "alive"), "alive");
  });
}

it("keeps a client that sends 8 MiB through a network that loses and doubles datagrams", {
  timeout: 30_000,
}, async (test) => {
  const listener = await startListener(test, { limits });
  const relay = await openRelay(test, listener, { seed: 3, lossPercent: 5, duplicatePercent: 5, reorderPercent: 5 });
  const client = await dial(test, relay, { limits });
  const stream = client.openStream();
  const answer = readAll(stream);
  await writeAll(stream, randomBytes(8 * 1024 * kibi));
  assert.equal((await answer).length, 8 * 1024 * kibi);
});

it("keeps a client that only takes, 16 MiB of it", { timeout: 30_000 }, async (test) => {
  const accepted = Promise.withResolvers<Connection>();
  const listener = await startListener(test, { limits, onConnection: accepted.resolve });
  const relay = await openRelay(test, listener, { seed: 4, lossPercent: 2 });
  const client = await dial(test, relay, { limits });
  const whole = nextStream(client).then(readAll);
  await writeAll((await accepted.promise).openStream(), new Uint8Array(16 * 1024 * kibi));
  assert.equal((await whole).length, 16 * 1024 * kibi);
});

it("keeps a client of 20,000 messages of one byte", { timeout: 30_000 }, async (test) => {
  const listener = await startListener(test, { limits });
  const client = await dial(test, listener, { limits });
  const stream = client.openStream();
  const byte = Buffer.from("x");
  let count = 0;
  const all = new Promise<void>((resolve) => {
    stream.onData = (chunk) => {
      count += chunk.length;
      if (count === 20_000) resolve();
      else stream.write(byte);
    };
  });
  stream.write(byte);
  await all;
});

it("keeps a client whose bytes nobody reads, up to the window, and then reads them", {
  timeout: 30_000,
}, async (test) => {
  const accepted = Promise.withResolvers<Connection>();
  const listener = await startListener(test, { limits, onConnection: accepted.resolve });
  const client = await dial(test, listener, { limits });
  const server = await accepted.promise;
  const held: ByteStream[] = [];
  let reads = false;
  server.onStream = (stream) => {
    if (!reads) stream.pause();
    held.push(stream);
    stream.onData = () => {};
    stream.onEnd = () => stream.end();
  };
  const streams = Array.from({ length: 6 }, () => client.openStream());
  const sent = Promise.all(streams.map((stream) => writeAll(stream, new Uint8Array(1024 * kibi))));
  await until(() => server.stats().bytesIn > 4 * 1024 * kibi); // the connection's window
  reads = true;
  for (const stream of held) stream.resume();
  await sent;
  echo(server);
  assert.equal(await roundTrip(client, "still here"), "still here");
});

it("does not tell and tell again that it is blocked", { timeout: 30_000 }, async (test) => {
  const accepted = Promise.withResolvers<Connection>();
  const listener = await startListener(test, { onConnection: accepted.resolve });
  const client = await dial(test, listener);
  const server = await accepted.promise;
  server.onStream = (stream) => stream.pause();
  // Two windows of the connection: it is blocked as a whole.
  for (let i = 0; i < 8; i++) client.openStream().write(new Uint8Array(1024 * kibi));
  await until(() => server.stats().bytesIn > 4 * 1024 * kibi);
  // What is on its way arrives and is acknowledged, then both are quiet: 500 turns without a datagram.
  let sent = -1;
  for (let quiet = 0; quiet < 500; quiet++) {
    await new Promise(setImmediate);
    if (sent !== client.stats().datagramsOut) quiet = 0;
    sent = client.stats().datagramsOut;
  }
});
