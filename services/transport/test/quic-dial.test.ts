import assert from "node:assert/strict";
import dgram from "node:dgram";
import { once } from "node:events";
import { it, type TestContext } from "node:test";
import { type ErrorCode, QpqError } from "quicproquo-proto";
import { closeCodes } from "../src/port.ts";
import { type DialOptions, listenQuic } from "../src/quic/index.ts";
import { makeCertificate } from "./certificate.ts";
import { dial, startListener, trusted } from "./quic-pair.ts";
import { closed, roundTrip } from "./stream-io.ts";

const promptMs = 1_000;

/** Dials with limits under which only a told failure is prompt. */
async function refused(test: TestContext, to: { port: number }, options: Partial<DialOptions> = {}): Promise<QpqError> {
  const begun = performance.now();
  try {
    await dial(test, to, { limits: { handshakeMsMax: 30_000, idleMs: 30_000 }, ...options });
  } catch (error) {
    assert.ok(error instanceof QpqError, String(error));
    assert.ok(performance.now() - begun < promptMs, "the error came late");
    assert.doesNotMatch(error.message, /127\.0\.0\.1|localhost/);
    return error;
  }
  return assert.fail("the dial succeeded");
}

function assertError(error: QpqError, code: ErrorCode, text: RegExp): void {
  assert.equal(error.code, code, error.message);
  assert.match(error.text, text);
}

it("tells QUIC version, TLS version, cipher suite and ALPN of a connection", async (test) => {
  const listener = await startListener(test);
  const client = await dial(test, listener);
  await roundTrip(client, "the ticket has come with the answer");
  const { quicVersion, tlsVersion, cipher, alpn, resumed, peerPort } = client.info;
  assert.deepEqual([quicVersion, tlsVersion, alpn, resumed], ["1", "TLS 1.3", "test", false]);
  assert.match(cipher ?? "", /^TLS_(AES_(128|256)_GCM|CHACHA20_POLY1305)_SHA(256|384)$/);
  assert.equal(peerPort, listener.port);
  const stats = client.stats();
  assert.ok(stats.datagramsIn >= 2 && stats.datagramsOut >= 2 && stats.bytesIn > 1_000 && stats.bytesOut > 1_000);
});

it("takes certificates and keys as PEM too", async (test) => {
  const pem = (bytes: Uint8Array, label: string) =>
    `-----BEGIN ${label}-----\n${Buffer.from(bytes).toString("base64")}\n-----END ${label}-----\n`;
  const certificate = pem(trusted.certificate, "CERTIFICATE");
  const listener = await startListener(test, { certificate, privateKey: pem(trusted.privateKey, "PRIVATE KEY") });
  const client = await dial(test, listener, { trust: { caCertificate: Buffer.from(certificate) } });
  assert.equal(await roundTrip(client, "pem"), "pem");
});

it("refuses a server whose certificate is another than the trusted one", async (test) => {
  const listener = await startListener(test);
  const other = await makeCertificate();
  const error = await refused(test, listener, { trust: { caCertificate: other.certificate } });
  assertError(error, "E041_CERTIFICATE", /not the trusted one/);
});

it("refuses a server whose certificate is for another name", async (test) => {
  const listener = await startListener(test);
  const error = await refused(test, listener, { serverName: "elsewhere.example" });
  assertError(error, "E041_CERTIFICATE", /not for this server name/);
});

it("refuses a server whose certificate has expired", async (test) => {
  const old = await makeCertificate({ notBefore: new Date("2020-01-01"), notAfter: new Date("2020-02-01") });
  const listener = await startListener(test, { certificate: old.certificate, privateKey: old.privateKey });
  const error = await refused(test, listener, { trust: { caCertificate: old.certificate } });
  assertError(error, "E041_CERTIFICATE", /not valid now/);
});

it("refuses a server whose certificate is not valid yet", async (test) => {
  const young = await makeCertificate({
    notBefore: new Date(Date.now() + 3_600_000),
    notAfter: new Date(Date.now() + 7_200_000),
  });
  const listener = await startListener(test, { certificate: young.certificate, privateKey: young.privateKey });
  const error = await refused(test, listener, { trust: { caCertificate: young.certificate } });
  assertError(error, "E041_CERTIFICATE", /not valid now/);
});

it("refuses an address in place of a server name", async (test) => {
  const listener = await startListener(test);
  assertError(await refused(test, listener, { serverName: "127.0.0.1" }), "E041_CERTIFICATE", /must be a DNS name/);
});

