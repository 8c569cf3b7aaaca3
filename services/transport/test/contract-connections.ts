/** What every transport promises of its connections and listeners: closing, callbacks, refusing, many at once. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { it } from "node:test";
import { QpqError } from "quicproquo-proto";
import { type Connection, closeCodes } from "../src/port.ts";
import type { ContractRig } from "./contract-rig.ts";
import { closed, echo, roundTrip, streamClosed } from "./stream-io.ts";

export function describeConnections({ start, pair, make, traits }: ContractRig): void {
  it("closes with code 0 without an error, and still ends open streams with one", async () => {
    const { client, server } = await pair();
    const there = closed(server);
    const lost = streamClosed(client.openStream());
    client.close(closeCodes.done, "bye");
    assert.equal((await there).error, undefined);
    const error = await lost;
    assert.ok(error instanceof QpqError && error.code === "E042_CONNECTION_LOST");
    assert.throws(() => client.openStream(), QpqError);
  });

  it("is handed over when nothing on it can be a replay, and says so", async () => {
    const told: string[] = [];
    const { dial } = await start((connection) => {
      echo(connection);
      assert.equal(connection.inEarlyData, false);
      connection.onEstablished = () => void told.push("server");
    });
    const client = await dial();
    client.onEstablished = () => void told.push("client");
    assert.equal(client.inEarlyData, false);
    assert.equal(await roundTrip(client, "proven"), "proven");
    assert.deepEqual(told, [], "who got it established need not be told");
  });

  it("calls onClose exactly once and nothing after it", async () => {
    const { client, server, dial } = await pair();
    const calls: string[] = [];
    const both = [closed(client), closed(server)];
    for (const [name, connection] of Object.entries({ client, server })) {
      const told = connection.onClose;
      connection.onStream = () => void calls.push(`${name} stream`);
      connection.onClose = (info) => {
        calls.push(`${name} close`);
        told?.(info);
      };
    }
    const stream = client.openStream();
    stream.onClose = () => void calls.push("stream close");
    stream.onData = () => void calls.push("data");
    client.close(closeCodes.done, "once");
    client.close(closeCodes.done, "twice");
    server.close(closeCodes.done, "and from here");
    stream.write(Buffer.from("ignored"));
    await Promise.all(both);
    await dial(); // what was still on its way has come by now
    assert.deepEqual(calls.toSorted(), ["client close", "server close", "stream close"]);
    assert.ok(calls.indexOf("stream close") < calls.indexOf("client close"));
  });

  it("never calls back from inside write, end, reset or close", async () => {
    const { client } = await pair();
    let inside = false;
    const violations: string[] = [];
    const note = (name: string) => () => {
      if (inside) violations.push(name);
    };
    const stream = client.openStream();
    Object.assign(stream, { onClose: note("close"), onDrain: note("drain") });
    const over = closed(client);
    const told = client.onClose;
    client.onClose = (info) => {
      note("connection close")();
      told?.(info);
    };
    inside = true;
    stream.write(new Uint8Array(1024 * 1024));
    stream.end();
    stream.reset(closeCodes.done);
    client.close(closeCodes.done, "bye");
    inside = false;
    await over;
    assert.deepEqual(violations, []);
  });

  const throwers: Record<string, (connection: Connection) => void> = {
    onStream: (connection) => {
      connection.onStream = () => {
        throw new Error("planted");
      };
    },
    onData: (connection) => {
      connection.onStream = (stream) => {
        stream.onData = () => {
          throw new Error("planted");
        };
      };
    },
    onEnd: (connection) => {
      connection.onStream = (stream) => {
        stream.onData = () => {};
        stream.onEnd = () => {
          throw new Error("planted");
        };
      };
    },
  };
  for (const [callback, plant] of Object.entries(throwers)) {
    it(`closes only its own connection when ${callback} throws`, async () => {
      let count = 0;
      const { dial, faults } = await start((connection) => (count++ === 0 ? plant(connection) : echo(connection)));
      const [doomed, healthy] = [await dial(), await dial()];
      const seen = closed(doomed);
      const stream = doomed.openStream();
      stream.write(Buffer.from("x"));
      stream.end();
      assert.equal((await seen).code, closeCodes.internal);
      assert.deepEqual(faults.map(String), ["Error: planted"]);
      assert.equal(await roundTrip(healthy, "unharmed"), "unharmed");
    });
  }

  it("closes only its own connection when onConnection or onClose throws", async () => {
    let count = 0;
    const { dial, faults } = await start((connection) => {
      count += 1;
      if (count === 1) throw new Error("planted");
      echo(connection);
      connection.onClose = () => {
        throw new Error("planted");
      };
    });
    const refused = await dial();
    assert.equal((await closed(refused)).code, closeCodes.internal);
    const second = await dial();
    const third = await dial();
    second.close(closeCodes.done, "bye");
    while (faults.length < 2) await new Promise(setImmediate);
    assert.equal(await roundTrip(third, "unharmed"), "unharmed");
  });

  it("serves 200 connections at once", { timeout: 30_000 }, async () => {
    const { dial, listener } = await start(echo);
    const clients = await Promise.all(Array.from({ length: 200 }, dial));
    assert.equal(listener.stats()["connections"], 200);
    const answers = await Promise.all(clients.map((client, i) => roundTrip(client, `client ${i}`)));
    assert.deepEqual(
      answers,
      clients.map((_, i) => `client ${i}`),
    );
    for (const client of clients) client.close(closeCodes.done, "bye");
  });

  it("refuses new connections on request and goes on with the old ones", async () => {
    const { dial, listener } = await start(echo);
    const client = await dial();
    listener.refuseNew();
    await assert.rejects(dial(), (error) => {
      assert.ok(error instanceof QpqError && error.code === "E040_CONNECT_FAILED");
      return !traits.tellsWhy || /no new connections/.test(error.text);
    });
    assert.equal(await roundTrip(client, "still served"), "still served");
    assert.equal(listener.stats()["refused"], 1);
  });

  it("lets a callback close its own listener", async () => {
    const ends: string[] = [];
    let stop: () => Promise<void> = async () => {};
    const stopped = Promise.withResolvers<void>();
    const rig = await start((connection) => {
      connection.onClose = () => void ends.push("close");
      connection.onStream = (stream) => {
        stream.onClose = () => void ends.push("stream");
        stream.onData = () => {
          void stop().then(stopped.resolve);
          assert.deepEqual(ends, [], "called back from inside close");
        };
      };
    });
    stop = () => rig.listener.close(closeCodes.shuttingDown, "enough");
    const client = await rig.dial();
    const seen = closed(client);
    client.openStream().write(Buffer.from("x"));
    assert.equal((await seen).code, closeCodes.shuttingDown);
    await stopped.promise;
    assert.deepEqual(ends, ["stream", "close"]);
    assert.deepEqual(rig.faults, []);
  });

  it("survives a fault handler that throws", async () => {
    const transport = await make({
      limits: {},
      onFault: () => {
        throw new Error("planted in the handler");
      },
    });
    const listener = await transport.listen(() => {
      throw new Error("planted");
    });
    const warned = once(process, "warning");
    const client = await transport.dial(listener);
    assert.equal((await closed(client)).code, closeCodes.internal);
    assert.match(String((await warned)[0]), /planted in the handler/);
    await listener.close(closeCodes.done, "test over");
  });

  it("tells every client when the listener closes, and frees the port", async () => {
    const { dial, listener } = await start(echo);
    const clients = await Promise.all([dial(), dial(), dial()]);
    // A server whose handshake is not over yet cannot send an application's code.
    for (const client of clients) await roundTrip(client, "here");
    const seen = clients.map(closed);
    const twice = [closeCodes.shuttingDown, closeCodes.done].map((code) => listener.close(code, "restart"));
    await Promise.all(twice);
    for (const { code, reason } of await Promise.all(seen)) {
      assert.deepEqual([code, reason], [closeCodes.shuttingDown, "restart"]);
    }
    await assert.rejects(dial(), QpqError);
  });
}
