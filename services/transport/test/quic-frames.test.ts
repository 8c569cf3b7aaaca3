/** Frames that no honest client sends: its connection ends with the right error, and nothing else does. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { closeCodes } from "../src/port.ts";
import { frames } from "./forge.ts";
import { forging, type Told } from "./forging.ts";
import { dial, until } from "./quic-pair.ts";
import { roundTrip } from "./stream-io.ts";

/** RFC 9000 section 20.1. */
const transportErrors = {
  flowControl: 0x03,
  streamLimit: 0x04,
  streamState: 0x05,
  finalSize: 0x06,
  frameEncoding: 0x07,
  protocolViolation: 0x0a,
} as const;

const big = 1024 * 1024;
const ends: Readonly<Record<string, readonly [error: number, ...parts: Uint8Array[]]>> = {
  "a stream beyond the limit": [transportErrors.streamLimit, frames.stream({ id: 4 * 8, data: Buffer.from("x") })],
  "a reset of a stream beyond the limit": [transportErrors.streamLimit, frames.resetStream(4 * 8, 0, 0)],
  "a one-way stream": [transportErrors.streamLimit, frames.stream({ id: 2, data: Buffer.from("x") })],
  "bytes beyond a stream's window": [
    transportErrors.flowControl,
    frames.stream({ id: 0, offset: big, data: Buffer.from("x") }),
  ],
  "a final size beyond the window": [transportErrors.flowControl, frames.resetStream(0, 0, 64 * big)],
  "bytes behind the FIN": [
    transportErrors.finalSize,
    frames.stream({ id: 0, data: Buffer.from("all"), fin: true }),
    frames.stream({ id: 0, offset: 3, data: Buffer.from("more") }),
  ],
  "a FIN before bytes that are there": [
    transportErrors.finalSize,
    frames.stream({ id: 0, data: Buffer.from("all of it") }),
    frames.stream({ id: 0, offset: 3, fin: true }),
  ],
  "a reset with another final size than the FIN's": [
    transportErrors.finalSize,
    frames.stream({ id: 0, data: Buffer.from("all"), fin: true }),
    frames.resetStream(0, 0, 7),
  ],
  "two resets with different final sizes": [
    transportErrors.finalSize,
    frames.resetStream(0, 0, 3),
    frames.resetStream(0, 0, 4),
  ],
  "HANDSHAKE_DONE from a client": [transportErrors.protocolViolation, frames.handshakeDone],
  "a frame of no known type": [transportErrors.frameEncoding, frames.unknown],
  "a frame that is cut short": [
    transportErrors.protocolViolation,
    frames.stream({ id: 0, data: Buffer.alloc(9) }).subarray(0, 9),
  ],
  "the retirement of an id that was never given": [transportErrors.protocolViolation, frames.retireConnectionId(99)],
};
for (const [name, [error, ...parts]] of Object.entries(ends)) {
  it(`ends a connection with ${name}, and no other`, async (test) => {
    const { listener, over, send } = await forging(test, { streamsMax: 8, streamWindowBytes: big / 2 });
    const other = await dial(test, listener);
    send(...parts);
    const told = await over;
    assert.deepEqual([told.byPeer, told.error?.code], [false, "E042_CONNECTION_LOST"]);
    assert.equal(told.error?.fields["transportError"], error);
    assert.equal(await roundTrip(other, "alive"), "alive");
    await until(() => listener.stats()["connections"] === 1);
  });
}

it("ends a stream once however often its FIN comes", async (test) => {
  const { streams, send, connection } = await forging(test);
  const whole = frames.stream({ id: 0, data: Buffer.from("all"), fin: true });
  send(whole);
  send(whole, whole);
  send(frames.stream({ id: 0, offset: 3, fin: true }));
  send(frames.stream({ id: 4, data: Buffer.from("next") }));
  await until(() => streams.length === 2);
  assert.deepEqual(streams[0]?.events, ["all", "end"]);
  streams[0]?.stream.end();
  await until(() => streams[0]?.events.length === 3);
  send(whole); // the stream is gone
  send(frames.stream({ id: 4, offset: 4, data: Buffer.from(" one") }));
  await until(() => streams[1]?.events.length === 2);
  assert.deepEqual(streams[0]?.events, ["all", "end", "close well"]);
  assert.equal(connection.inEarlyData, false);
});

it("ends a stream when the peer wants no more of it, though it does not reset its own side", async (test) => {
  const { streams, send } = await forging(test);
  send(frames.stream({ id: 0, data: Buffer.from("question") }), frames.stopSending(0, closeCodes.overloaded));
  await until(() => streams.length === 1);
  const { stream, events } = streams[0] as Told;
  stream.write(Buffer.from("answer"));
  await until(() => events.length === 2);
  assert.deepEqual(events, ["question", "close E049_STREAM_RESET"]);
  send(frames.stream({ id: 0, offset: 8, data: Buffer.from("more") })); // the rest is nobody's
  send(frames.stream({ id: 4, data: Buffer.from("next") }));
  await until(() => streams.length === 2);
  assert.equal(events.length, 2);
});
