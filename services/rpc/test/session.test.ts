/** The life of a session: its ends, lines that break at any byte, writes that are gathered or held back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Capability, MethodTable, RpcError, RpcSession } from "../src/index.ts";
import * as messages from "../src/outgoing-messages.ts";
import { connected, emptyTables, turn } from "./connected.ts";
import { pipe } from "./pipe.ts";
import { rawPeer } from "./raw-peer.ts";
import { Session, TestPeer, TestWatcher, Watcher } from "../testing/test-peer.ts";

const noFill = (): void => {};

test("close rejects what waits at both ends, and both learn why", async () => {
  const closed: RpcError[] = [];
  const { peer, client, server, host } = connected({ server: { onClose: (error) => closed.push(error) } });
  const pending = peer.call(TestPeer.never, noFill);
  await turn();
  client.close();
  await assert.rejects(Promise.resolve(pending), { type: "disconnected", message: /closed here/ });
  assert.match((await server.closed).reason, /the peer closed the session/);
  assert.equal(closed.length, 1);
  await turn();
  assert.equal(host.canceled, 1);
  for (const session of [client, server]) assert.deepEqual(session.counts, emptyTables);
});

test("calls after the end are rejected at once, capabilities of the session too", async () => {
  const { peer, client } = connected();
  const user = (await peer.call(TestPeer.login, (p) => p.setText(0, "al"))).getCapability(0) as Capability;
  client.close();
  client.close();
  for (const call of [user.call(Session.whoami, noFill), client.bootstrap().call(TestPeer.echo, noFill)]) {
    await assert.rejects(Promise.resolve(call), { type: "disconnected" });
  }
  user[Symbol.dispose]();
});

test("what was called before close is still sent", async () => {
  const { peer, client, host } = connected();
  await peer.call(TestPeer.counts, noFill);
  peer.call(TestPeer.sequence, (p) => p.setUint32(0, 1));
  client.close();
  await turn();
  assert.equal(host.last, 1);
});

test("a session may be closed by a handler, by fill, and by onClose itself", async () => {
  const sessions: RpcSession[] = [];
  const bootstrap = new MethodTable().method(TestPeer.echo, () => sessions[0]?.close());
  const onClose = (): void => sessions[0]?.close();
  const { peer, client, server } = connected({ server: { bootstrap, onClose } });
  sessions.push(server);
  const pending = peer.call(TestPeer.echo, noFill);
  await assert.rejects(Promise.resolve(pending), { type: "disconnected" });
  await client.closed;
  const second = connected();
  const refused = second.peer.call(TestPeer.reflect, (p) => {
    p.setCapability(0, new TestWatcher().server);
    second.client.close();
  });
  await assert.rejects(Promise.resolve(refused), { type: "disconnected" });
  assert.deepEqual(second.client.counts, emptyTables);
});

test("an Abort of the peer ends the session with its reason", async () => {
  const raw = rawPeer();
  raw.send(messages.abort({ type: "overloaded", reason: "too much" }));
  const error = await raw.session.closed;
  assert.deepEqual([error.type, error.reason], ["disconnected", "the peer aborted the session: overloaded: too much"]);
  await turn();
  assert.equal(raw.bodies("abort").length, 0, "an Abort is not answered by one");
  assert.equal(raw.end.isClosed, true);
});

test("a line cut at any byte ends every call once, with results or as disconnected", async () => {
  const whole = connected();
  await exercise(whole.peer);
  whole.client.close();
  await turn();
  const { writtenBytes: toServer } = whole.clientEnd;
  const { writtenBytes: toClient } = whole.serverEnd;
  assert.ok(toServer > 1000 && toClient > 500);
  for (const [side, bytes] of [
    ["clientEnd", toServer],
    ["serverEnd", toClient],
  ] as const) {
    // Every 8th byte is a word's border; 5 more positions fall inside words, headers and texts.
    for (let at = 0; at < bytes; at += at % 8 === 0 ? 5 : 3) {
      const cut = connected();
      cut[side].cutAfter(at);
      await exercise(cut.peer).catch((error: unknown) => {
        assert.ok(error instanceof RpcError, String(error));
        assert.equal(error.type, "disconnected");
      });
      await Promise.all([cut.client.closed, cut.server.closed]);
      await turn();
      assert.deepEqual(cut.client.counts, emptyTables, `cut ${side} at ${at}`);
      assert.deepEqual(cut.server.counts, emptyTables, `cut ${side} at ${at}`);
      assert.equal(cut.host.sessions, 0);
    }
  }
});

/** A bit of everything. */
async function exercise(peer: Capability): Promise<void> {
  const watcher = new TestWatcher();
  const login = peer.call(TestPeer.login, (p) => p.setText(0, "al"));
  using user = login.pipeline(0);
  const reflect = peer.call(TestPeer.reflect, (p) => p.setCapability(0, watcher.server));
  using reflected = reflect.pipeline(0);
  const calls = [
    peer.call(TestPeer.echo, (p) => p.setData(0, new Uint8Array(40))),
    user.call(Session.whoami, noFill),
    reflected.call(Watcher.notify, (p) => p.setUint32(0, 1)),
    peer.call(TestPeer.watch, (p) => {
      p.setCapability(0, watcher.server);
      p.setUint32(0, 2);
    }),
  ];
  await Promise.all(calls);
  login[Symbol.dispose]();
  reflect[Symbol.dispose]();
}

