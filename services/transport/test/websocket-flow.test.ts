/** Peers that do not read, and readers that pause: what waits for them has a limit. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { QpqError } from "quicproquo-proto";
import { type ByteStream, closeCodes, type Connection } from "../src/port.ts";
import { opcodes, RawWebSocket } from "./raw-websocket.ts";
import { closed, echo, streamClosed } from "./stream-io.ts";
import { dial, startListener, startWithBystander, until } from "./websocket-pair.ts";

const { binary } = opcodes;
const bytes = (length: number): Uint8Array => new Uint8Array(length);

it("ends who floods pings and reads no pong", { timeout: 20_000 }, async (test) => {
  const { listener, unharmed } = await startWithBystander(test);
  const raw = await RawWebSocket.open(test, listener);
  raw.socket.pause();
  const flood = Buffer.concat(
    Array.from({ length: 5_000 }, () => Buffer.from([0x89, 0xfd, 0, 0, 0, 0, ...bytes(125)])),
  );
  const over = raw.gone();
  const pour = (): void => {
    while (!raw.socket.destroyed && raw.socket.write(flood));
  };
  raw.socket.on("drain", pour);
  pour();
  await over;
  await unharmed();
});

it("resets the stream of who never reads at the send limit, and frees what waited", {
  timeout: 20_000,
}, async (test) => {
  const accepted = Promise.withResolvers<Connection>();
  const limits = { sendQueueBytesMax: 4 * 1024 * 1024, closeMsMax: 200 };
  let first = true;
  const { listener, unharmed } = await startWithBystander(test, {
    limits,
    onConnection: (connection) => {
      if (first) echo(connection);
      else accepted.resolve(connection);
      first = false;
    },
  });
  const raw = await RawWebSocket.open(test, listener);
  const server = await accepted.promise;
  const opened = new Promise<ByteStream>((resolve) => {
    server.onStream = resolve;
  });
  raw.socket.pause();
  raw.send({ opcode: binary, payload: bytes(1) });
  const stream = await opened;
  const over = streamClosed(stream);
  const ended = closed(server);
  for (let i = 0; i < 1_000; i++) stream.write(new Uint8Array(64 * 1024)); // ignores every stop
  const error = await over;
  assert.ok(error instanceof QpqError && error.code === "E049_STREAM_RESET");
  assert.equal(error.fields["code"], closeCodes.overloaded);
  assert.equal((await ended).code, closeCodes.overloaded);
  await until(() => listener.stats()["connections"] === 1); // although it reads no Close frame
  await unharmed();
});

it("a peer of a paused reader is held back, however small its messages", { timeout: 30_000 }, async (test) => {
  const accepted = Promise.withResolvers<Connection>();
  const listener = await startListener(test, {
    limits: { streamWindowBytes: 64 * 1024 },
    onConnection: accepted.resolve,
  });
  const raw = await RawWebSocket.open(test, listener);
  const server = await accepted.promise;
  const opened = new Promise<ByteStream>((resolve) => {
    server.onStream = (stream) => {
      stream.pause();
      resolve(stream);
    };
  });
  const message = Buffer.from([0x82, 0x81, 0, 0, 0, 0, 7]);
  const messages = Buffer.concat(Array.from({ length: 10_000 }, () => message));
  let sent = 0;
  let goes = true;
  raw.socket.on("drain", () => {
    goes = true;
  });
  const bystander = await dial(test, await startListener(test));
  const beside = bystander.openStream();
  // TCP takes some MB; then it must be over, however often we look.
  for (let still = 0; still < 20; still++) {
    while (goes) {
      goes = raw.socket.write(messages);
      sent += messages.length;
      still = 0;
      assert.ok(sent < 64 * 1024 * 1024, "the peer of a paused reader is never held back");
    }
    beside.write(bytes(1));
    await new Promise((resolve) => {
      beside.onData = resolve;
    });
  }
  // A byte counts as 257; what one read of the socket brought comes on top, up to 64 KiB of these messages.
  assert.ok(server.stats().bytesIn < 10_000, `${server.stats().bytesIn} messages are held`);
  let read = 0;
  const stream = await opened;
  const all = new Promise<void>((resolve) => {
    stream.onData = (chunk) => {
      read += chunk.length;
      if (read * message.length === sent) resolve();
    };
  });
  stream.resume();
  await all;
});
