/** A client whose address changes keeps its connection: by a NAT that forgot it, or because it moved itself. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { it, type TestContext } from "node:test";
import { QpqError } from "quicproquo-proto";
import { closeCodes, type Connection } from "../src/port.ts";
import type { ListenOptions } from "../src/quic/index.ts";
import { connectionIdBytes } from "../src/quic/connection-id.ts";
import { answering, assertAllOnce, converse } from "./conversation.ts";
import { PortRelay } from "./port-relay.ts";
import { dial, openRelay, startListener, until } from "./quic-pair.ts";
import { closed, nextStream, readAll, roundTrip, writeAll } from "./stream-io.ts";

const messages = 1_000;

/** A server that answers numbered messages; `accepted` is its side of the only connection. */
async function startAnswering(test: TestContext, options: Partial<ListenOptions> = {}) {
  const heard: number[] = [];
  const accepted: Connection[] = [];
  const answer = answering(heard);
  const onConnection = (connection: Connection): void => {
    accepted.push(connection);
    answer(connection);
  };
  const listener = await startListener(test, { onConnection, ...options });
  return { listener, heard, accepted };
}

/** At these answers something happens, one after the other; `done` resolves when all of it is over. */
function happening(at: readonly number[], event: () => Promise<void>) {
  let last = Promise.resolve();
  const onAnswer = (number: number): void => {
    if (at.includes(number)) last = last.then(event);
  };
  return { onAnswer, done: () => last };
}

for (const lossPercent of [0, 5]) {
  it(`loses and doubles none of 1,000 messages while a NAT forgets it three times, at ${lossPercent} % loss`, async (test) => {
    const { listener, heard, accepted } = await startAnswering(test);
    const relay = await openRelay(test, listener, { seed: 11, lossPercent });
    const client = await dial(test, relay);
    const ports = new Set<number>();
    const { onAnswer, done } = happening([200, 500, 800], async () => {
      ports.add(accepted[0]?.info.peerPort ?? 0);
      await relay.move();
    });
    await converse(client, messages, onAnswer);
    await done();
    assertAllOnce(heard, messages);
    assert.equal(listener.stats()["handshakes"], 1);
    await until(() => ports.add(accepted[0]?.info.peerPort ?? 0).size === 4);
  });

  it(`loses and doubles none of 1,000 messages while it moves three times, at ${lossPercent} % loss`, async (test) => {
    const { listener, heard, accepted } = await startAnswering(test);
    const relay = await PortRelay.open(test, listener, { seed: 12, lossPercent });
    const client = await dial(test, relay);
    const ports = new Set([accepted[0]?.info.peerPort]);
    const { onAnswer, done } = happening([200, 500, 800], async () => {
      await client.migrate();
      ports.add(accepted[0]?.info.peerPort);
    });
    await converse(client, messages, onAnswer);
    await done();
    assertAllOnce(heard, messages);
    assert.equal(relay.clientPorts, 4);
    assert.equal(listener.stats()["handshakes"], 1);
    assert.ok(lossPercent === 0 || relay.lost > 0);
  });
}

it("uses another connection id on another path, in both directions", async (test) => {
  const seen = { toServer: new Set<string>(), toClient: new Set<string>() };
  const note = (ids: Set<string>) => (datagram: Buffer) => {
    const isShort = ((datagram[0] ?? 0) & 0x80) === 0;
    if (isShort) ids.add(datagram.toString("hex", 1, 1 + connectionIdBytes));
  };
  const routing = { serverId: Buffer.from("server-1"), workerId: 9 };
  const { listener } = await startAnswering(test, { routing });
  const relay = await PortRelay.open(test, listener, {
    onToServer: note(seen.toServer),
    onToClient: note(seen.toClient),
  });
  const client = await dial(test, relay);
  await converse(client, 10);
  assert.deepEqual([seen.toServer.size, seen.toClient.size], [1, 1]);
  const before = { toServer: [...seen.toServer], toClient: [...seen.toClient] };
  await client.migrate();
  for (const ids of Object.values(seen)) ids.clear();
  await converse(client, 10);
  for (const side of ["toServer", "toClient"] as const) {
    assert.ok(seen[side].size > 0);
    const tells = before[side].some((id) => seen[side].has(id));
    assert.ok(!tells, `${side}: the id says that it is the same connection`);
  }
  const layout = `${Buffer.from("server-1").toString("hex")}09`;
  for (const id of [...before.toServer, ...seen.toServer]) assert.ok(id.startsWith(layout), id);
});

it("hears what the server says after a NAT has forgotten it, though it has nothing to say itself", async (test) => {
  const { listener, accepted } = await startAnswering(test);
  const relay = await openRelay(test, listener);
  // No sign of life is due within the test but the one after a burst.
  const limits = { keepAliveMs: 600_000, idleMs: 600_000 };
  const client = await dial(test, relay, { limits });
  await converse(client, 10);
  await until(() => accepted[0]?.stats().datagramsIn === client.stats().datagramsOut); // its last acknowledgement is there
  await relay.move();
  const heard = nextStream(client).then(readAll);
  const stream = accepted[0]?.openStream();
  stream?.write(Buffer.from("are you there?"));
  stream?.end();
  assert.equal((await heard).toString(), "are you there?");
});

