/** What every transport promises, as a function of a factory: run over QUIC and over memory. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { afterEach, describe, it } from "node:test";
import { QpqError } from "quicproquo-proto";
import { type ByteStream, type Connection, closeCodes, type Listener, type OnConnection } from "../src/port.ts";
import { closed, echo, nextStream, readAll, roundTrip, streamClosed, writeAll } from "./stream-io.ts";

type ContractLimits = { readonly streamsMax?: number; readonly sendQueueBytesMax?: number };

export interface Transport {
  listen(onConnection: OnConnection): Promise<Listener>;
  dial(listener: Listener): Promise<Connection>;
}

export type TransportOptions = {
  readonly limits: ContractLimits;
  /** Gets what callbacks threw. */
  readonly onFault: (error: unknown) => void;
};

export function transportContract(name: string, make: (options: TransportOptions) => Promise<Transport>): void {
  describe(`the transport contract over ${name}`, () => {
    const open: { transport: Transport; listener: Listener; faults: unknown[] }[] = [];

    async function start(onConnection: OnConnection, limits: ContractLimits = {}) {
      const faults: unknown[] = [];
      const transport = await make({ limits, onFault: (error) => void faults.push(error) });
      const listener = await transport.listen(onConnection);
      open.push({ transport, listener, faults });
      return { listener, faults, dial: () => transport.dial(listener) };
    }

    /** A connection and its other side. */
    async function pair(limits: ContractLimits = {}) {
      const server = Promise.withResolvers<Connection>();
      const rig = await start((connection) => server.resolve(connection), limits);
      const client = await rig.dial();
      return { ...rig, client, server: await server.promise };
    }

    afterEach(async () => {
      for (const { listener } of open.splice(0)) await listener.close(closeCodes.done, "test over");
    });

    it("answers what was sent, stream by stream", async () => {
      const { dial } = await start(echo);
      const client = await dial();
      assert.equal(await roundTrip(client, "one"), "one");
      assert.equal(await roundTrip(client, "two"), "two");
    });

    it("gives streams the ids of RFC 9000", async () => {
      const { client, server } = await pair();
      const ids = [client.openStream(), client.openStream(), server.openStream(), server.openStream()].map((s) => s.id);
      assert.deepEqual(ids, [0, 4, 1, 5]);
    });

    it("carries streams that the server opens", async () => {
      const { client, server } = await pair();
      echo(client);
      assert.equal(await roundTrip(server, "from the server"), "from the server");
    });

    it("carries 8 MiB both ways at once and tells a writer that is too fast to stop", { timeout: 30_000 }, async () => {
      const { dial } = await start(echo);
      const client = await dial();
      const stream = client.openStream();
      const sent = randomBytes(8 * 1024 * 1024);
      const answer = readAll(stream);
      const stops = await writeAll(stream, sent);
      const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
      assert.equal(hash(await answer), hash(sent));
      assert.ok(stops > 0, "the writer was never told to stop");
    });

    it("lets one side end while the other goes on", async () => {
      const { client, server } = await pair();
      const stream = client.openStream();
      const answer = readAll(stream);
      const incoming = nextStream(server);
      stream.write(Buffer.from("question"));
      stream.end();
      const other = await incoming;
      assert.equal((await readAll(other)).toString(), "question");
      const ended = streamClosed(other);
      other.write(Buffer.from("a late answer"));
      other.end();
      assert.equal((await answer).toString(), "a late answer");
      assert.equal(await ended, undefined);
    });

    it("ends both sides of a reset stream with its code, and no other stream", async () => {
      const { client, server } = await pair();
      const doomed = client.openStream();
      const here = streamClosed(doomed);
      const incoming = nextStream(server);
      doomed.write(Buffer.from("x"));
      const other = await incoming;
      const there = streamClosed(other);
      echo(server);
      other.reset(closeCodes.limitExceeded);
      for (const error of [await here, await there]) {
        assert.ok(error instanceof QpqError);
        assert.equal(error.code, "E049_STREAM_RESET");
        assert.equal(Number(error.fields["code"]), closeCodes.limitExceeded);
      }
      assert.equal(await roundTrip(client, "still here"), "still here");
    });

    it("gives the credit of reset streams back", async () => {
      const { dial } = await start(echo, { streamsMax: 4 });
      const client = await dial();
      for (let i = 0; i < 20; i++) {
        const stream = client.openStream();
        const over = streamClosed(stream);
        const first = new Promise<void>((resolve) => {
          stream.onData = () => resolve();
        });
        stream.write(Buffer.from("x"));
        await first;
        stream.reset(closeCodes.done);
        await over;
        assert.equal(await roundTrip(client, `after ${i}`), `after ${i}`);
      }
    });

    it("carries many streams at once, each with its own bytes", async () => {
      const { dial } = await start(echo, { streamsMax: 100 });
      const client = await dial();
      const texts = Array.from({ length: 100 }, (_, i) => `stream ${i} `.repeat(50));
      assert.deepEqual(await Promise.all(texts.map((text) => roundTrip(client, text))), texts);
    });

    it("finds streams whose first bytes come in another order than they were opened", async () => {
      const { dial } = await start(echo);
      const client = await dial();
      const streams = Array.from({ length: 10 }, () => client.openStream());
      for (const stream of streams.toReversed()) {
        const answer = readAll(stream);
        stream.write(Buffer.from(`id ${stream.id}`));
        stream.end();
        assert.equal((await answer).toString(), `id ${stream.id}`);
      }
    });

    it("refuses a stream above the peer's limit and allows it again when one is over", async () => {
      const { dial } = await start(echo, { streamsMax: 2 });
      const client = await dial();
      const first = client.openStream();
      client.openStream().write(Buffer.from("x"));
      assert.throws(
        () => client.openStream(),
        (error) => error instanceof QpqError && error.code === "E021_OVERLOADED",
      );
      const over = streamClosed(first);
      first.onData = () => {};
      first.write(Buffer.from("x"));
      first.end();
      await over;
      // The peer's new credit comes in a frame of its own: ask until it is there.
      for (;;) {
        try {
          client.openStream();
          break;
        } catch {
          await new Promise(setImmediate);
        }
      }
    });

    for (const closer of ["client", "server"] as const) {
      it(`takes the ${closer}'s close code and reason to the other side`, async () => {
        const { client, server } = await pair();
        const here = closed(closer === "client" ? client : server);
        const there = closed(closer === "client" ? server : client);
        (closer === "client" ? client : server).close(closeCodes.overloaded, "come\nback later");
        const seen = await there;
        assert.equal(seen.code, closeCodes.overloaded);
        assert.equal(seen.reason, "come?back later");
        assert.equal(seen.byPeer, true);
        assert.equal(seen.error?.code, "E042_CONNECTION_LOST");
        assert.equal((await here).byPeer, false);
      });
    }

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
      const streams = [client.openStream(), client.openStream()] as const;
      for (const stream of streams) Object.assign(stream, { onClose: note("close"), onDrain: note("drain") });
      const over = closed(client);
      const told = client.onClose;
      client.onClose = (info) => {
        note("connection close")();
        told?.(info);
      };
      inside = true;
      streams[0].write(new Uint8Array(1024 * 1024));
      streams[0].end();
      streams[1].reset(closeCodes.done);
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

    it("holds a sender back while the reader pauses, and loses nothing", { timeout: 30_000 }, async () => {
      const { client, server } = await pair();
      const stream = client.openStream();
      const incoming = nextStream(server);
      const chunk = new Uint8Array(64 * 1024);
      let written = 0;
      let writable = true;
      stream.onDrain = () => {
        writable = true;
      };
      const fill = () => {
        while (writable) {
          writable = stream.write(chunk);
          written += chunk.length; // also the write that answers false is kept
        }
      };
      fill();
      const other = await incoming;
      other.pause();
      // The network takes some more; then it must be over, however long the reader pauses.
      for (let turns = 0; turns < 20; turns++) {
        await fence(client, server);
        fill();
      }
      assert.ok(written < 4 * 1024 * 1024, `${written} bytes went out to a reader that pauses`);
      const stuck = written;
      await fence(client, server);
      fill();
      assert.equal(written, stuck, "the writer was told to go on while the reader paused");
      let received = 0;
      const all = new Promise<void>((resolve) => {
        other.onData = (bytes) => {
          received += bytes.length;
          if (received >= written) resolve();
        };
      });
      other.resume();
      await all;
      assert.equal(received, written);
    });

    it("resets a stream whose writer ignores every stop", async () => {
      const { client, server } = await pair({ sendQueueBytesMax: 4 * 1024 * 1024 });
      server.onStream = (stream) => stream.pause();
      const stream = client.openStream();
      const over = streamClosed(stream);
      for (let i = 0; i < 100; i++) stream.write(new Uint8Array(128 * 1024));
      const error = await over;
      assert.ok(error instanceof QpqError && error.code === "E049_STREAM_RESET");
      assert.equal(error.fields["code"], closeCodes.overloaded);
    });

    it("keeps what comes before onData is set", async () => {
      const { client, server } = await pair();
      const stream = client.openStream();
      const incoming = nextStream(server);
      stream.write(Buffer.from("early"));
      stream.end();
      const other = await incoming;
      await fence(client, server);
      assert.equal((await readAll(other)).toString(), "early");
    });

    it("hands over chunks that are never written again", async () => {
      const { client, server } = await pair();
      const kept: Uint8Array[] = [];
      const incoming = nextStream(server);
      const stream = client.openStream();
      stream.write(Buffer.from("first "));
      const other = await incoming;
      const done = new Promise<void>((resolve) => {
        other.onData = (chunk) => void kept.push(chunk);
        other.onEnd = resolve;
      });
      for (let i = 0; i < 200; i++) {
        stream.write(Buffer.from(`message ${i} `));
        if (i % 20 === 0) await new Promise(setImmediate);
      }
      stream.end();
      await done;
      const text = Buffer.concat(kept).toString();
      assert.ok(text.endsWith("message 198 message 199 "));
    });

    it("leaves the writer's bytes alone when the reader changes its own", async () => {
      const { client, server } = await pair();
      server.onStream = (stream) => {
        stream.onData = (chunk) => void chunk.fill(0);
        stream.onEnd = () => stream.end();
      };
      const bytes = Buffer.from("sent to many");
      for (let i = 0; i < 3; i++) {
        const stream = client.openStream();
        const answered = readAll(stream);
        stream.write(bytes);
        stream.end();
        await answered;
      }
      assert.equal(bytes.toString(), "sent to many");
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
        return (
          error instanceof QpqError && error.code === "E040_CONNECT_FAILED" && /no new connections/.test(error.text)
        );
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
  });
}

/** Resolves when everything the client sent before has reached the server and its answers have come back. */
async function fence(client: Connection, server: Connection): Promise<void> {
  for (let i = 0; i < 5; i++) {
    const incoming = new Promise<ByteStream>((resolve) => {
      server.onStream = resolve;
    });
    const stream = client.openStream();
    const answer = readAll(stream);
    stream.write(Buffer.from("fence"));
    stream.end();
    const other = await incoming;
    await readAll(other);
    other.end();
    await answer;
  }
}
