/** The client that keeps one connection, against a real server that is too busy to answer. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { alpnNode, methodCodecs } from "quicproquo-proto";
import { MethodTable, RpcSession } from "quicproquo-rpc";
import { MemorySessionCache, ReconnectingClient, type ReconnectOptions, type ServerAddress } from "quicproquo-sdk";
import { certificateFiles, startServerProcess, writeCertificateFiles } from "quicproquo-server/testing";
import { closeCodes, type Connection } from "quicproquo-transport";
import { listenQuic } from "quicproquo-transport/quic";
import { SeededRelay } from "quicproquo-transport/testing";
import { addressOf } from "./person.ts";

type Rig = {
  readonly options: ReconnectOptions;
  /** Resolves when a connection has given a session, so that the next begins with early data. */
  readonly given: () => Promise<void>;
};

/** What a ReconnectingClient is made of. */
function rigOf(server: ServerAddress): Rig {
  const sessions = new MemorySessionCache();
  let given = Promise.withResolvers<void>();
  const { put } = sessions;
  sessions.put = async (...session) => {
    await put.apply(sessions, session);
    given.resolve();
  };
  return {
    options: { server: { ...server, transport: "quic" }, sessions },
    async given() {
      await given.promise;
      given = Promise.withResolvers();
    },
  };
}

/** A server whose health says when it answers. */
async function startHealth(
  test: TestContext,
  answers: (connection: number) => Promise<void>,
): Promise<{ readonly address: ServerAddress; readonly accepted: () => number }> {
  const { method, encodeResults } = methodCodecs.health;
  const folder = mkdtempSync(join(tmpdir(), "qpq-health-"));
  test.after(() => rmSync(folder, { recursive: true }));
  await writeCertificateFiles(folder);
  const caCertificate = readFileSync(join(folder, certificateFiles.certificate), "utf8");
  let accepted = 0;
  const onConnection = (connection: Connection): void => {
    const number = ++accepted;
    const bootstrap = new MethodTable().method(method, async (_params, results) => {
      await answers(number);
      encodeResults({ status: "ok" } as never, results);
    });
    connection.onStream = (stream) => void new RpcSession(stream, { bootstrap });
  };
  const listener = await listenQuic({
    host: "127.0.0.1",
    port: 0,
    certificate: caCertificate,
    privateKey: readFileSync(join(folder, certificateFiles.key), "utf8"),
    alpn: [alpnNode],
    earlyData: true,
    onConnection,
  });
  test.after(() => listener.close(closeCodes.done, "test over"));
  const address = { host: "127.0.0.1", port: listener.port, serverName: "localhost", trust: { caCertificate } };
  return { address, accepted: () => accepted };
}

test("a call that is over before its connection's handshake leaves the connection to it: nothing is dialled anew", async () => {
  await using server = await startServerProcess({ settings: { "log-level": "warn" } });
  let connections = 0;
  const retried: string[] = [];
  const { options, given } = rigOf(addressOf(server));
  using client = new ReconnectingClient({
    ...options,
    onConnect: () => {
      connections += 1;
    },
    onRetry: ({ code }) => {
      retried.push(code);
      process.kill(server.pid, "SIGCONT");
    },
  });
  await client.call("health", {});
  await given();
  client.current?.close();
  process.kill(server.pid, "SIGSTOP");
  assert.equal((await client.call("health", {}, { timeoutMs: 1_000 })).status, "ok");
  assert.deepEqual(retried, ["E028_DEADLINE"]);
  assert.equal(connections, 2);
});

test("a call most of whose time the handshake took leaves the connection to the next try", async (t) => {
  const isRetried = Promise.withResolvers<void>();
  const { address, accepted } = await startHealth(t, async (connection) => {
    if (connection > 1) await isRetried.promise;
  });
  await using relay = await SeededRelay.open(address);
  const { options, given } = rigOf({ ...address, port: relay.port });
  using client = new ReconnectingClient({ ...options, onRetry: () => isRetried.resolve() });
  await client.call("health", {});
  await given();
  client.current?.close();
  // the server's first flight comes when the client asks again for it, after 1 s
  relay.hold();
  let initials = 0;
  relay.toServer = (datagram) => {
    if (((datagram[0] ?? 0) & 0xf0) === 0xc0 && ++initials === 2) relay.release();
    return [datagram];
  };
  assert.equal((await client.call("health", {}, { timeoutMs: 1_500 })).status, "ok");
  assert.equal(accepted(), 2);
});

test("after a connection on which no call was answered the next one waits for its handshake, and those behind it do not", async (t) => {
  const { address } = await startHealth(t, async (connection) => {
    if (connection === 2) await new Promise(() => undefined);
  });
  const began: string[] = [];
  const { options, given } = rigOf(address);
  using client = new ReconnectingClient({
    ...options,
    onConnect: ({ established }) => began.push(established ? "established" : "early"),
  });
  for (let connection = 1; connection <= 3; connection++) {
    await client.call("health", {}, { timeoutMs: 1_000 });
    await given();
    client.current?.close();
  }
  assert.deepEqual(began, ["established", "early", "established", "early"]);
});
