/** The client that keeps one connection, against a real server that is too busy to answer. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { alpnNode, methodCodecs } from "quicproquo-proto";
import { MethodTable, RpcSession } from "quicproquo-rpc";
import { MemorySessionCache, ReconnectingClient } from "quicproquo-sdk";
import { certificateFiles, startServerProcess, writeCertificateFiles } from "quicproquo-server/testing";
import { closeCodes, type Connection } from "quicproquo-transport";
import { listenQuic } from "quicproquo-transport/quic";
import { addressOf } from "./person.ts";

test("a call that is over before its connection's handshake leaves the connection to it: nothing is dialled anew", async () => {
  await using server = await startServerProcess({ settings: { "log-level": "warn" } });
  const given = Promise.withResolvers<void>();
  const sessions = new MemorySessionCache();
  const { put } = sessions;
  sessions.put = async (...session) => {
    await put.apply(sessions, session);
    given.resolve();
  };
  let connections = 0;
  const retried: string[] = [];
  using client = new ReconnectingClient({
    server: { ...addressOf(server), transport: "quic" },
    sessions,
    onConnect: () => {
      connections += 1;
    },
    onRetry: ({ code }) => {
      retried.push(code);
      process.kill(server.pid, "SIGCONT");
    },
  });
  await client.call("health", {});
  await given.promise; // so that the next connection begins with early data
  client.current?.close();
  process.kill(server.pid, "SIGSTOP");
  assert.equal((await client.call("health", {}, { timeoutMs: 1_000 })).status, "ok");
  assert.deepEqual(retried, ["E028_DEADLINE"]);
  assert.equal(connections, 2);
});

test("after a connection on which no call was answered the next one waits for its handshake, and those behind it do not", async (t) => {
  const { method, encodeResults } = methodCodecs.health;
  const folder = mkdtempSync(join(tmpdir(), "qpq-deaf-"));
  t.after(() => rmSync(folder, { recursive: true }));
  await writeCertificateFiles(folder);
  const certificate = readFileSync(join(folder, certificateFiles.certificate), "utf8");
  const privateKey = readFileSync(join(folder, certificateFiles.key), "utf8");
  let accepted = 0;
  const onConnection = (connection: Connection): void => {
    const isDeaf = ++accepted === 2;
    const bootstrap = new MethodTable().method(method, async (_params, results) => {
      if (isDeaf) await new Promise(() => undefined);
      encodeResults({ status: "ok" } as never, results);
    });
    connection.onStream = (stream) => void new RpcSession(stream, { bootstrap });
  };
  const listener = await listenQuic({
    host: "127.0.0.1",
    port: 0,
    certificate,
    privateKey,
    alpn: [alpnNode],
    earlyData: true,
    onConnection,
  });
  t.after(() => listener.close(closeCodes.done, "test over"));
  const sessions = new MemorySessionCache();
  const { put } = sessions;
  let given = Promise.withResolvers<void>();
  sessions.put = async (...session) => {
    await put.apply(sessions, session);
    given.resolve();
  };
  const began: string[] = [];
  using client = new ReconnectingClient({
    server: {
      host: "127.0.0.1",
      port: listener.port,
      serverName: "localhost",
      trust: { caCertificate: certificate },
      transport: "quic",
    },
    sessions,
    onConnect: ({ established }) => began.push(established ? "established" : "early"),
  });
  for (let connection = 1; connection <= 3; connection++) {
    given = Promise.withResolvers();
    await client.call("health", {}, { timeoutMs: 1_000 });
    await given.promise;
    client.current?.close();
  }
  assert.deepEqual(began, ["established", "early", "established", "early"]);
});
