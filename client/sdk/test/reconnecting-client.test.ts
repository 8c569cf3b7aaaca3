/** The client that keeps one connection, against a real server that is too busy to answer. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MemorySessionCache, ReconnectingClient } from "quicproquo-sdk";
import { startServerProcess } from "quicproquo-server/testing";
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
