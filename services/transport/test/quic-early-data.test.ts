/** Data that comes before the handshake is over: how soon it is answered, what it is told to be, and how often it comes. */
import assert from "node:assert/strict";
import dgram from "node:dgram";
import { it, type TestContext } from "node:test";
import { type Connection, closeCodes } from "../src/port.ts";
import { makeCertificate } from "./certificate.ts";
import { dial, openRelay, startListener, until } from "./quic-pair.ts";
import { type Chunk, earlyServer, established, noting, sessionOf } from "./sessions.ts";
import { closed, readAll, roundTrip } from "./stream-io.ts";

it("answers early data in one round trip, on any listener with the ticket key", async (test) => {
  const chunks: Chunk[] = [];
  const options = { ...earlyServer(), onConnection: noting(chunks) };
  const session = await sessionOf(test, await startListener(test, options));
  const second = await startListener(test, options);
  const flights: string[] = [];
  const seen = (side: string) => (datagram: Buffer) => {
    if (flights.at(-1) !== side) flights.push(side);
    return [datagram];
  };
  const relay = await openRelay(test, second, { toServer: seen("client"), toClient: seen("server") });
  const client = await dial(test, relay, { session, earlyData: true });
  assert.equal(client.inEarlyData, true);
  assert.deepEqual(flights, [], "the dial waited for the network");
  const over = established(client);
  const stream = client.openStream();
  const answer = new Promise<readonly string[]>((resolve) => {
    stream.onData = () => resolve([...flights]);
  });
  stream.write(Buffer.from("early"));
  assert.deepEqual(await answer, ["client", "server"]);
  await over;
  assert.deepEqual([client.inEarlyData, client.info.resumed], [false, true]);
  assert.deepEqual(chunks.at(-1), { text: "early", early: true });
});

it("tells of each byte of a stream whether it came before the handshake was over", async (test) => {
  const chunks: Chunk[] = [];
  const options = { ...earlyServer(), onConnection: noting(chunks) };
  const listener = await startListener(test, options);
  const session = await sessionOf(test, listener);
  const client = await dial(test, listener, { session, earlyData: true });
  const stream = client.openStream();
  stream.write(Buffer.from("before, "));
  const answer = readAll(stream);
  await established(client);
  stream.write(Buffer.from("after"));
  stream.end();
  assert.equal((await answer).toString(), "before, after");
  assert.deepEqual(chunks.slice(-2), [
    { text: "before, ", early: true },
    { text: "after", early: false },
  ]);
});

it("tells the server too when the handshake is over, before what came after it", async (test) => {
  const events: string[] = [];
  const options = {
    ...earlyServer(),
    onConnection: (connection: Connection) => {
      connection.onEstablished = () => void events.push("established");
      connection.onStream = (stream) => {
        stream.onData = (chunk) => {
          events.push(Buffer.from(chunk).toString());
          stream.write(chunk);
        };
        stream.onEnd = () => stream.end();
      };
    },
  };
  const listener = await startListener(test, options);
  const session = await sessionOf(test, listener);
  assert.deepEqual(events, ["first"], "a connection handed over established is not told of it");
  const client = await dial(test, listener, { session, earlyData: true });
  const over = established(client);
  const early = roundTrip(client, "early");
  await over;
  await roundTrip(client, "late");
  await early;
  assert.deepEqual(events.slice(1), ["early", "established", "late"]);
});

/** The client's first flight of a connection that says `text` in early data, as somebody on the way records it. */
async function record(
  test: TestContext,
  to: { readonly port: number },
  how: { readonly session: Uint8Array; readonly text: string },
): Promise<readonly Buffer[]> {
  const flight: Buffer[] = [];
  let answered = false;
  const relay = await openRelay(test, to, {
    toServer: (datagram) => {
      if (!answered) flight.push(Buffer.from(datagram));
      return [datagram];
    },
    toClient: (datagram) => {
      answered = true;
      return [datagram];
    },
  });
  const client = await dial(test, relay, { session: how.session, earlyData: true });
  assert.equal(await roundTrip(client, how.text), how.text);
  return flight;
}

