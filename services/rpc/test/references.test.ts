/** References come out even on the ways where they are easily lost or given back twice. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MethodTable } from "../src/index.ts";
import type { StructBuilder } from "../src/message/index.ts";
import { struct, TestPeer, TestServer, TestWatcher } from "../testing/test-peer.ts";
import { connected, emptyTables, turn } from "./connected.ts";
import { rawPeer } from "./raw-peer.ts";

const noFill = (): void => {};

test("a promised capability passed in a call on itself is released once", async () => {
  let disposals = 0;
  const object = new MethodTable({ onDispose: () => disposals++ }).method(TestPeer.keep, noFill);
  const { promise, resolve } = Promise.withResolvers<void>();
  const bootstrap = new MethodTable().method(TestPeer.slowLogin, async (_params, results) => {
    await promise;
    results.setCapability(0, object);
  });
  const { peer } = connected({ server: { bootstrap } });
  const login = peer.call(TestPeer.slowLogin, noFill);
  const user = login.pipeline(0);
  const kept = user.call(TestPeer.keep, (p) => p.setCapability(0, user));
  await turn();
  resolve();
  await kept;
  await turn();
  assert.equal(disposals, 0, "the caller still holds it");
  await user.call(TestPeer.keep, noFill);
  user[Symbol.dispose]();
  login[Symbol.dispose]();
  await turn();
  assert.equal(disposals, 1);
});

test("a canceled call that waits for what its own parameters hold does not stay", async () => {
  const { peer, host, server } = connected();
  const login = peer.call(TestPeer.never, noFill);
  const user = login.pipeline(0);
  const waiting = user.call(TestPeer.keep, (p) => p.setCapability(0, user));
  await turn();
  assert.equal(server.counts.queuedCalls, 1);
  login.cancel();
  waiting.cancel();
  await turn();
  assert.equal(server.counts.queuedCalls, 0);
  assert.equal(host.canceled, 1, "nobody waits for the first call either");
});

test("such a call does not stay when the session ends", async () => {
  const raw = rawPeer({ bootstrap: new TestServer().server });
  raw.bootstrap(0);
  raw.call({ questionId: 1, to: { importId: 0 }, method: TestPeer.never });
  const capabilities = [{ kind: "receiverAnswer", questionId: 1, path: [0] }] as const;
  raw.call({ questionId: 2, to: { questionId: 1, path: [0] }, method: TestPeer.keep, capabilities });
  raw.finish(1, true);
  await turn();
  raw.end.cut();
  await raw.session.closed;
  assert.deepEqual(raw.session.counts, emptyTables);
});

test("a finished call that somebody still waits for sees its signal abort when the session ends", async () => {
  const host = new TestServer();
  const raw = rawPeer({ bootstrap: host.server });
  raw.bootstrap(0);
  raw.call({ questionId: 1, to: { importId: 0 }, method: TestPeer.never });
  const capabilities = [{ kind: "receiverAnswer", questionId: 1, path: [] }] as const;
  const fill = (p: StructBuilder): void => p.setCapability(0, "the first");
  raw.call({ questionId: 2, to: { importId: 0 }, method: TestPeer.tailEcho, fill, capabilities });
  raw.finish(1, true);
  await turn();
  assert.equal(host.canceled, 0, "the second call waits for its results");
  raw.end.cut();
  await raw.session.closed;
  await turn();
  assert.equal(host.canceled, 1);
  assert.deepEqual(raw.session.counts, emptyTables);
});

test("the capabilities of a call that breaks the protocol are given back at once", async () => {
  for (const capabilities of [
    [{ kind: "receiverHosted", id: 0 }],
    [
      { kind: "receiverHosted", id: 0 },
      { kind: "receiverHosted", id: 99 },
    ],
  ] as const) {
    let disposals = 0;
    const raw = rawPeer({ bootstrap: new MethodTable({ onDispose: () => disposals++ }) });
    raw.bootstrap(0);
    // the number is in use, or the second capability does not exist
    raw.call({ questionId: capabilities.length - 1, to: { importId: 0 }, method: TestPeer.keep, capabilities });
    await raw.assertAborted(/in use|export 99/);
    assert.equal(disposals, 1);
  }
});

test("an object that was exported on the way to a message that is not sent is disposed once", async () => {
  const { peer, client } = connected({ client: { limits: { exportsMax: 2 } } });
  const watchers = Array.from({ length: 3 }, () => new TestWatcher());
  const refused = peer.call({ ...TestPeer.keep, params: struct(0, 3) }, (p) => {
    for (const [index, watcher] of watchers.entries()) p.setCapability(index, watcher.server);
  });
  await assert.rejects(Promise.resolve(refused), { type: "overloaded" });
  assert.deepEqual(
    watchers.map(({ disposals }) => disposals),
    [1, 1, 1],
  );
  assert.equal(client.counts.exports, 0);
});

test("a session that gathers more than outBytesBusy in one turn goes on reading", async () => {
  const { peer } = connected({ server: { limits: { outBytesBusy: 1_000 } } });
  for (let n = 0; n < 3; n++) await peer.call(TestPeer.echo, (p) => p.setData(0, new Uint8Array(5_000)));
});
