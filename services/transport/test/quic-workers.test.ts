/** Several listeners on one port: which of them a datagram belongs to, and what becomes of those that came to another. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { it, type TestContext } from "node:test";
import { type Connection, closeCodes } from "../src/port.ts";
import type { ListenOptions, OnStray, QuicListener } from "../src/quic/index.ts";
import { mintConnectionId } from "../src/quic/connection-id.ts";
import { resetTokenOf } from "../src/quic/stateless-reset.ts";
import { dial, openRelay, startListener, until } from "./quic-pair.ts";
import { RawClient } from "./raw-client.ts";
import { closed, echo, roundTrip } from "./stream-io.ts";

const serverId = Buffer.from("server-1");
const count = (listener: QuicListener, name: string): number => listener.stats()[name] ?? Number.NaN;

function keys() {
  return { ticketKey: randomBytes(48), retryKey: randomBytes(32), resetKey: randomBytes(32) };
}

/** Two workers on one port that hand each other what is not theirs. */
async function startWorkers(test: TestContext, options: Partial<ListenOptions> = {}) {
  const workers: QuicListener[] = [];
  const accepted: number[] = [];
  const shared = { ...keys(), reusePort: true, ...options };
  const onStray: OnStray = (datagram, from, workerId) => {
    workers[workerId]?.inject(datagram, from);
    return workers[workerId] !== undefined;
  };
  for (const workerId of [0, 1]) {
    const onConnection = (connection: Connection): void => {
      accepted.push(workerId);
      echo(connection);
    };
    const routing = { serverId, workerId };
    const port = workers[0]?.port ?? 0;
    workers.push(await startListener(test, { onStray, ...shared, routing, port, onConnection }));
  }
  return { workers: workers as [QuicListener, QuicListener], port: (workers[0] as QuicListener).port, accepted };
}

/** A datagram with a short header to the id, long enough to be answered. */
function shortTo(id: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([0x40]), id, randomBytes(60)]);
}

it("serves new connections on every worker of the port", async (test) => {
  const { workers, port, accepted } = await startWorkers(test);
  for (let i = 0; i < 200 && new Set(accepted).size < 2; i++) {
    const client = await dial(test, { port });
    assert.equal(await roundTrip(client, `${i}`), `${i}`);
  }
  assert.deepEqual([...new Set(accepted)].toSorted(), [0, 1]);
  for (const worker of workers) assert.equal(count(worker, "straysOut"), 0);
});

it("keeps a connection whose datagrams come to another worker since its client's address changed", async (test) => {
  const { workers, port } = await startWorkers(test);
  for (let tries = 0; ; tries++) {
    assert.ok(tries < 100, "the kernel never chose the other worker");
    const relay = await openRelay(test, { port });
    const client = await dial(test, relay);
    assert.equal(await roundTrip(client, "before"), "before");
    await relay.move();
    for (let i = 0; i < 20; i++) assert.equal(await roundTrip(client, `after ${i}`), `after ${i}`);
    if (workers.some((worker) => count(worker, "straysOut") >= 20)) break;
  }
  const handshakes = workers.map((worker) => count(worker, "handshakes"));
  const connections = workers.map((worker) => count(worker, "connections"));
  assert.deepEqual(handshakes, connections, "somebody dialled again");
  assert.equal(
    count(workers[0], "straysOut") + count(workers[1], "straysOut"),
    count(workers[0], "straysIn") + count(workers[1], "straysIn"),
  );
});

it("tells a client of a worker that is gone, by the reset of its sibling", async (test) => {
  const shared = keys();
  const asked: number[] = [];
  const onStray: OnStray = (_datagram, _from, workerId) => {
    asked.push(workerId);
    return false;
  };
  const gone = await startListener(test, { ...shared, routing: { serverId, workerId: 1 } });
  const sibling = await startListener(test, { ...shared, routing: { serverId, workerId: 0 }, onStray });
  const relay = await openRelay(test, gone);
  const client = await dial(test, relay);
  assert.equal(await roundTrip(client, "served"), "served");
  relay.serverPort = sibling.port;
  const over = closed(client);
  client.openStream().write(Buffer.from("are you there?"));
  const { reason, byPeer, error } = await over;
  assert.deepEqual([reason, byPeer, error?.code], ["stateless reset", true, "E042_CONNECTION_LOST"]);
  assert.deepEqual([...new Set(asked)], [1]);
});

