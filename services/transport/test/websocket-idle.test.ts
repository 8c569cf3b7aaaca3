/** Signs of life: pings, the idle time, and readers that pause for longer. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { type ByteStream, closeCodes, type Connection, type ConnectionClosed } from "../src/port.ts";
import { opcodes, RawWebSocket } from "./raw-websocket.ts";
import { closed, nextStream, readAll, roundTrip } from "./stream-io.ts";
import { dial, startListener, until } from "./websocket-pair.ts";

const { ping, pong } = opcodes;

it("gives up a silent peer at the idle time, and keeps one that answers pings", { timeout: 20_000 }, async (test) => {
  const limits = { idleMs: 400, keepAliveMs: 100 };
  const ends: Promise<ConnectionClosed>[] = [];
  const listener = await startListener(test, {
    limits,
    onConnection: (connection) => void ends.push(closed(connection)),
  });
  const live = await RawWebSocket.open(test, listener);
  const silent = await RawWebSocket.open(test, listener);
  let pings = 0;
  const answer = async (): Promise<void> => {
    for (;;) {
      const { opcode, payload } = await live.frame();
      assert.equal(opcode, ping);
      pings += 1;
      live.send({ opcode: pong, payload });
    }
  };
  const answering = answer();
  await silent.gone();
  const { reason, error } = await (ends[1] as (typeof ends)[number]);
  assert.deepEqual([reason, error?.code], ["idle timeout", "E042_CONNECTION_LOST"]);
  await until(() => pings >= 4); // far beyond the idle time of one that had not answered
  assert.equal(listener.stats()["connections"], 1);
  live.socket.destroy();
  await assert.rejects(answering, /the connection ended/);
});

it("a client notices a server that is silent, and keeps one that is only quiet", { timeout: 20_000 }, async (test) => {
  const listener = await startListener(test);
  const quiet = await dial(test, listener, { limits: { idleMs: 300, keepAliveMs: 50 } });
  const cut = await dial(test, listener, { limits: { idleMs: 300, keepAliveMs: 0 } }); // hears nothing: nobody pings
  const { reason, error } = await closed(cut);
  assert.deepEqual([reason, error?.code], ["idle timeout", "E042_CONNECTION_LOST"]);
  assert.equal(await roundTrip(quiet, "still here"), "still here");
  assert.ok(quiet.stats().rttMs > 0);
});

it("a reader that pauses for longer than the idle time loses nobody", { timeout: 20_000 }, async (test) => {
  const limits = { idleMs: 200, keepAliveMs: 50, streamWindowBytes: 1 };
  const paused = Promise.withResolvers<ByteStream>();
  const listener = await startListener(test, {
    limits,
    onConnection: (connection) => {
      connection.onStream = (stream) => {
        stream.pause();
        paused.resolve(stream);
      };
    },
  });
  const client = await dial(test, listener, { limits });
  const stream = client.openStream();
  stream.write(Buffer.from("held back"));
  stream.end();
  const other = await paused.promise;
  // One after the other, each ended at its idle time.
  for (let idleTimes = 0; idleTimes < 5; idleTimes++) await (await RawWebSocket.open(test, listener)).gone();
  const heard = readAll(other);
  other.resume();
  assert.equal((await heard).toString(), "held back");
});

it("a process that was busy for longer than the idle time reads what has come before it gives a peer up", async (test) => {
  for (const last of ["data", "close"]) {
    const accepted = Promise.withResolvers<Connection>();
    const listener = await startListener(test, { onConnection: accepted.resolve });
    const client = await dial(test, listener, { limits: { idleMs: 400, keepAliveMs: 0 } });
    const stream = client.openStream();
    const server = await accepted.promise;
    const opened = nextStream(server);
    stream.write(Buffer.from("x"));
    const other = await opened;
    const heard = new Promise<string>((resolve) => {
      stream.onData = () => resolve("data");
      client.onClose = ({ reason }) => resolve(reason);
    });
    if (last === "data") other.write(Buffer.from("x"));
    else server.close(closeCodes.done, "close");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600); // nothing runs in this process meanwhile
    assert.equal(await heard, last);
  }
});
