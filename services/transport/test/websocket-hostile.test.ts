/** What a listener must survive: each ends its own connection only, in the time and memory the limits say. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { it, type TestContext } from "node:test";
import { setTimeout } from "node:timers/promises";
import { QpqError } from "quicproquo-proto";
import { type ByteStream, closeCodes, type Connection, type ConnectionClosed } from "../src/port.ts";
import type { WebSocketListener, WebSocketListenOptions } from "../src/websocket/index.ts";
import { type Frame, opcodes, RawWebSocket } from "./raw-websocket.ts";
import { closed, echo, readAll, roundTrip, streamClosed } from "./stream-io.ts";
import { dial, startListener } from "./websocket-pair.ts";

const { binary, close, continuation, ping, pong, text } = opcodes;

/** A listener with a client that must not notice anything. */
async function startWithBystander(test: TestContext, options: Partial<WebSocketListenOptions> = {}) {
  const listener = await startListener(test, options);
  const bystander = await dial(test, listener);
  const unharmed = async (): Promise<void> => assert.equal(await roundTrip(bystander, "unharmed"), "unharmed");
  return { listener, unharmed };
}

const gone = (socket: Socket): Promise<unknown> => new Promise((resolve) => socket.once("close", resolve));

async function plainTcp(test: TestContext, { port }: { readonly port: number }): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  test.after(() => socket.destroy());
  socket.on("error", () => {});
  socket.resume();
  await once(socket, "connect");
  return socket;
}

