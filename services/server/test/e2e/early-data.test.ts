/** 0-RTT over real QUIC (docs/wire.md, Transport): what runs before the handshake is over, and that a replay does no harm. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, mock, test } from "node:test";
import { type Connection, closeCodes } from "quicproquo-transport";
import { dialQuic } from "quicproquo-transport/quic";
import { type ServerProcess, startServerProcess } from "../../testing/server-process.ts";
import { TransportKeys } from "../../src/transport-keys.ts";
import { RawClient } from "./raw-client.ts";
import { RecordingRelay } from "./recording-relay.ts";

const folder = mkdtempSync(join(tmpdir(), "qpq-early-"));
after(() => rmSync(folder, { recursive: true, force: true }));

type Dial = { readonly port?: number; readonly session?: Uint8Array };

async function dial(
  server: ServerProcess,
  { port = server.port, session }: Dial = {},
): Promise<{ client: RawClient; connection: Connection; session: Promise<Uint8Array> }> {
  const given = Promise.withResolvers<Uint8Array>();
  const connection = await dialQuic({
    host: "127.0.0.1",
    port,
    serverName: "localhost",
    alpn: ["capnp"],
    trust: { caCertificate: server.certificate },
    onSession: given.resolve,
    ...(session === undefined ? {} : { session, earlyData: true }),
  });
  return { client: RawClient.on(connection, server.token), connection, session: given.promise };
}

async function sessionOf(server: ServerProcess): Promise<Uint8Array> {
  const { client, session } = await dial(server);
  await client.call("health", {});
  const bytes = await session;
  client.close();
  return bytes;
}

const message = (recipientKey: Uint8Array, key?: number) => ({
  recipientKey,
  payload: Buffer.from("early"),
  ...(key === undefined ? {} : { idempotencyKey: new Uint8Array(16).fill(key) }),
});

async function count(server: ServerProcess, recipientKey: Uint8Array): Promise<number> {
  using client = await RawClient.connect(server);
  return (await client.call("peek", { recipientKey })).payloads.length;
}

test("an idempotent first call is answered in one round trip, after a restart of the server and by another one with its key", async () => {
  const dataDir = join(folder, "first");
  const before = await startServerProcess({ dataDir });
  let session = await sessionOf(before);
  await before.kill("SIGKILL");
  const otherDir = join(folder, "other");
  mkdirSync(otherDir);
  for (const name of ["server-cert.der", "server-key.der", "transport-secret", "auth-token"]) {
    copyFileSync(join(dataDir, name), join(otherDir, name));
  }
  for (const dir of [dataDir, otherDir]) {
    await using server = await startServerProcess({ dataDir: dir });
    await using relay = await RecordingRelay.start(server.port, { firstFlightOnly: true });
    const early = await dial(server, { port: relay.port, session });
    assert.equal(early.connection.inEarlyData, true);
    const recipientKey = new Uint8Array(32).fill(1);
    assert.deepEqual(await early.client.call("enqueue", message(recipientKey, 9)), { seq: 1n });
    assert.ok(relay.heldCount > 0, "the end of the handshake was held back, so the answer came before it");
    relay.release();
    session = await early.session;
    early.client.close();
  }
});

test("with another ticket key it is a full handshake, and what was written early runs once", async () => {
  await using first = await startServerProcess();
  const session = await sessionOf(first);
  const otherDir = join(folder, "foreign");
  mkdirSync(otherDir);
  for (const name of ["server-cert.der", "server-key.der"])
    copyFileSync(join(first.dataDir, name), join(otherDir, name));
  await using foreign = await startServerProcess({ dataDir: otherDir });
  const { client, connection } = await dial(foreign, { session });
  const recipientKey = new Uint8Array(32).fill(2);
  assert.deepEqual(await client.call("enqueue", message(recipientKey)), { seq: 1n });
  assert.equal(connection.info.resumed, false);
  assert.equal(await count(foreign, recipientKey), 1);
  client.close();
});

test("calls that a replay could harm wait for the handshake, and those behind them do too", async () => {
  await using server = await startServerProcess();
  const session = await sessionOf(server);
  await using relay = await RecordingRelay.start(server.port, { firstFlightOnly: true });
  const { client } = await dial(server, { port: relay.port, session });
  const recipientKey = new Uint8Array(32).fill(3);
  const answered: string[] = [];
  const note = (name: string) => (): void => void answered.push(name);
  const calls = [
    client.call("health", {}).then(note("health")),
    client.call("enqueue", message(recipientKey)).then(note("enqueue without a key")),
    client.call("peek", { recipientKey }).then(note("peek behind it")),
  ];
  await calls[0];
  assert.equal(await count(server, recipientKey), 0);
  assert.deepEqual(answered, ["health"]);
  relay.release();
  await Promise.all(calls);
  assert.equal(await count(server, recipientKey), 1);
  client.close();
});

test("early datagrams that are sent again run nothing twice, and leave no connection behind", async () => {
  await using server = await startServerProcess({ settings: { "handshake-ms-max": 1_000 } });
  const session = await sessionOf(server);
  await using relay = await RecordingRelay.start(server.port);
  const { client } = await dial(server, { port: relay.port, session });
  const [keyed, unkeyed] = [new Uint8Array(32).fill(4), new Uint8Array(32).fill(5)];
  await Promise.all([client.call("enqueue", message(keyed, 9)), client.call("enqueue", message(unkeyed))]);
  client.connection.close(closeCodes.done, "");
  const recorded = [...relay.sent];
  // while the connection is remembered it takes its own datagrams
  await until(async () => (await metric(server, "connections")) === 0);
  const socket = createSocket("udp4");
  for (const datagram of recorded) socket.send(datagram, server.port, "127.0.0.1");
  await until(async () => (await metric(server, "halfOpen")) === 1);
  // it cannot end its handshake, and is given up at its deadline
  await until(async () => (await metric(server, "halfOpen")) === 0);
  socket.close();
  assert.equal(await count(server, keyed), 1);
  assert.equal(await count(server, unkeyed), 1);
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let look = 0; look < 2_000; look++) if (await condition()) return;
  assert.fail("it did not come to that");
}

async function metric(server: ServerProcess, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${server.opsPort}/metrics`)).text();
  return Number(new RegExp(`^qpq_transport(?:_total|_size)\\{name="${name}"\\} (\\d+)$`, "m").exec(text)?.[1]);
}

test("the ticket key is one a day, the same on every front-end with the secret, and rotates at midnight UTC", () => {
  const dayMs = 86_400_000;
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: 20_000 * dayMs + 1 });
  try {
    const keys = new TransportKeys("secret", Date.now);
    const first = keys.ticketKey;
    assert.equal(first.length, 48);
    assert.deepEqual(new TransportKeys("secret", Date.now).ticketKey, first);
    assert.notDeepEqual(new TransportKeys("other", Date.now).ticketKey, first);
    const given: Uint8Array[] = [];
    const stop = keys.rotate([{ setTicketKey: (key) => given.push(key) }]);
    mock.timers.tick(dayMs - 2);
    assert.equal(given.length, 0);
    mock.timers.tick(1);
    assert.equal(given.length, 1);
    assert.notDeepEqual(given[0], first);
    mock.timers.tick(dayMs);
    assert.equal(given.length, 2);
    stop();
    mock.timers.tick(dayMs);
    assert.equal(given.length, 2);
  } finally {
    mock.timers.reset();
  }
});
