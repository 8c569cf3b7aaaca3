/** An acknowledgement travels with the answer where there is one soon, and in time where there is none. */
import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import { setTimeout } from "node:timers/promises";
import type { ByteStream, Connection } from "../src/port.ts";
import { dial, startListener, until } from "./quic-pair.ts";
import { pingPong } from "./stream-io.ts";

const rounds = 100;

/** Both ends of a connection, and the client's stream on it. */
async function connected(test: TestContext, answer: (stream: ByteStream, chunk: Uint8Array) => void) {
  const accepted = Promise.withResolvers<Connection>();
  const onConnection = (connection: Connection): void => {
    connection.onStream = (stream) => {
      stream.onData = (chunk) => answer(stream, chunk);
    };
    accepted.resolve(connection);
  };
  const listener = await startListener(test, { onConnection });
  const client = await dial(test, listener);
  const server = await accepted.promise;
  return { client, server, stream: client.openStream() };
}

/** One datagram there and one back for a round, whatever the answer waits for. */
async function countDatagrams(test: TestContext, answer: (stream: ByteStream, chunk: Uint8Array) => void) {
  const { client, server, stream } = await connected(test, answer);
  const next = (): Promise<void> =>
    new Promise((resolve) => {
      stream.onData = () => resolve();
      stream.write(Buffer.from("ping"));
    });
  await next();
  const before = [client.stats().datagramsOut, server.stats().datagramsOut] as const;
  for (let round = 0; round < rounds; round++) await next();
  return {
    client: client.stats().datagramsOut - before[0],
    server: server.stats().datagramsOut - before[1],
  };
}

it("sends one datagram each way a round when both sides answer through promises", async (test) => {
  const sent = await countDatagrams(test, (stream, chunk) => {
    void Promise.resolve()
      .then(() => chunk)
      .then((echoed) => stream.write(echoed));
  });
  // A probe or two more, where the machine is busy.
  assert.ok(sent.client < rounds * 1.3 && sent.server < rounds * 1.3, JSON.stringify(sent));
});

it("sends one datagram each way a round when the answer comes some milliseconds later", async (test) => {
  const sent = await countDatagrams(test, (stream, chunk) => void setTimeout(2).then(() => stream.write(chunk)));
  assert.ok(sent.server < rounds * 1.5, JSON.stringify(sent));
});

it("sends one datagram for each of several calls that wait for their answers at once", async (test) => {
  const { server, stream } = await connected(test, (answers, chunk) => {
    for (const byte of chunk) void setTimeout(8).then(() => answers.write(Uint8Array.of(byte)));
  });
  let answers = 0;
  stream.onData = (chunk) => {
    answers += chunk.length;
  };
  stream.write(Uint8Array.of(0));
  await until(() => answers === 1);
  const before = server.stats().datagramsOut;
  for (let call = 1; call <= rounds; call++) {
    stream.write(Uint8Array.of(call));
    if (call % 4 === 0) await until(() => answers === 1 + call);
    else await setTimeout(2);
  }
  const sent = server.stats().datagramsOut - before;
  assert.ok(sent < rounds * 1.3, `${sent} datagrams for ${rounds} answers`);
});

it("acknowledges what nobody answers before its sender asks again", { timeout: 20_000 }, async (test) => {
  const { client, server, stream } = await connected(test, (answers, chunk) => {
    if (chunk.length === 1) answers.write(chunk);
  });
  let inTime = 0;
  for (let round = 0; round < 20; round++) {
    await pingPong(stream, 1); // what was left to be said is said
    const [asked, answered] = [client.stats().datagramsOut, server.stats().datagramsOut];
    stream.write(Buffer.from("no answer"));
    await until(() => server.stats().datagramsOut > answered);
    if (client.stats().datagramsOut === asked + 1) inTime += 1;
  }
  // Where the process stands still for 10 ms the sender asks: not each time.
  assert.ok(inTime >= 5, `${inTime} of 20`);
});

it("gives room for more at once when a reader goes on", { timeout: 20_000 }, async (test) => {
  const streams: ByteStream[] = [];
  let bytes = 0;
  const onConnection = (connection: Connection): void => {
    connection.onStream = (stream) => {
      streams.push(stream);
      stream.onData = (chunk) => {
        bytes += chunk.length;
      };
      stream.pause();
    };
  };
  const listener = await startListener(test, { onConnection });
  const client = await dial(test, listener);
  const stream = client.openStream();
  const total = 3 * 1024 * 1024;
  stream.write(new Uint8Array(total));
  await until(() => streams.length === 1 && client.stats().bytesOut > 1024 * 1024);
  streams[0]?.resume();
  await until(() => bytes === total);
});