/** Looks again each millisecond until it holds; the test's own timeout bounds it. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await setTimeout(1);
}

const statusOf = (answer: string): string | undefined => answer.split(" ")[1];

it("lets in whom no page sent, and pages of the allowed origins only", { timeout: 10_000 }, async (test) => {
  const { listener, unharmed } = await startWithBystander(test, { allowedOrigins: ["https://chat.example"] });
  for (const [origin, status] of [
    ["https://chat.example", "101"],
    ["https://evil.example", "403"],
    ["http://chat.example", "403"],
    ["https://chat.example.evil.example", "403"],
    ["https://chat.example:8443", "403"],
    ["null", "403"],
    ["", "403"],
  ] as const) {
    const raw = await RawWebSocket.openTls(test, listener);
    assert.equal(statusOf(await raw.request({ Origin: origin })), status, origin);
    if (status !== "101") await raw.gone();
  }
  assert.equal(listener.stats()["refusedOrigin"], 6);
  await unharmed();
});

const refusedRequests: Record<
  string,
  readonly [status: string, headers: Record<string, string | undefined>, path?: string]
> = {
  "without a subprotocol": ["400", { "Sec-WebSocket-Protocol": undefined }],
  "of another subprotocol": ["400", { "Sec-WebSocket-Protocol": "graphql-ws, capnp2" }],
  "for another path": ["404", {}, "/"],
  "for another path that begins alike": ["404", {}, "/capnp/x"],
  "that is a plain GET": ["426", { Upgrade: undefined, Connection: undefined }],
  "that is a plain GET for another path": ["404", { Upgrade: undefined, Connection: undefined }, "/index.html"],
  "for another upgrade": ["400", { Upgrade: "h2c" }],
  "without a key": ["400", { "Sec-WebSocket-Key": undefined }],
  "of another WebSocket version": ["400", { "Sec-WebSocket-Version": "99" }],
};
for (const [name, [status, headers, path]] of Object.entries(refusedRequests)) {
  it(`answers a request ${name} with ${status} and hangs up`, { timeout: 10_000 }, async (test) => {
    const { listener, unharmed } = await startWithBystander(test);
    const raw = await RawWebSocket.openTls(test, listener);
    assert.equal(statusOf(await raw.request(headers, path)), status);
    await raw.gone();
    await unharmed();
    await until(() => listener.stats()["connections"] === 1);
    assert.equal(listener.stats()["handshakes"], 1);
  });
}

it("answers the subprotocol among others, and no extensions", { timeout: 10_000 }, async (test) => {
  const { listener } = await startWithBystander(test);
  const raw = await RawWebSocket.openTls(test, listener);
  const offer = { "Sec-WebSocket-Protocol": "x, capnp", "Sec-WebSocket-Extensions": "permessage-deflate" };
  const answer = await raw.request(offer);
  assert.match(answer, /^Sec-WebSocket-Protocol: capnp\r$/m);
  assert.doesNotMatch(answer, /extensions/i);
});

it("hangs up on HTTP that is none, or has too long a header", { timeout: 10_000 }, async (test) => {
  const { listener, unharmed } = await startWithBystander(test);
  for (const garbage of ["\0\x01\x02garbage\r\n\r\n", `GET /capnp HTTP/1.1\r\nX: ${"x".repeat(70_000)}`]) {
    const raw = await RawWebSocket.openTls(test, listener);
    raw.socket.write(garbage);
    await raw.gone();
  }
  await unharmed();
});

it("refuses TLS 1.2, other ALPNs, and what is no TLS", { timeout: 10_000 }, async (test) => {
  const { listener, unharmed } = await startWithBystander(test);
  await assert.rejects(RawWebSocket.openTls(test, listener, { maxVersion: "TLSv1.2" }), /alert protocol version/i);
  await assert.rejects(RawWebSocket.openTls(test, listener, { ALPNProtocols: ["h2"] }), /no application protocol/i);
  for (const garbage of ["GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\xff\xff".padEnd(70_000, "x"), "\0"]) {
    const socket = await plainTcp(test, listener);
    const over = gone(socket);
    socket.end(garbage, "latin1");
    await over;
  }
  await unharmed();
  await until(() => listener.stats()["connections"] === 1);
});

it("gives up who dawdles: before TLS, in TLS, in HTTP, and after a refusal", { timeout: 20_000 }, async (test) => {
  // Ends by nothing but the deadline: no one here sends a byte more.
  const { listener, unharmed } = await startWithBystander(test, { limits: { handshakeMsMax: 300 } });
  const silent = await plainTcp(test, listener);
  const halfHello = await plainTcp(test, listener);
  halfHello.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]));
  const quiet = await RawWebSocket.openTls(test, listener);
  const halfRequest = await RawWebSocket.openTls(test, listener);
  halfRequest.socket.write("GET /capnp HTTP/1.1\r\nHost: ");
  const body = await RawWebSocket.openTls(test, listener);
  body.socket.write("POST /capnp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nx");
  await Promise.all([silent, halfHello].map(gone));
  await Promise.all([quiet, halfRequest, body].map((raw) => raw.gone()));
  await unharmed();
  assert.equal(listener.stats()["halfOpen"], 0);
  assert.equal(listener.stats()["handshakesFailed"], 5);
});

it("a deadline that is met does not end the connection later", { timeout: 10_000 }, async (test) => {
  const listener = await startListener(test, { limits: { handshakeMsMax: 100 } });
  const client = await dial(test, listener);
  const slow = await plainTcp(test, listener); // opened behind it, ended by its deadline
  await gone(slow);
  assert.equal(await roundTrip(client, "still here"), "still here");
});

it("caps connections of a peer and in all, half-open ones included, and takes more when one is gone", {
  timeout: 10_000,
}, async (test) => {
  for (const limits of [{ connectionsPerAddressMax: 3 }, { connectionsMax: 3 }]) {
    const listener = await startListener(test, { limits });
    const open = await dial(test, listener);
    const halfOpen = [await plainTcp(test, listener), await plainTcp(test, listener)];
    await until(() => listener.stats()["connections"] === 3);
    await assert.rejects(dial(test, listener), (error) => {
      return error instanceof QpqError && error.code === "E040_CONNECT_FAILED" && /refused/.test(error.text);
    });
    assert.equal(listener.stats()["droppedLimit"], 1);
    halfOpen[0]?.destroy();
    await until(() => listener.stats()["connections"] === 2);
    assert.equal(await roundTrip(await dial(test, listener), "room again"), "room again");
    assert.equal(await roundTrip(open, "unharmed"), "unharmed");
  }
});

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
  const streams: ByteStream[] = [];
  const listener = await startListener(test, {
    limits: { streamWindowBytes: 64 * 1024 },
    onConnection: (connection) => {
      connection.onStream = (stream) => {
        stream.pause();
        streams.push(stream);
      };
    },
  });
  const raw = await RawWebSocket.open(test, listener);
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
  let read = 0;
  const stream = streams[0] as ByteStream;
  const all = new Promise<void>((resolve) => {
    stream.onData = (chunk) => {
      read += chunk.length;
      if (read * message.length === sent) resolve();
    };
  });
  stream.resume();
  await all;
});

it("gives up a silent peer at the idle time, and keeps one that answers pings", { timeout: 20_000 }, async (test) => {
  const limits = { idleMs: 400, keepAliveMs: 100 };
  const ends: Promise<ConnectionClosed>[] = [];
  const listener = await startListener(test, {
    limits,
    onConnection: (connection) => void ends.push(closed(connection)),
  });
  const live = await RawWebSocket.open(test, listener);
  const silent = await RawWebSocket.open(test, listener);
  let pings = 0;
  const answer = async (): Promise<void> => {
    for (;;) {
      const { opcode, payload } = await live.frame();
      assert.equal(opcode, ping);
      pings += 1;
      live.send({ opcode: pong, payload });
    }
  };
  const answering = answer();
  await silent.gone();
  const { reason, error } = await (ends[1] as (typeof ends)[number]);
  assert.deepEqual([reason, error?.code], ["idle timeout", "E042_CONNECTION_LOST"]);
  await until(() => pings >= 4); // far beyond the idle time of one that had not answered
  assert.equal(listener.stats()["connections"], 1);
  live.socket.destroy();
  await assert.rejects(answering, /the connection ended/);
});

it("a client notices a server that is silent, and keeps one that is only quiet", { timeout: 20_000 }, async (test) => {
  const listener = await startListener(test);
  const quiet = await dial(test, listener, { limits: { idleMs: 300, keepAliveMs: 50 } });
  const cut = await dial(test, listener, { limits: { idleMs: 300, keepAliveMs: 0 } }); // hears nothing: nobody pings
  const { reason, error } = await closed(cut);
  assert.deepEqual([reason, error?.code], ["idle timeout", "E042_CONNECTION_LOST"]);
  assert.equal(await roundTrip(quiet, "still here"), "still here");
  assert.ok(quiet.stats().rttMs > 0);
});

it("a reader that pauses for longer than the idle time loses nobody", { timeout: 20_000 }, async (test) => {
  const limits = { idleMs: 200, keepAliveMs: 50, streamWindowBytes: 1 };
  const paused = Promise.withResolvers<ByteStream>();
  const listener = await startListener(test, {
    limits,
    onConnection: (connection) => {
      connection.onStream = (stream) => {
        stream.pause();
        paused.resolve(stream);
      };
    },
  });
  const client = await dial(test, listener, { limits });
  const stream = client.openStream();
  stream.write(Buffer.from("held back"));
  stream.end();
  const other = await paused.promise;
  // One after the other, each ended at its idle time.
  for (let idleTimes = 0; idleTimes < 5; idleTimes++) await (await RawWebSocket.open(test, listener)).gone();
  const heard = readAll(other);
  other.resume();
  assert.equal((await heard).toString(), "held back");
});

it("resumes TLS sessions under the same ticket key, and after a new one makes full handshakes", async (test) => {
  const ticketKey = new Uint8Array(48).fill(1);
  const listener: WebSocketListener = await startListener(test, { ticketKey });
  const first = await RawWebSocket.openTls(test, listener);
  const [session] = (await once(first.socket, "session")) as [Buffer];
  const reused = async (to: WebSocketListener): Promise<boolean> => {
    const raw = await RawWebSocket.openTls(test, to, { session });
    return raw.socket.isSessionReused();
  };
  assert.equal(await reused(listener), true);
  assert.equal(await reused(await startListener(test, { ticketKey })), true);
  listener.setTicketKey(new Uint8Array(48).fill(2));
  assert.equal(await reused(listener), false);
  assert.throws(() => listener.setTicketKey(new Uint8Array(47)), { code: "E046_CONFIG" });
});
