import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { createServer as createHttpsServer } from "node:https";
import { createServer, type Server, type Socket } from "node:net";
import { it, type TestContext } from "node:test";
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates } from "node:tls";
import { type ErrorCode, QpqError } from "quicproquo-proto";
import { WebSocketServer } from "ws";
import { closeCodes } from "../src/port.ts";
import { pemOf } from "../src/trust.ts";
import { listenWebSocket, type WebSocketDialOptions } from "../src/websocket/index.ts";
import { makeCertificate } from "./certificate.ts";
import { closed, roundTrip } from "./stream-io.ts";
import { dial, startListener, trusted } from "./websocket-pair.ts";

/** Of a dial whose deadline is far: only a told failure comes before it. */
async function refused(
  test: TestContext,
  to: { port: number },
  options: Partial<WebSocketDialOptions> = {},
): Promise<QpqError> {
  try {
    await dial(test, to, { limits: { handshakeMsMax: 60_000 }, ...options });
  } catch (error) {
    assert.ok(error instanceof QpqError, String(error));
    assert.doesNotMatch(error.message, /127\.0\.0\.1|localhost/);
    return error;
  }
  return assert.fail("the dial succeeded");
}

function assertError(error: QpqError, code: ErrorCode, text: RegExp): void {
  assert.equal(error.code, code, error.message);
  assert.match(error.text, text);
}

/** On a free port, gone when the test is over with all its connections. */
async function serve(test: TestContext, server: Server): Promise<{ readonly port: number }> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  test.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return address;
}

const pem = {
  cert: pemOf(trusted.certificate, "CERTIFICATE"),
  key: pemOf(trusted.privateKey, "PRIVATE KEY"),
};

it("tells TLS version, cipher suite and ALPN of a connection, and counts its bytes", async (test) => {
  const listener = await startListener(test);
  const client = await dial(test, listener);
  await roundTrip(client, "four");
  const { protocol, tlsVersion, cipher, alpn, resumed, peerHost, peerPort } = client.info;
  assert.deepEqual([protocol, tlsVersion, alpn, resumed], ["websocket", "TLS 1.3", "http/1.1", false]);
  assert.match(cipher ?? "", /^TLS_(AES_(128|256)_GCM|CHACHA20_POLY1305)_SHA(256|384)$/);
  assert.deepEqual([peerHost, peerPort], ["127.0.0.1", listener.port]);
  const { bytesIn, bytesOut } = client.stats();
  assert.deepEqual([bytesIn, bytesOut], [4, 4]);
});

it("carries one stream, which the client opens", async (test) => {
  const server = Promise.withResolvers<QpqError>();
  const listener = await startListener(test, {
    onConnection: (connection) => {
      try {
        connection.openStream();
      } catch (error) {
        server.resolve(error as QpqError);
      }
    },
  });
  const client = await dial(test, listener);
  assert.equal(client.openStream().id, 0);
  assert.throws(() => client.openStream(), { code: "E021_OVERLOADED" });
  assert.equal((await server.promise).code, "E021_OVERLOADED");
});

it("takes certificates and keys as PEM too", async (test) => {
  const listener = await startListener(test, { certificate: pem.cert, privateKey: pem.key });
  const client = await dial(test, listener, { trust: { caCertificate: Buffer.from(pem.cert) } });
  assert.equal(await roundTrip(client, "pem"), "pem");
});

it("trusts a pinned key whatever its certificate says, and no other", async (test) => {
  const old = await makeCertificate({ name: "elsewhere", notAfter: new Date("2020-02-01"), notBefore: new Date(0) });
  const listener = await startListener(test, old);
  const key = new X509Certificate(old.certificate).publicKey.export({ type: "spki", format: "der" });
  const pin = createHash("sha256").update(key).digest();
  const client = await dial(test, listener, { trust: { pins: [new Uint8Array(32), pin] } });
  assert.equal(await roundTrip(client, "pinned"), "pinned");
  const other = await refused(test, listener, { trust: { pins: [new Uint8Array(32)] } });
  assertError(other, "E041_CERTIFICATE", /not one of the pinned/);
  for (const pins of [[], [pin.subarray(1)]]) {
    assertError(await refused(test, listener, { trust: { pins } }), "E046_CONFIG", /pins of 32 bytes/);
  }
  assert.equal(listener.stats()["handshakes"], 1);
});

