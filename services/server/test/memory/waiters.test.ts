/** What a parked fetchWait costs the server, over real connections. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { RawClient } from "../e2e/raw-client.ts";
import { startMeasuredServer } from "./measured.ts";

const connections = 10;
const waitersEach = 2_000;
const waiters = connections * waitersEach;

/** 100,000 on 50 connections took 934 bytes each (Node 26.10): with promises from the look to the wire it was 2,020. */
const bytesMax = 1_536;

async function waitersOf(opsPort: number): Promise<number> {
  const page = await (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text();
  return Number(/^qpq_waiters (\d+)$/m.exec(page)?.[1]);
}

/** On inboxes of their own. */
async function park(client: RawClient): Promise<void> {
  for (let i = 0; i < waitersEach; i++) {
    const waiting = client.start("fetchWait", { recipientKey: randomBytes(32), timeoutMs: 300_000n });
    waiting.then(undefined, () => undefined);
  }
  await client.session.writable;
}

test(`a parked fetchWait costs the server at most ${bytesMax} bytes, on its heap and outside it`, async (t) => {
  await using server = await startMeasuredServer();
  using clients = new DisposableStack();
  const opened: RawClient[] = [];
  for (let i = 0; i < connections; i++) opened.push(clients.use(await RawClient.connect(server.keys)));
  const before = await server.bytes();
  for (const client of opened) await park(client);
  // a peek is answered behind the looks before it
  do for (const client of opened) await client.call("peek", { recipientKey: randomBytes(32) });
  while ((await waitersOf(server.opsPort)) < waiters);
  const each = ((await server.bytes()) - before) / waiters;
  t.diagnostic(`${each.toFixed(0)} bytes each`);
  assert.equal(await waitersOf(server.opsPort), waiters);
  assert.ok(each <= bytesMax, `${each} bytes each`);
});