it("tells that the server speaks another protocol", async (test) => {
  const listener = await startListener(test);
  assertError(await refused(test, listener, { alpn: ["other"] }), "E040_CONNECT_FAILED", /ALPN/);
});

it("tells at once that nothing listens", async (test) => {
  const socket = dgram.createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(resolve));
  assertError(await refused(test, { port }), "E040_CONNECT_FAILED", /nothing listens/);
});

it("tries the other address of a host when nothing listens at the first", async (test) => {
  const listener = await startListener(test);
  const client = await dial(test, listener, { host: "localhost" });
  assert.equal(await roundTrip(client, "found"), "found");
});

it("tells that a host name has no address", async (test) => {
  const error = await refused(test, { port: 1 }, { host: "nowhere.invalid" });
  assertError(error, "E040_CONNECT_FAILED", /cannot be resolved/);
});

it("gives up a server that never answers at its deadline", async (test) => {
  const silent = dgram.createSocket("udp4").bind(0, "127.0.0.1");
  test.after(() => silent.close());
  await once(silent, "listening");
  const { port } = silent.address();
  assertError(
    await refused(test, { port }, { limits: { handshakeMsMax: 200 } }),
    "E040_CONNECT_FAILED",
    /no answer in time/,
  );
});

it("ends a dial that is aborted, before it begins or while it waits", async (test) => {
  const silent = dgram.createSocket("udp4").bind(0, "127.0.0.1");
  test.after(() => silent.close());
  await once(silent, "listening");
  const { port } = silent.address();
  const aborted = await refused(test, { port }, { signal: AbortSignal.abort(new Error("not wanted")) });
  assertError(aborted, "E040_CONNECT_FAILED", /aborted/);
  const controller = new AbortController();
  silent.once("message", () => controller.abort(new Error("not wanted any more")));
  const error = await refused(test, { port }, { signal: controller.signal });
  assertError(error, "E040_CONNECT_FAILED", /aborted/);
  assert.match(String(error.cause), /not wanted any more/);
});

it("leaves a connection alone when the signal of its dial is aborted later", async (test) => {
  const listener = await startListener(test);
  const controller = new AbortController();
  const client = await dial(test, listener, { signal: controller.signal });
  controller.abort();
  assert.equal(await roundTrip(client, "unharmed"), "unharmed");
});

it("tells that a port is in use", async (test) => {
  const listener = await startListener(test);
  await assert.rejects(
    startListener(test, { port: listener.port }),
    (error) => error instanceof QpqError && error.code === "E047_PORT_IN_USE",
  );
});

it("listens and dials over IPv6", async (test) => {
  const listener = await startListener(test, { host: "::1" });
  const client = await dial(test, listener, { host: "::1" });
  assert.equal(await roundTrip(client, "six"), "six");
});

it("serves both families on the unspecified address", async (test) => {
  const listener = await startListener(test, { host: "::" });
  for (const host of ["127.0.0.1", "::1"]) {
    assert.equal(await roundTrip(await dial(test, listener, { host }), host), host);
  }
});

it("frees the port when it closes", async (test) => {
  const first = await startListener(test);
  const client = await dial(test, first);
  await roundTrip(client, "served");
  const seen = closed(client);
  await first.close(closeCodes.shuttingDown, "restart");
  assert.equal((await seen).code, closeCodes.shuttingDown);
  const second = await startListener(test, { port: first.port });
  assert.equal(await roundTrip(await dial(test, second), "again"), "again");
});

it("refuses a key that does not belong to the certificate, short keys and bad routing", async () => {
  const other = await makeCertificate();
  const good = {
    host: "127.0.0.1",
    port: 0,
    certificate: trusted.certificate,
    privateKey: trusted.privateKey,
    alpn: ["test"],
    onConnection: () => {},
  };
  const bad = [
    { privateKey: other.privateKey },
    { certificate: new Uint8Array(10) },
    { ticketKey: new Uint8Array(47) },
    { retryKey: new Uint8Array(31) },
    { resetKey: new Uint8Array(0) },
    { routing: { serverId: new Uint8Array(7), workerId: 0 } },
    { routing: { serverId: new Uint8Array(8), workerId: 256 } },
    { limits: { datagramBytes: 1_500 } },
    { limits: { streamsMax: 1.5 } },
    { host: "192.0.2.1" },
  ];
  for (const change of bad) {
    await assert.rejects(
      listenQuic({ ...good, ...change }),
      (error) => error instanceof QpqError && error.code === "E046_CONFIG",
      JSON.stringify(change),
    );
  }
});
