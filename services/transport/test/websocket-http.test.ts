/** Who may become a WebSocket, and what a listener must survive before: each ends its own connection only. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { it, type TestContext } from "node:test";
import { QpqError } from "quicproquo-proto";
import type { WebSocketListener } from "../src/websocket/index.ts";
import { RawWebSocket } from "./raw-websocket.ts";
import { roundTrip } from "./stream-io.ts";
import { dial, startListener, startWithBystander, trusted, until } from "./websocket-pair.ts";

const gone = (socket: Socket): Promise<unknown> => new Promise((resolve) => socket.once("close", resolve));

async function plainTcp(test: TestContext, { port }: { readonly port: number }): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  test.after(() => socket.destroy());
  socket.on("error", () => {});
  socket.resume();
  await once(socket, "connect");
  return socket;
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
  const { listener, unharmed } = await startWithBystander(test, { limits: { handshakeMsMax: 1_000 } });
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
  const listener = await startListener(test, { limits: { handshakeMsMax: 500 } });
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
  listener.setCertificate(trusted);
  assert.equal(await reused(listener), true, "another certificate is no other key");
  listener.setTicketKey(new Uint8Array(48).fill(2));
  assert.equal(await reused(listener), false);
  listener.setCertificate(trusted);
  assert.equal(await reused(listener), false, "the key of the start is gone");
  assert.throws(() => listener.setTicketKey(new Uint8Array(47)), { code: "E046_CONFIG" });
});
