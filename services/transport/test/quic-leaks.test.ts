/** Connections that are over leave nothing: no object, no socket, no entry of a table. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { closeCodes, type Connection } from "../src/port.ts";
import { type DialledConnection, dialQuic } from "../src/quic/index.ts";
import { startListener, trusted, until } from "./quic-pair.ts";
import { RawClient } from "./raw-client.ts";
import { ServerChild } from "./server-child.ts";
import { closed, echo, roundTrip } from "./stream-io.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const connections = 2_000;
const atOnce = 50;

/** How many of them are still in memory, after enough tries to collect them. */
async function alive(refs: readonly WeakRef<object>[]): Promise<number> {
  const count = (): number => refs.filter((ref) => ref.deref() !== undefined).length;
  for (let tries = 0; tries < 20 && count() > 0; tries++) {
    await new Promise(setImmediate); // a WeakRef holds its object for the rest of the turn
    collect();
  }
  return count();
}

/** In turn: how each of them ends. */
const ends: readonly ((client: DialledConnection) => Promise<unknown>)[] = [
  async (client) => client.close(closeCodes.done, "bye"),
  async (client) => {
    client.openStream().write(Buffer.from("close it"));
    await closed(client);
  },
  async (client) => {
    client.openStream(); // never used, never ended
    client.close(closeCodes.internal, "unhappy");
  },
  async (client) => {
    await client.migrate();
    client.close(closeCodes.done, "elsewhere");
  },
];

it("leaves nothing of 2,000 connections that were opened and dropped", { timeout: 120_000 }, async (test) => {
  const refs: WeakRef<object>[] = [];
  const onConnection = (connection: Connection): void => {
    refs.push(new WeakRef(connection));
    echo(connection);
    const { onStream } = connection;
    connection.onStream = (stream) => {
      onStream?.(stream);
      const { onData } = stream;
      stream.onData = (chunk) => {
        if (Buffer.from(chunk).toString() === "close it") connection.close(closeCodes.shuttingDown, "as you wish");
        else onData?.(chunk);
      };
    };
  };
  const listener = await startListener(test, { onConnection, limits: { halfOpenMax: 2_000, handshakeMsMax: 2_000 } });
  const stranger = await RawClient.open(test, listener);
  const sockets = (): number => process.getActiveResourcesInfo().filter((name) => name === "UDPWrap").length;
  for (let batch = 0; batch < connections / atOnce; batch++) {
    const one = async (_: unknown, i: number): Promise<void> => {
      const client = await dialQuic({
        host: "127.0.0.1",
        port: listener.port,
        serverName: "localhost",
        alpn: ["test"],
        trust: { caCertificate: trusted.certificate },
      });
      refs.push(new WeakRef(client));
      assert.equal(await roundTrip(client, "x"), "x");
      await ends[i % ends.length]?.(client);
    };
    await Promise.all(Array.from({ length: atOnce }, one));
    stranger.send(stranger.initial()); // and one that is never heard again
  }
  const own = 2; // the listener's and the stranger's
  await until(() => listener.stats()["connections"] === 0 && sockets() === own);
  assert.equal(listener.stats()["halfOpen"], 0);
  assert.equal(refs.length, 2 * connections);
  assert.equal(await alive(refs), 0, "connections are still held");
});

it("gives the memory of connections that are over back while more of them come", { timeout: 60_000 }, async (test) => {
  const server = await ServerChild.start(trusted);
  test.after(() => server.kill());
  const one = async (): Promise<void> => {
    const client = await dialQuic({
      host: "127.0.0.1",
      port: server.port,
      serverName: "localhost",
      alpn: ["test"],
      trust: { caCertificate: trusted.certificate },
    });
    assert.equal(await roundTrip(client, "x"), "x");
    client.close(closeCodes.done, "bye");
  };
  const churn = async (count: number): Promise<number> => {
    for (let i = 0; i < count / 50; i++) await Promise.all(Array.from({ length: 50 }, one));
    return (await server.use()).residentBytes;
  };
  const before = await churn(2_500); // until it is collected for the first time
  const grown = (await churn(4_000)) - before;
  // Each takes some 38 KB of the library's: 150 MB if nobody were told of them.
  assert.ok(grown < 75e6, `${Math.round(grown / 1e6)} MB more`);
});