test("a lost stream says why", async () => {
  const { client, clientEnd } = connected();
  clientEnd.cut(new Error("E042_CONNECTION_LOST"));
  assert.match((await client.closed).reason, /lost: E042_CONNECTION_LOST/);
});

test("messages of one turn are written together", async () => {
  const { peer, clientEnd } = connected();
  await peer.call(TestPeer.echo, noFill);
  await turn();
  let writes = 0;
  clientEnd.tap = () => writes++;
  for (let n = 0; n < 50; n++) void Promise.resolve(peer.call(TestPeer.fail, noFill)).catch(() => undefined);
  await turn();
  assert.equal(writes, 2, "50 calls, then 50 finishes");
});

test("the defer option decides when writes are gathered", async () => {
  const flushes: (() => void)[] = [];
  const { peer, clientEnd } = connected({ client: { defer: (flush) => flushes.push(flush) } });
  const answer = peer.call(TestPeer.echo, noFill);
  await turn();
  assert.equal(clientEnd.writtenBytes, 0);
  for (const flush of flushes.splice(0)) flush();
  await answer;
});

test("writable waits while the peer does not read, and everything arrives in order when it does", async () => {
  const { peer, client, clientEnd, host } = connected({ highWaterBytes: 4096 });
  await peer.call(TestPeer.counts, noFill);
  await client.writable;
  clientEnd.hold();
  const calls = Array.from({ length: 500 }, (_, n) => peer.call(TestPeer.sequence, (p) => p.setUint32(0, n + 1)));
  await turn();
  let isWritable = false;
  const writable = client.writable.then(() => (isWritable = true));
  await turn();
  assert.equal(isWritable, false);
  clientEnd.letGo();
  await writable;
  await Promise.all(calls);
  assert.equal(host.last, 500);
});

test("writable does not wait for ever when the session ends", async () => {
  const { peer, client, clientEnd } = connected({ highWaterBytes: 16 });
  clientEnd.hold();
  peer.call(TestPeer.echo, noFill);
  await turn();
  const writable = client.writable;
  client.close();
  await writable;
});

test("large frames are written as they are and keep their place", async () => {
  const { peer, host } = connected();
  const large = new Uint8Array(100_000).fill(1);
  const calls = [];
  for (let n = 1; n <= 20; n++) {
    calls.push(peer.call(TestPeer.sequence, (p) => p.setUint32(0, n)));
    if (n % 3 === 0) calls.push(peer.call(TestPeer.echo, (p) => p.setData(0, large)));
  }
  await Promise.all(calls);
  assert.equal(host.last, 20);
});

test("a session without a bootstrap capability says so and lives on", async () => {
  const [left, right] = pipe();
  const one = new RpcSession(left);
  const other = new RpcSession(right, { bootstrap: new MethodTable().method(TestPeer.echo, noFill) });
  using none = other.bootstrap();
  await assert.rejects(Promise.resolve(none.call(TestPeer.echo, noFill)), /no bootstrap/);
  await one.bootstrap().call(TestPeer.echo, noFill);
});

test("both ends may have a bootstrap capability", async () => {
  const [left, right] = pipe();
  const bootstrap = new MethodTable().method(TestPeer.echo, noFill);
  const sessions = [left, right].map((end) => new RpcSession(end, { bootstrap }));
  for (const session of sessions) await session.bootstrap().call(TestPeer.echo, noFill);
});