function sendFromElsewhere(test: TestContext, flight: readonly Buffer[], to: { readonly port: number }): void {
  const socket = dgram.createSocket("udp4");
  test.after(() => socket.close());
  for (const datagram of flight) socket.send(datagram, to.port, "127.0.0.1");
}

it("keeps a replayed first flight half-open and marked as early, and forgets it at the deadline", async (test) => {
  const chunks: Chunk[] = [];
  const ends: (string | undefined)[] = [];
  const options = earlyServer();
  const first = await startListener(test, options);
  const session = await sessionOf(test, first);
  const flight = await record(test, first, { session, text: "pay once" });
  const recordedAt = performance.now();
  const second = await startListener(test, {
    ...options,
    limits: { handshakeMsMax: 500 },
    onConnection: (connection) => {
      noting(chunks)(connection);
      connection.onClose = ({ error }) => void ends.push(error?.code);
    },
  });
  await until(() => performance.now() > recordedAt + 1_000);
  sendFromElsewhere(test, flight, second);
  await until(() => chunks.length > 0);
  assert.deepEqual(chunks, [{ text: "pay once", early: true }]);
  assert.deepEqual([second.stats()["halfOpen"], second.stats()["connections"]], [1, 1]);
  sendFromElsewhere(test, flight, second); // the same again is the same connection
  await until(() => ends.length > 0);
  assert.deepEqual(ends, ["E040_CONNECT_FAILED"]);
  assert.equal(chunks.length, 1);
  const { halfOpen, connections, handshakes, handshakesFailed } = second.stats();
  assert.deepEqual([halfOpen, connections, handshakes, handshakesFailed], [0, 0, 0, 1]);
  assert.equal(await roundTrip(await dial(test, second, { session, earlyData: true }), "unharmed"), "unharmed");
});

it("counts replayed flights under the half-open cap", async (test) => {
  const chunks: Chunk[] = [];
  const options = earlyServer();
  const first = await startListener(test, options);
  const session = await sessionOf(test, first);
  const flights: (readonly Buffer[])[] = [];
  for (let i = 0; i < 6; i++) flights.push(await record(test, first, { session, text: `${i}` }));
  const second = await startListener(test, { ...options, limits: { halfOpenMax: 3 }, onConnection: noting(chunks) });
  for (const flight of flights) sendFromElsewhere(test, flight, second);
  await until(() => (second.stats()["datagramsIn"] ?? 0) >= flights.flat().length && chunks.length >= 3);
  assert.deepEqual(
    chunks.map(({ early }) => early),
    [true, true, true],
  );
  assert.equal(second.stats()["halfOpen"], 3);
  assert.equal(second.stats()["retries"], 3);
});

it("ends a connection of early data with the error that the dial would have had", async (test) => {
  const options = earlyServer();
  const listener = await startListener(test, options);
  const session = await sessionOf(test, listener);
  const { port } = listener;
  await listener.close(closeCodes.shuttingDown, "gone");
  const lost = await closed(await dial(test, { port }, { session, earlyData: true }));
  assert.equal(lost.error?.code, "E040_CONNECT_FAILED");
  const heard: Chunk[] = [];
  const impostor = await makeCertificate();
  const other = await startListener(test, {
    certificate: impostor.certificate,
    privateKey: impostor.privateKey,
    earlyData: true,
    onConnection: noting(heard),
  });
  const deceived = await dial(test, other, { session, earlyData: true });
  const told = closed(deceived);
  deceived.openStream().write(Buffer.from("for the real one"));
  assert.equal((await told).error?.code, "E041_CERTIFICATE");
  assert.deepEqual(heard, [], "an impostor read early data");
});

it("gives a connection of early data up at the handshake's deadline when nobody answers", async (test) => {
  const listener = await startListener(test, earlyServer());
  const session = await sessionOf(test, listener);
  const relay = await openRelay(test, listener);
  relay.isSilent = true;
  const client = await dial(test, relay, { session, earlyData: true, limits: { handshakeMsMax: 200 } });
  client.openStream().write(Buffer.from("anyone?"));
  const { error, reason } = await closed(client);
  assert.deepEqual([error?.code, reason], ["E040_CONNECT_FAILED", "no answer in time"]);
});
