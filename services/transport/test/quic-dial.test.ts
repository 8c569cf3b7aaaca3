import assert from "node:assert/strict";
import dgram from "node:dgram";
import { once } from "node:events";
import { it } from "node:test";
import { QpqError } from "quicproquo-proto";
import { closeCodes } from "../src/port.ts";
import { listenQuic } from "../src/quic/index.ts";
import { makeCertificate } from "./certificate.ts";
import { PortRelay } from "./port-relay.ts";
import { dial, startListener, trusted, until } from "./quic-pair.ts";
import { assertError, refused } from "./refused-dial.ts";
import { closed, roundTrip } from "./stream-io.ts";

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

it("keeps a dial beyond its deadline when the server has asked for a proof, as a busy one does that then drops it", async (test) => {
  const listener = await startListener(test, { limits: { halfOpenMax: 0 } });
  const handshakeMsMax = 2_500; // it asks again 1 s and 3 s after the Retry
  const relay = await PortRelay.open(test, listener, {
    onToClient: () => {
      if (listener.stats()["handshakes"] === 0 && performance.now() < openAtMs) relay.killPaths();
    },
  });
  const openAtMs = performance.now() + handshakeMsMax;
  const dialled = dial(test, relay, { limits: { handshakeMsMax } });
  await Promise.race([dialled, until(() => performance.now() > openAtMs)]);
  relay.revivePaths();
  assert.equal(await roundTrip(await dialled, "waited"), "waited");
  assert.equal(listener.stats()["retries"], 1);
  assert.equal(relay.clientPorts, 1);
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