it("moves by itself when it asks and hears nothing", async (test) => {
  const { listener, heard } = await startAnswering(test);
  const relay = await PortRelay.open(test, listener);
  const client = await dial(test, relay, { limits: { pathSilenceMs: 200 } });
  const { onAnswer } = happening([100], async () => relay.killPaths());
  await converse(client, 200, onAnswer);
  assertAllOnce(heard, 200);
  assert.equal(relay.clientPorts, 2);
  assert.equal(listener.stats()["handshakes"], 1);
});

it("goes on when the network comes back later, within the idle time", async (test) => {
  const { listener, heard } = await startAnswering(test);
  const relay = await PortRelay.open(test, listener);
  const client = await dial(test, relay, { limits: { pathSilenceMs: 200 } });
  const { onAnswer } = happening([100], async () => {
    relay.isClosedToNew = true;
    relay.killPaths();
    await until(() => relay.clientPorts === 2); // it has tried
    relay.revivePaths();
  });
  await converse(client, 200, onAnswer);
  assertAllOnce(heard, 200);
  assert.equal(listener.stats()["handshakes"], 1);
});

for (const direction of ["to the server", "to the client"]) {
  it(`carries 8 MiB ${direction} over a path that dies on the way and another one`, {
    timeout: 30_000,
  }, async (test) => {
    const bytes = randomBytes(8 * 1024 * 1024);
    const hash = (of: Uint8Array) => createHash("sha256").update(of).digest("hex");
    const accepted = Promise.withResolvers<Connection>();
    const listener = await startListener(test, { onConnection: accepted.resolve });
    const relay = await PortRelay.open(test, listener);
    const client = await dial(test, relay);
    const [from, to] =
      direction === "to the server" ? [client, await accepted.promise] : [await accepted.promise, client];
    const moved = Promise.withResolvers<void>();
    const all = new Promise<Buffer>((resolve, reject) => {
      to.onStream = (stream) => {
        let count = 0;
        const chunks: Uint8Array[] = [];
        stream.onData = (chunk) => {
          chunks.push(chunk);
          const before = count;
          count += chunk.length;
          if (before >= 2_000_000 || count < 2_000_000) return;
          relay.killPaths();
          moved.resolve(client.migrate());
        };
        stream.onEnd = () => resolve(Buffer.concat(chunks));
        stream.onClose = reject;
      };
    });
    await writeAll(from.openStream(), bytes);
    assert.equal(hash(await all), hash(bytes));
    await moved.promise;
    assert.equal(relay.clientPorts, 2);
  });
}

it("does not move while it is merely quiet", async (test) => {
  const { listener } = await startAnswering(test);
  const relay = await PortRelay.open(test, listener);
  const client = await dial(test, relay, { limits: { pathSilenceMs: 100, keepAliveMs: 300 } });
  const { datagramsIn } = client.stats();
  await until(() => client.stats().datagramsIn >= datagramsIn + 4); // four pings
  await converse(client, 10);
  assert.equal(relay.clientPorts, 1);
});

it("stays where it was when the server does not answer on the new path, and says so", {
  timeout: 30_000,
}, async (test) => {
  const { listener } = await startAnswering(test);
  const relay = await PortRelay.open(test, listener);
  const client = await dial(test, relay, { limits: { pathSilenceMs: 0 } });
  await converse(client, 10);
  relay.isClosedToNew = true;
  await assert.rejects(client.migrate(), (error) => {
    return error instanceof QpqError && error.code === "E040_CONNECT_FAILED" && /new path/.test(error.text);
  });
  await converse(client, 10);
  relay.isClosedToNew = false;
  await client.migrate();
  await converse(client, 10);
});

it("asks to be dialled again when a client's address has changed as often as the limit says", async (test) => {
  const { listener } = await startAnswering(test, { limits: { pathsMax: 4 } });
  const client = await dial(test, listener);
  const over = closed(client);
  await client.migrate();
  await client.migrate();
  await converse(client, 10);
  await client.migrate();
  const { code, reason, byPeer } = await over;
  assert.deepEqual([code, byPeer], [closeCodes.shuttingDown, true]);
  assert.match(reason, /dial again/);
  await assert.rejects(client.migrate(), (error) => error instanceof QpqError && error.code === "E042_CONNECTION_LOST");
});

it("asks a client to be dialled again whom a NAT forgets too often", async (test) => {
  const { listener } = await startAnswering(test, { limits: { pathsMax: 3 } });
  const relay = await openRelay(test, listener);
  const client = await dial(test, relay);
  const over = closed(client);
  await relay.move();
  await converse(client, 10);
  await relay.move();
  client.openStream().write(Buffer.from("once too often"));
  assert.equal((await over).code, closeCodes.shuttingDown);
});

it("is one move however often it is asked for at a time, and none after the end", async (test) => {
  const { listener } = await startAnswering(test);
  const relay = await PortRelay.open(test, listener);
  const client = await dial(test, relay);
  await Promise.all([client.migrate(), client.migrate(), client.migrate()]);
  assert.equal(relay.clientPorts, 2);
  const moving = client.migrate();
  client.close(closeCodes.done, "bye");
  await assert.rejects(moving, (error) => error instanceof QpqError && error.code === "E042_CONNECTION_LOST");
  await assert.rejects(client.migrate(), (error) => error instanceof QpqError && error.code === "E042_CONNECTION_LOST");
  assert.equal(await roundTrip(await dial(test, await startListener(test)), "unharmed"), "unharmed");
});