it("refuses a server whose certificate is another than the trusted one", async (test) => {
  const other = await makeCertificate();
  const error = await refused(test, await startListener(test), { trust: { caCertificate: other.certificate } });
  assertError(error, "E041_CERTIFICATE", /not the trusted one/);
});

it("trusts the system's authorities where that is asked for, and then not a self-signed certificate", async (test) => {
  const listener = await startListener(test);
  const systemRoots = { trust: { systemRoots: true } } as const;
  assertError(await refused(test, listener, systemRoots), "E041_CERTIFICATE", /not the trusted one/);
  const before = getCACertificates("default");
  setDefaultCACertificates([pem.cert]);
  test.after(() => setDefaultCACertificates(before));
  assert.equal(await roundTrip(await dial(test, listener, systemRoots), "by authority"), "by authority");
});

it("refuses a server whose certificate is for another name", async (test) => {
  const error = await refused(test, await startListener(test), { serverName: "elsewhere.example" });
  assertError(error, "E041_CERTIFICATE", /not for this server name/);
});

it("refuses a server whose certificate has expired, or is not valid yet", async (test) => {
  const hourMs = 3_600_000;
  const now = Date.now();
  for (const [from, to] of [
    [-2 * hourMs, -hourMs],
    [hourMs, 2 * hourMs],
  ] as const) {
    const bad = await makeCertificate({ notBefore: new Date(now + from), notAfter: new Date(now + to) });
    const error = await refused(test, await startListener(test, bad), { trust: { caCertificate: bad.certificate } });
    assertError(error, "E041_CERTIFICATE", /not valid now/);
  }
});

it("refuses an address in place of a server name", async (test) => {
  const error = await refused(test, await startListener(test), { serverName: "127.0.0.1" });
  assertError(error, "E041_CERTIFICATE", /must be a DNS name/);
});

it("tells that a server offers TLS 1.2 only", async (test) => {
  const server = await serve(test, createTlsServer({ ...pem, maxVersion: "TLSv1.2" }));
  assertError(await refused(test, server), "E040_CONNECT_FAILED", /TLS handshake failed/);
});

it("tells that what answers speaks no TLS, or hangs up", async (test) => {
  const talker = await serve(
    test,
    createServer((socket) => socket.end("220 mail.example ready\r\n")),
  );
  assertError(await refused(test, talker), "E040_CONNECT_FAILED", /TLS handshake failed/);
  const silent = await serve(
    test,
    createServer((socket) => socket.destroy()),
  );
  assertError(await refused(test, silent), "E040_CONNECT_FAILED", /refused the handshake/);
});

it("tells that the server is no WebSocket server, or one of another subprotocol", async (test) => {
  const web = await serve(
    test,
    createHttpsServer(pem, (_request, response) => response.end("hello")),
  );
  assertError(await refused(test, web), "E040_CONNECT_FAILED", /refused the upgrade/);
  for (const handleProtocols of [() => false as const, () => "other"]) {
    const https = createHttpsServer(pem);
    new WebSocketServer({ server: https, handleProtocols });
    assertError(await refused(test, await serve(test, https)), "E040_CONNECT_FAILED", /subprotocol/);
  }
});

it("tells at once that nothing listens", async (test) => {
  const listener = await startListener(test);
  await listener.close(closeCodes.done, "gone");
  assertError(await refused(test, listener), "E040_CONNECT_FAILED", /nothing listens/);
});

it("tells that a host name has no address", async (test) => {
  const error = await refused(test, { port: 1 }, { host: "nowhere.invalid" });
  assertError(error, "E040_CONNECT_FAILED", /cannot be resolved/);
});

it("gives up a server that never answers at its deadline, in TLS or in HTTP", async (test) => {
  const limits = { handshakeMsMax: 200 };
  const mute = await serve(test, createServer());
  assertError(await refused(test, mute, { limits }), "E040_CONNECT_FAILED", /no answer in time/);
  const muteTls = await serve(test, createTlsServer(pem));
  assertError(await refused(test, muteTls, { limits }), "E040_CONNECT_FAILED", /no answer in time/);
});

