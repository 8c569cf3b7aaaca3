/** Every action does what it measures, against a real server. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type ServerProcess, startServerProcess } from "quicproquo-server/testing";
import type { Action } from "../../src/open-loop/action.ts";
import { actions } from "../../src/open-loop/actions.ts";
import { ConnectionPool } from "../../src/open-loop/connection-pool.ts";
import { addressOf } from "./server-address.ts";

describe("actions", () => {
  let server: ServerProcess;
  before(async () => {
    server = await startServerProcess({ settings: { "log-level": "warn" } });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
  });

  for (const [name, action] of Object.entries<Action>(actions)) {
    test(`${name}: two users, each several times at once, and the connections carried it`, async () => {
      const accessToken = Buffer.from(action.needsToken ? server.token : "");
      using pool = await ConnectionPool.open({ server: addressOf(server), accessToken, connections: 2 });
      const { recipients } = action.defaults;
      const prepared = await action.prepare(pool, { users: 2, payloadBytes: 512, recipients });
      const before = pool.bytes();
      await Promise.all([0, 1, 0, 1].map((user) => prepared.once(user)));
      await prepared.once(0);
      const bytes = pool.bytes();
      assert.ok(bytes.out > before.out && bytes.in > before.in);
      await prepared.close();
    });
  }

  test("resume over a WebSocket, which has no tickets, is refused with what to do", async () => {
    const { websocketPort } = server;
    assert.ok(websocketPort !== undefined);
    const address = { ...addressOf(server), transport: "websocket", websocketPort } as const;
    using pool = await ConnectionPool.open({ server: address, accessToken: Buffer.from(server.token), connections: 0 });
    for (const action of [actions.resume, actions.reconnect]) {
      const prepared = action.prepare(pool, { users: 1, payloadBytes: 0, recipients: 1 });
      await assert.rejects(prepared, { code: "E048_USAGE", message: /--transport quic/ });
    }
  });

  test("a pool dials anew, once, what was lost", async () => {
    const options = { server: addressOf(server), accessToken: Buffer.from(server.token), connections: 1 };
    using pool = await ConnectionPool.open(options);
    const first = await pool.of(0);
    first.close();
    const [second, third] = await Promise.all([pool.of(0), pool.of(1)]);
    assert.notEqual(second, first);
    assert.equal(third, second);
    assert.deepEqual(await second.call("health", {}), { status: "ok" });
  });
});
