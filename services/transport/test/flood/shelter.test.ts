/** In a flood connections get sockets of their own, which come and go with the flood, the connection and its address. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { it, type TestContext } from "node:test";
import { QpqError } from "quicproquo-proto";
import { closeCodes, type Connection, type Listener } from "../../src/port.ts";
import { canShelter } from "../../src/quic/shelter.ts";
import { dial, openRelay, startListener, until } from "../quic-pair.ts";
import { RawClient } from "../raw-client.ts";
import { echo, roundTrip } from "../stream-io.ts";

const timeout = 20_000;
/** One stranger is a flood. */
const limits = { strangersPerSecondMax: 0 };
const sheltered = (listener: Listener): number => listener.stats()["sheltered"] ?? Number.NaN;

/** Resolves when the listener has taken so many connections in. */
async function floodUntil(test: TestContext, listener: Listener, count: number): Promise<void> {
  const stranger = await RawClient.open(test, listener);
  stranger.send(randomBytes(100));
  await until(() => sheltered(listener) === count);
}

it("has sockets for connections only where the kernel sorts datagrams by their peer", () => {
  assert.equal(canShelter, process.platform === "linux");
});

it("takes connections in when strangers come, at most as many as the limit says", { timeout }, async (test) => {
  const listener = await startListener(test, { limits: { ...limits, shelteredMax: 2 } });
  const clients = await Promise.all([dial(test, listener), dial(test, listener), dial(test, listener)]);
  assert.equal(sheltered(listener), 0);
  await floodUntil(test, listener, 2);
  for (const client of clients) assert.equal(await roundTrip(client, "heard"), "heard");
  assert.equal(sheltered(listener), 2);
});

it("gives the place of a connection that has ended to the next", { timeout }, async (test) => {
  const listener = await startListener(test, { limits: { ...limits, shelteredMax: 1 } });
  const first = await dial(test, listener);
  await floodUntil(test, listener, 1);
  first.close(closeCodes.done, "bye");
  await until(() => sheltered(listener) === 0);
  const second = await dial(test, listener);
  await until(() => sheltered(listener) === 1);
  assert.equal(await roundTrip(second, "next"), "next");
});

it("keeps a connection whose peer moves while it is sheltered", { timeout }, async (test) => {
  const connections: Connection[] = [];
  const onConnection = (connection: Connection): void => {
    connections.push(connection);
    echo(connection);
  };
  const listener = await startListener(test, { limits, onConnection });
  const relay = await openRelay(test, listener);
  const client = await dial(test, relay);
  await floodUntil(test, listener, 1);
  const portBefore = connections[0]?.info.peerPort;
  await relay.move();
  assert.equal(await roundTrip(client, "moved"), "moved");
  await until(() => connections[0]?.info.peerPort !== portBefore && sheltered(listener) === 1);
  assert.equal(await roundTrip(client, "still here"), "still here");
});

it("frees the port with all its sockets, and still tells that it is in use", { timeout }, async (test) => {
  const listener = await startListener(test, { limits });
  await dial(test, listener);
  await floodUntil(test, listener, 1);
  await assert.rejects(startListener(test, { port: listener.port }), (error) => {
    return error instanceof QpqError && error.code === "E047_PORT_IN_USE";
  });
  await listener.close(closeCodes.shuttingDown, "over");
  const next = await startListener(test, { port: listener.port });
  assert.equal(next.port, listener.port);
});