it("never hands a datagram on twice", async (test) => {
  const { resetKey } = keys();
  const handed: number[] = [];
  const routing = { serverId, workerId: 0 };
  const listener = await startListener(test, {
    resetKey,
    routing,
    onStray: (_datagram, _from, workerId) => handed.push(workerId) > 0,
  });
  const client = await RawClient.open(test, listener);
  const id = mintConnectionId({ serverId, workerId: 7 });
  client.send(shortTo(id));
  await until(() => handed.length === 1);
  assert.deepEqual(handed, [7]);
  listener.inject(shortTo(id), client.local);
  const reset = await client.next();
  assert.equal(BigInt(`0x${reset.subarray(-16).toString("hex")}`), resetTokenOf(resetKey, id));
  assert.deepEqual(handed, [7]);
  assert.deepEqual([count(listener, "straysOut"), count(listener, "straysIn")], [1, 1]);
});

it("hands on long headers by their id too, and nothing of another server or of its own", async (test) => {
  const handed: number[] = [];
  const listener = await startListener(test, {
    routing: { serverId, workerId: 0 },
    onStray: (_datagram, _from, workerId) => handed.push(workerId) > 0,
  });
  const client = await RawClient.open(test, listener);
  const longTo = (id: Uint8Array): Buffer =>
    Buffer.concat([Buffer.from([0xe0, 0, 0, 0, 1, id.length]), id, Buffer.from([8]), randomBytes(1_200)]);
  client.send(longTo(mintConnectionId({ serverId, workerId: 3 })));
  await until(() => handed.length === 1);
  for (const id of [
    mintConnectionId({ serverId, workerId: 0 }),
    mintConnectionId({ serverId: Buffer.from("server-2"), workerId: 3 }),
    mintConnectionId({ serverId, workerId: 3 }).subarray(0, 12),
    randomBytes(20),
  ]) {
    client.send(longTo(id));
  }
  await until(() => count(listener, "datagramsIn") === 5);
  assert.deepEqual(handed, [3]);
  assert.equal(count(listener, "droppedUnknown"), 4);
});

it("hands on no more in a second than the limit says", async (test) => {
  let handed = 0;
  const listener = await startListener(test, {
    limits: { straysPerSecondMax: 5 },
    routing: { serverId, workerId: 0 },
    onStray: () => {
      handed += 1;
      return true;
    },
  });
  const client = await RawClient.open(test, listener);
  for (let i = 0; i < 50; i++) client.send(shortTo(mintConnectionId({ serverId, workerId: 1 })));
  await until(() => count(listener, "datagramsIn") === 50);
  assert.ok(handed <= 10, "the 50 may stand on both sides of the turn of a second");
  assert.equal(handed + count(listener, "droppedLimit"), 50);
  assert.equal(count(listener, "statelessResets"), 0, "a living connection was reset");
});

it("serves on when onStray throws", async (test) => {
  const faults: unknown[] = [];
  const listener = await startListener(test, {
    routing: { serverId, workerId: 0 },
    onStray: () => {
      throw new Error("planted");
    },
    onFault: (error) => void faults.push(error),
  });
  const client = await RawClient.open(test, listener);
  client.send(shortTo(mintConnectionId({ serverId, workerId: 1 })));
  await until(() => faults.length === 1);
  assert.equal(await roundTrip(await dial(test, listener), "alive"), "alive");
});

it("takes any bytes from a sibling", async (test) => {
  const listener = await startListener(test, { routing: { serverId, workerId: 0 } });
  for (let bytes = 0; bytes < 1_400; bytes += 7) {
    for (const host of ["127.0.0.1", "::1", "no address", ""]) listener.inject(randomBytes(bytes), { host, port: 9 });
  }
  const client = await dial(test, listener);
  assert.equal(await roundTrip(client, "alive"), "alive");
  client.close(closeCodes.done, "bye");
});