it("ends a dial that is aborted: before it begins, in TLS, and in HTTP", async (test) => {
  const aborted = await refused(test, { port: 1 }, { signal: AbortSignal.abort(new Error("not wanted")) });
  assertError(aborted, "E040_CONNECT_FAILED", /aborted/);
  for (const [server, event] of [
    [createServer(), "connection"],
    [createTlsServer(pem), "secureConnection"],
  ] as const) {
    const controller = new AbortController();
    const gone = new Promise<void>((resolve) => {
      server.once(event, (socket: Socket) => {
        socket.on("error", () => {});
        socket.on("close", () => resolve());
        socket.resume();
        controller.abort(new Error("not wanted any more"));
      });
    });
    const error = await refused(test, await serve(test, server), { signal: controller.signal });
    assertError(error, "E040_CONNECT_FAILED", /aborted/);
    assert.match(String(error.cause), /not wanted any more/);
    await gone;
  }
});

it("leaves a connection alone when the signal of its dial is aborted later", async (test) => {
  const controller = new AbortController();
  const client = await dial(test, await startListener(test), { signal: controller.signal });
  controller.abort();
  assert.equal(await roundTrip(client, "unharmed"), "unharmed");
});

it("hands over a connection that the server closes in the same breath", async (test) => {
  const listener = await startListener(test, {
    onConnection: (connection) => connection.close(closeCodes.overloaded, "not now"),
  });
  for (let i = 0; i < 20; i++) {
    const { code, reason } = await closed(await dial(test, listener));
    assert.deepEqual([code, reason], [closeCodes.overloaded, "not now"]);
  }
});

it("hands over a connection whose server breaks the protocol in the same breath", async (test) => {
  const server = createHttpsServer(pem);
  server.on("upgrade", (request, socket) => {
    const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash("sha1").update(key).digest("base64");
    const head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
    const rest = `Sec-WebSocket-Protocol: capnp\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
    socket.write(Buffer.concat([Buffer.from(head + rest), Buffer.from([0xff, 0xff])])); // reserved bits, unknown opcode
  });
  const { error, reason } = await closed(await dial(test, await serve(test, server)));
  assert.deepEqual([error?.code, reason], ["E042_CONNECTION_LOST", "the peer broke the protocol"]);
});

it("tells that a port is in use, and shares it when all who listen want that", async (test) => {
  const listener = await startListener(test);
  await assert.rejects(startListener(test, { port: listener.port }), { code: "E047_PORT_IN_USE" });
  const first = await startListener(test, { reusePort: true });
  const second = await startListener(test, { reusePort: true, port: first.port });
  for (let i = 0; i < 20; i++) await roundTrip(await dial(test, first), "x");
  const counts = [first, second].map((each) => each.stats()["handshakes"] ?? 0);
  assert.equal(counts[0]! + counts[1]!, 20);
});

it("listens and dials over IPv6, and both families on the unspecified address", async (test) => {
  const six = await startListener(test, { host: "::1" });
  assert.equal(await roundTrip(await dial(test, six, { host: "::1" }), "six"), "six");
  const both = await startListener(test, { host: "::" });
  for (const host of ["127.0.0.1", "::1", "localhost"]) {
    assert.equal(await roundTrip(await dial(test, both, { host }), host), host);
  }
});

it("refuses a key that does not belong to the certificate, a short ticket key, and origins that are none", async () => {
  const other = await makeCertificate();
  const good = { host: "127.0.0.1", port: 0, ...trusted, onConnection: () => {} };
  const bad = [
    { privateKey: other.privateKey },
    { certificate: new Uint8Array(10) },
    { ticketKey: new Uint8Array(47) },
    { limits: { messageBytesMax: 1 } },
    { limits: { connectionsMax: 1.5 } },
    { allowedOrigins: ["https://chat.example/"] },
    { allowedOrigins: ["chat.example"] },
    { allowedOrigins: ["HTTPS://chat.example"] },
    { host: "192.0.2.1" },
  ];
  for (const change of bad) {
    await assert.rejects(listenWebSocket({ ...good, ...change }), { code: "E046_CONFIG" }, JSON.stringify(change));
  }
});
