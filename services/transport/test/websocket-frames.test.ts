/** What peers may say in a WebSocket, and what they may not: a breach ends its own connection only. */
import assert from "node:assert/strict";
import { it } from "node:test";
import type { ConnectionClosed } from "../src/port.ts";
import { type Frame, opcodes, RawWebSocket } from "./raw-websocket.ts";
import { closed, echo } from "./stream-io.ts";
import { startListener, startWithBystander } from "./websocket-pair.ts";

const { binary, close, continuation, ping, pong, text } = opcodes;
const bytes = (length: number): Uint8Array => new Uint8Array(length);
const breaches: Record<string, readonly [status: number, frames: readonly Frame[]]> = {
  "a text message": [4200, [{ opcode: text, payload: Buffer.from("hello") }]],
  "bytes behind FIN": [4200, [{ opcode: binary }, { opcode: binary, payload: bytes(1) }]],
  "FIN behind FIN": [4200, [{ opcode: binary }, { opcode: binary }]],
  "an unmasked frame": [1002, [{ opcode: binary, payload: bytes(1), masked: false }]],
  "an unknown opcode": [1002, [{ opcode: 3, payload: bytes(1) }]],
  "a continuation of nothing": [1002, [{ opcode: continuation, payload: bytes(1) }]],
  "a fragmented ping": [1002, [{ opcode: ping, fin: false }]],
  "a ping of 126 bytes": [1002, [{ opcode: ping, payload: bytes(126) }]],
  "a message above the limit": [1009, [{ opcode: binary, length: 64 * 1024 + 1 }]],
  "a message of 2^62 bytes": [1009, [{ opcode: binary, length: 2 ** 62 }]],
  "fragments above the limit in all": [
    1009,
    [
      { opcode: binary, payload: bytes(64 * 1024), fin: false },
      { opcode: continuation, payload: bytes(1) },
    ],
  ],
  "more fragments than allowed": [
    1008,
    [
      { opcode: binary, payload: bytes(1), fin: false },
      ...Array.from({ length: 64 }, () => ({ opcode: continuation, payload: bytes(1), fin: false })),
    ],
  ],
  "more empty fragments than allowed": [
    1008,
    [{ opcode: binary, fin: false }, ...Array.from({ length: 64 }, () => ({ opcode: continuation, fin: false }))],
  ],
  "a close with a status of the protocol's own": [1002, [{ opcode: close, payload: Buffer.from([0x03, 0xed]) }]],
};
for (const [name, [status, frames]] of Object.entries(breaches)) {
  it(`closes on ${name}, with ${status}, and only that connection`, { timeout: 10_000 }, async (test) => {
    const ends: ConnectionClosed[] = [];
    const { listener, unharmed } = await startWithBystander(test, {
      limits: { messageBytesMax: 64 * 1024, messagePiecesMax: 64, closeMsMax: 100 },
      onConnection: (connection) => {
        echo(connection);
        connection.onClose = (end) => void ends.push(end);
      },
    });
    const raw = await RawWebSocket.open(test, listener);
    raw.send(...frames);
    assert.equal(await raw.closeStatus(), status);
    await raw.gone(); // although the answer to the Close frame never comes
    await unharmed();
    assert.deepEqual(
      ends.map(({ byPeer, error }) => [byPeer, error?.code]),
      [[false, "E042_CONNECTION_LOST"]],
    );
  });
}

it("counts the pieces a frame comes in: a byte a TLS record ends at the limit", { timeout: 20_000 }, async (test) => {
  const { listener, unharmed } = await startWithBystander(test, { limits: { messagePiecesMax: 64 } });
  const raw = await RawWebSocket.open(test, listener);
  raw.send({ opcode: binary, payload: bytes(1), length: 60_000 });
  let sent = 0;
  while (!raw.socket.closed && sent < 5_000) {
    raw.socket.write(bytes(1));
    sent += 1;
    await new Promise(setImmediate);
  }
  await raw.gone();
  assert.ok(sent < 5_000, "a frame of one-byte pieces was gathered");
  await unharmed();
});

it("takes messages cut anywhere: fragments, with pings between them, as one stream of bytes", async (test) => {
  const listener = await startListener(test);
  const raw = await RawWebSocket.open(test, listener);
  raw.send(
    { opcode: binary, payload: Buffer.from("one "), fin: false },
    { opcode: ping, payload: Buffer.from("are you there?") },
    { opcode: continuation, payload: Buffer.from("two ") },
    { opcode: binary, payload: Buffer.from("three") },
    { opcode: binary },
  );
  const seen = [await raw.frame(), await raw.frame(), await raw.frame(), await raw.frame()];
  assert.deepEqual(
    seen.map(({ opcode, payload }) => [opcode, payload.toString()]),
    [
      [pong, "are you there?"],
      [binary, "one two "],
      [binary, "three"],
      [binary, ""],
    ],
  );
});

it("takes status 1000 for done, and tells the other statuses of the protocol as a loss", async (test) => {
  const ends: Promise<ConnectionClosed>[] = [];
  const listener = await startListener(test, { onConnection: (connection) => void ends.push(closed(connection)) });
  for (const status of [1000, 1001, 4100, 4502]) {
    const raw = await RawWebSocket.open(test, listener);
    const payload = Buffer.from([status >> 8, status & 0xff, ...Buffer.from("a\nb")]);
    raw.send({ opcode: close, payload });
    await raw.gone();
  }
  const seen = await Promise.all(ends);
  assert.deepEqual(
    seen.map(({ code, reason, error }) => [code, reason, error?.code]),
    [
      [0, "a?b", undefined],
      [undefined, "a?b", "E042_CONNECTION_LOST"],
      [100, "a?b", "E042_CONNECTION_LOST"],
      [2, "a?b", "E042_CONNECTION_LOST"],
    ],
  );
});
