/** What happens to a connection between handshake and end: loss, address changes, silence, a server that dies. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { it } from "node:test";
import { closeCodes, type Connection } from "../src/port.ts";
import { datagramBytesTo } from "../src/quic/datagram-size.ts";
import { resolveQuicLimits } from "../src/quic/quic-limits.ts";
import { dial, openRelay, startListener, trusted, until } from "./quic-pair.ts";
import { RawClient } from "./raw-client.ts";
import { ServerChild } from "./server-child.ts";
import { closed, echo, readAll, roundTrip, writeAll } from "./stream-io.ts";

it("answers a stream that comes in the datagram that ends the handshake", async (test) => {
  const listener = await startListener(test);
  const client = await RawClient.open(test, listener);
  for (let i = 0; i < 30; i++) {
    const native = client.connect();
    client.flush(native);
    while (!native.isEstablished()) client.deliver(native, await client.next());
    native.streamSend(0, Buffer.from("at once"), true);
    const datagrams = client.packetsOf(native);
    assert.equal(datagrams.length, 1, "Finished and the stream share one datagram");
    for (const datagram of datagrams) client.send(datagram);
    let answer = "";
    await client.run(native, () => {
      if (!native.streamReadable(0)) return false;
      const buffer = Buffer.alloc(100);
      const [length] = native.streamRecv(0, buffer) ?? [0];
      answer += buffer.toString("latin1", 0, length);
      return answer === "at once";
    });
    native.close(true, 0, Buffer.alloc(0));
    client.flush(native);
  }
});

it("carries 1 MiB through a network that loses 5 % of the datagrams", { timeout: 30_000 }, async (test) => {
  const limits = { loopbackDatagramBytes: 1_232 }; // as many datagrams as a network would lose some of
  const listener = await startListener(test, { limits });
  const relay = await openRelay(test, listener, { seed: 20_240_607, lossPercent: 5 });
  const client = await dial(test, relay, { limits });
  const sent = randomBytes(1024 * 1024);
  const stream = client.openStream();
  const answer = readAll(stream);
  await writeAll(stream, sent);
  const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
  assert.equal(hash(await answer), hash(sent));
  const { toServer, toClient } = relay.counts;
  assert.ok(toServer.lost > 10 && toClient.lost > 10, `only ${toServer.lost} and ${toClient.lost} datagrams were lost`);
  assert.ok(client.stats().lost > 0);
});

for (const bytes of [1_200, 9_000]) {
  it(`sends datagrams of ${bytes} B and none larger where the limit says so, either way`, async (test) => {
    const sizes = { toServer: new Set<number>(), toClient: new Set<number>() };
    const noted = (way: keyof typeof sizes) => (datagram: Buffer) => {
      sizes[way].add(datagram.length);
      return [datagram];
    };
    const limits = { loopbackDatagramBytes: bytes };
    const listener = await startListener(test, { limits });
    const relay = await openRelay(test, listener, { toServer: noted("toServer"), toClient: noted("toClient") });
    const client = await dial(test, relay, { limits });
    await roundTrip(client, "x".repeat(100_000));
    assert.equal(Math.max(...sizes.toServer), bytes);
    assert.equal(Math.max(...sizes.toClient), bytes);
  });
}

it("sends large datagrams to programs of its own machine alone", () => {
  const limits = resolveQuicLimits({ datagramBytes: 1_232, loopbackDatagramBytes: 9_000 });
  const bytesTo = (host: string): number => datagramBytesTo({ host, port: 1 }, limits);
  for (const host of ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"]) assert.equal(bytesTo(host), 9_000, host);
  for (const host of ["128.0.0.1", "10.127.0.1", "::", "fe80::127", "2001:db8::1", "::ffff:10.0.0.1"]) {
    assert.equal(bytesTo(host), 1_232, host);
  }
});

it("sends what several streams have to say in one flush", async (test) => {
  const listener = await startListener(test);
  const client = await dial(test, listener);
  assert.equal(await roundTrip(client, "one at a time"), "one at a time");
  const streams = [client.openStream(), client.openStream(), client.openStream()];
  const { datagramsOut } = client.stats();
  for (const stream of streams) stream.write(Buffer.from("short"));
  await new Promise(setImmediate);
  assert.ok(client.stats().datagramsOut >= datagramsOut + streams.length, "a packet holds the frames of one stream");
});

it("carries everything when a flush may send only one packet", async (test) => {
  const limits = { packetsPerFlushMax: 1 };
  const listener = await startListener(test, { limits });
  const client = await dial(test, listener, { limits });
  const text = "x".repeat(200_000);
  assert.equal(await roundTrip(client, text), text);
});

it("closes at once although nothing is acknowledged any more", async (test) => {
  const listener = await startListener(test);
  const relay = await openRelay(test, listener);
  const client = await dial(test, relay);
  assert.equal(await roundTrip(client, "heard"), "heard");
  relay.isSilent = true;
  client.openStream().write(new Uint8Array(100_000));
  const { datagramsOut } = client.stats();
  await until(() => client.stats().datagramsOut > datagramsOut + 12); // a window full, and probes
  const over = closed(client);
  const begun = performance.now();
  client.close(closeCodes.done, "giving up");
  assert.equal((await over).byPeer, false);
  assert.ok(performance.now() - begun < 500);
});

it("takes a close to the server although the handshake's last answer is still on its way", async (test) => {
  const server = Promise.withResolvers<Awaited<ReturnType<typeof closed>>>();
  const listener = await startListener(test, {
    onConnection: (connection) => void closed(connection).then(server.resolve),
  });
  const relay = await openRelay(test, listener);
  const client = await dial(test, relay);
  relay.hold();
  const over = closed(client);
  // Timers run before the next turn's flush: so the handshake's probe falls due between the close and its flush.
  setImmediate(() => {
    client.close(closeCodes.overloaded, "early");
    const end = performance.now() + 100;
    while (performance.now() < end);
  });
  await over;
  relay.release();
  assert.equal((await server.promise).code, closeCodes.overloaded);
});

it("goes on when the client's address changes on the way, and tells the new one", async (test) => {
  const server = Promise.withResolvers<Connection>();
  const listener = await startListener(test, {
    onConnection: (connection) => {
      echo(connection);
      server.resolve(connection);
    },
  });
  const relay = await openRelay(test, listener);
  const client = await dial(test, relay);
  assert.equal(await roundTrip(client, "before"), "before");
  const { info } = await server.promise;
  await relay.move();
  assert.equal(await roundTrip(client, "after"), "after");
  // The new address counts once it has answered a challenge.
  const { promise } = server;
  while ((await promise).info.peerPort === info.peerPort) assert.equal(await roundTrip(client, "on"), "on");
});

it("closes a connection that is silent for the idle time, on both sides", async (test) => {
  const server = Promise.withResolvers<Awaited<ReturnType<typeof closed>>>();
  const limits = { idleMs: 300 };
  const listener = await startListener(test, {
    limits,
    onConnection: (connection) => void closed(connection).then(server.resolve),
  });
  const client = await dial(test, listener, { limits });
  const begun = performance.now();
  const ends = [await closed(client), await server.promise];
  for (const { code, reason, byPeer, error } of ends) {
    assert.deepEqual([code, reason, byPeer], [undefined, "idle timeout", false]);
    assert.equal(error?.code, "E042_CONNECTION_LOST");
  }
  assert.ok(performance.now() - begun >= 250);
  assert.equal(listener.stats()["connections"], 0);
});

it("keeps a connection that talks open beyond the idle time", async (test) => {
  const limits = { idleMs: 300 };
  const listener = await startListener(test, { limits });
  const client = await dial(test, listener, { limits });
  const end = performance.now() + 900;
  while (performance.now() < end) assert.equal(await roundTrip(client, "ping"), "ping");
});

it("keeps an idle connection alive by the client's pings alone", async (test) => {
  const limits = { idleMs: 400, keepAliveMs: 100 };
  const listener = await startListener(test, { limits });
  const client = await dial(test, listener, { limits });
  assert.equal(await roundTrip(client, "before"), "before");
  const { datagramsIn } = client.stats();
  const begun = performance.now();
  await until(() => client.stats().datagramsIn >= datagramsIn + 10);
  assert.ok(performance.now() - begun > 2 * limits.idleMs);
  assert.equal(await roundTrip(client, "after"), "after");
});

it("learns at once from a stateless reset that its server was killed and started again", async (test) => {
  const first = await ServerChild.start(trusted);
  test.after(() => first.kill());
  const client = await dial(test, first);
  assert.equal(await roundTrip(client, "alive"), "alive");
  await first.kill();
  const second = await first.replace();
  test.after(() => second.kill());
  const seen = closed(client);
  const begun = performance.now();
  client.openStream().write(Buffer.from("are you there?"));
  const { reason, byPeer, error } = await seen;
  const tookMs = performance.now() - begun;
  assert.deepEqual([reason, byPeer, error?.code], ["stateless reset", true, "E042_CONNECTION_LOST"]);
  assert.ok(tookMs < 2_000, `${tookMs} ms, where the idle timeout is 15 s`);
  test.diagnostic(`known after ${tookMs.toFixed(1)} ms; the idle timeout is 15,000 ms`);
  assert.equal(await roundTrip(await dial(test, second), "back"), "back");
});

it("does not believe a reset that was made with another key", async (test) => {
  const [first, second] = [await startListener(test), await startListener(test)];
  const relay = await openRelay(test, first);
  const client = await dial(test, relay, { limits: { idleMs: 400 } });
  assert.equal(await roundTrip(client, "alive"), "alive");
  relay.serverPort = second.port;
  const seen = closed(client);
  client.openStream().write(Buffer.from("are you there?"));
  assert.equal((await seen).reason, "idle timeout");
  assert.ok((second.stats()["statelessResets"] ?? 0) > 0);
});

it("hands over what came before the peer's close", async (test) => {
  const listener = await startListener(test, {
    onConnection: (connection) => {
      connection.onStream = (stream) => {
        stream.onData = () => {
          stream.write(Buffer.from("last words"));
          setImmediate(() => connection.close(closeCodes.shuttingDown, "bye"));
        };
      };
    },
  });
  const client = await dial(test, listener);
  const stream = client.openStream();
  const heard: string[] = [];
  stream.onData = (chunk) => void heard.push(Buffer.from(chunk).toString());
  stream.onClose = () => void heard.push("stream closed");
  const seen = closed(client);
  stream.write(Buffer.from("x"));
  assert.equal((await seen).code, closeCodes.shuttingDown);
  assert.deepEqual(heard, ["last words", "stream closed"]);
});

it("resumes a session on another listener with the same ticket key, early data marked as such", async (test) => {
  const ticketKey = randomBytes(48);
  const early: boolean[] = [];
  const options = {
    ticketKey,
    earlyData: true,
    onConnection: (connection: Connection) => {
      early.push(connection.inEarlyData);
      echo(connection);
    },
  };
  const first = await startListener(test, options);
  const one = await RawClient.open(test, first);
  const native = one.connect();
  await one.run(native, () => native.session() !== null);
  const session = native.session();
  assert.ok(session !== null);
  const second = await startListener(test, options);
  const two = await RawClient.open(test, second);
  const resumed = two.connect(session);
  two.send(two.packetsOf(resumed)[0] as Buffer);
  resumed.streamSend(0, Buffer.from("early"), true);
  await two.run(resumed, () => resumed.isEstablished() && resumed.streamReadable(0));
  assert.ok(resumed.isResumed());
  assert.deepEqual(early, [false, true]);
});

it("takes no early data unless told to", async (test) => {
  const ticketKey = randomBytes(48);
  const early: boolean[] = [];
  const listener = await startListener(test, {
    ticketKey,
    onConnection: (connection) => {
      early.push(connection.inEarlyData);
      echo(connection);
    },
  });
  const client = await RawClient.open(test, listener);
  const native = client.connect();
  await client.run(native, () => native.session() !== null);
  const session = native.session();
  assert.ok(session !== null);
  const again = client.connect(session);
  assert.equal(again.isInEarlyData(), false);
  await client.run(again, () => again.isEstablished());
  assert.ok(again.isResumed());
  client.flush(again);
  await until(() => early.length === 2);
  assert.deepEqual(early, [false, false]);
});
