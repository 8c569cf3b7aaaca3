/**
 * The listener serves a QUIC client that shares no code with it: ngtcp2 with GnuTLS, where ours is quiche with
 * BoringSSL. Version 1, ALPN `capnp`, a self-signed ECDSA P-256 certificate.
 */
import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import { closeCodes, type Connection, type Listener } from "../../src/port.ts";
import type { ListenOptions } from "../../src/quic/index.ts";
import { makeCertificate } from "../certificate.ts";
import { startListener, trusted, until } from "../quic-pair.ts";
import { ServerChild } from "../server-child.ts";
import { closed, echo } from "../stream-io.ts";
import { Ngtcp2Client, type Ngtcp2Options } from "./ngtcp2-client.ts";

const mebi = 1024 * 1024;
const timeout = 30_000;

type Served = { readonly listener: Listener; readonly connections: Connection[] };

async function serve(test: TestContext, options: Partial<ListenOptions> = {}): Promise<Served> {
  const connections: Connection[] = [];
  const onConnection = (connection: Connection): void => {
    connections.push(connection);
    echo(connection);
  };
  return { listener: await startListener(test, { alpn: ["capnp"], onConnection, ...options }), connections };
}

function start(test: TestContext, to: { port: number }, options: Partial<Ngtcp2Options> = {}): Promise<Ngtcp2Client> {
  return Ngtcp2Client.start(test, { port: to.port, certificate: trusted.certificate, ...options });
}

async function connected(test: TestContext, to: { port: number }): Promise<Ngtcp2Client> {
  const client = await start(test, to);
  assert.match((await client.line()) ?? "", /^connected retry=0 cipher=\S+/);
  return client;
}

it("shakes hands, echoes 1 KiB and 1 MiB with FIN both ways, and learns the close code", { timeout }, async (test) => {
  const { listener, connections } = await serve(test);
  const client = await connected(test, listener);
  assert.equal(connections[0]?.info.alpn, "capnp");
  assert.equal(await client.command("echo 1024"), "ok");
  assert.equal(await client.command(`echo ${mebi}`), "ok");
  assert.equal(await client.command("echo 0"), "ok");
  connections[0]?.close(closeCodes.shuttingDown, "back soon");
  assert.equal(await client.line(), "closed by peer application=0x64 back soon");
});

it("tells the application close code of the other side", { timeout }, async (test) => {
  const ended = Promise.withResolvers<number | undefined>();
  const onConnection = (connection: Connection): void => {
    void closed(connection).then(({ code, byPeer }) => ended.resolve(byPeer ? code : undefined));
  };
  const { listener } = await serve(test, { onConnection });
  const client = await connected(test, listener);
  assert.equal(await client.command("close 103"), "closed by us");
  assert.equal(await ended.promise, 103);
});

it("refuses another ALPN at once with alert 120, no_application_protocol", { timeout }, async (test) => {
  const { listener, connections } = await serve(test);
  const client = await start(test, listener, { alpn: "h3" });
  // RFC 9001 section 4.8: 0x100 and the alert's number.
  assert.match((await client.line()) ?? "", /^closed by peer transport=0x178/);
  assert.equal(connections.length, 0);
});

it("is refused by a client that trusts another certificate, or calls it by another name", { timeout }, async (test) => {
  const { listener, connections } = await serve(test);
  const { certificate } = await makeCertificate();
  const distrustful = await start(test, listener, { certificate });
  // 42 = bad_certificate; GnuTLS has no closer word for either.
  assert.equal(await distrustful.line(), "closed by us: tls alert 42");
  const mistaken = await start(test, listener, { serverName: "example.org" });
  assert.equal(await mistaken.line(), "closed by us: tls alert 42");
  assert.equal(connections.length, 0);
});

it("lets a client in by Retry when too many handshakes are under way", { timeout }, async (test) => {
  const { listener } = await serve(test, { limits: { halfOpenMax: 0 } });
  const client = await start(test, listener);
  assert.match((await client.line()) ?? "", /^connected retry=1 /);
  assert.equal(listener.stats()["retries"], 1);
  assert.equal(await client.command("echo 1024"), "ok");
});

it("follows key updates, and goes on with the new keys", { timeout }, async (test) => {
  const { listener } = await serve(test);
  const client = await connected(test, listener);
  for (let update = 0; update < 3; update++) {
    // The next one is possible only when the listener has answered the last one with keys of its own.
    assert.equal(await client.command("update-keys"), "ok");
    assert.equal(await client.command("echo 100000"), "ok");
  }
});

it("keeps the connection of a client whose port changes under it, as behind a NAT", { timeout }, async (test) => {
  const { listener, connections } = await serve(test);
  const client = await connected(test, listener);
  assert.equal(await client.command("echo 1024"), "ok");
  const portBefore = connections[0]?.info.peerPort;
  assert.equal(await client.command("rebind"), "ok");
  assert.equal(await client.command("echo 100000"), "ok");
  await until(() => connections[0]?.info.peerPort !== portBefore);
  assert.equal(await client.command("echo 1024"), "ok");
  assert.equal(connections.length, 1);
});

it("lets a client migrate to another path, and goes on there", { timeout }, async (test) => {
  const { listener, connections } = await serve(test);
  const client = await connected(test, listener);
  assert.equal(await client.command("echo 1024"), "ok");
  const portBefore = connections[0]?.info.peerPort;
  // Needs a connection id that was not used on the first path: RFC 9000 section 9.5.
  assert.equal(await client.command("migrate"), "ok");
  assert.equal(await client.command("echo 100000"), "ok");
  await until(() => connections[0]?.info.peerPort !== portBefore);
  assert.equal(connections.length, 1);
});

it("tells a client by stateless reset that a server with the same key has restarted", { timeout }, async (test) => {
  const server = await ServerChild.start(trusted);
  test.after(() => server.kill());
  const client = await start(test, server, { alpn: "test" });
  assert.match((await client.line()) ?? "", /^connected/);
  await server.kill();
  const next = await server.replace();
  test.after(() => next.kill());
  assert.equal(await client.command("echo 1024"), "closed by stateless reset");
});
