/** Capabilities in messages, both ways: references, order, pipelining, embargoes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type Answer, Capability, MethodTable, RpcError, RpcSession, serve } from "../src/index.ts";
import type { StructReader } from "../src/message/index.ts";
import { connected, emptyTables, onlyBootstrap, turn, until } from "./connected.ts";
import { pipe } from "./pipe.ts";
import { Session, TestPeer, TestServer, TestWatcher, Watcher } from "../testing/test-peer.ts";

const noFill = (): void => {};

function notify(watcher: Capability, n: number): Answer<StructReader> {
  return watcher.call(Watcher.notify, (p) => p.setUint32(0, n));
}

test("an object in results can be called, and is disposed when its last reference is", async () => {
  const { peer, host } = connected();
  const user = (await peer.call(TestPeer.login, (p) => p.setText(0, "al"))).getCapability(0) as Capability;
  using second = user.dup();
  assert.equal((await user.call(Session.whoami, noFill)).getText(0), "al");
  user[Symbol.dispose]();
  user[Symbol.dispose]();
  await turn();
  assert.equal(host.sessions, 1);
  await assert.rejects(Promise.resolve(user.call(Session.whoami, noFill)), /disposed/);
  assert.equal((await second.call(Session.whoami, noFill)).getText(0), "al");
  second[Symbol.dispose]();
  await turn();
  assert.equal(host.sessions, 0);
});

test("disposing an answer releases the capabilities in it", async () => {
  const { peer, host, client } = connected();
  {
    using answer = peer.call(TestPeer.login, (p) => p.setText(0, "al"));
    await answer;
    assert.equal(host.sessions, 1);
  }
  await turn();
  assert.equal(host.sessions, 0);
  assert.deepEqual(client.counts, onlyBootstrap);
});

test("a capability that is forgotten is released when it is collected", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const { peer, host } = connected();
  for (let n = 0; n < 100; n++) await peer.call(TestPeer.login, (p) => p.setText(0, "al"));
  assert.ok(host.sessions > 0);
  await until(
    () => host.sessions === 0,
    () => {
      collect();
      return turn();
    },
  );
});

test("a call is pipelined on an answer before it is there, and afterwards", async () => {
  const { peer, host } = connected();
  using login = peer.call(TestPeer.slowLogin, (p) => p.setText(0, "eve"));
  using early = login.pipeline(0);
  const names = Array.from({ length: 100 }, () => early.call(Session.whoami, noFill));
  await turn();
  host.gate.open();
  for (const name of names) assert.equal((await name).getText(0), "eve");
  using late = login.pipeline(0);
  assert.equal((await late.call(Session.whoami, noFill)).getText(0), "eve");
});

test("a pipelined call does not wait for a round trip", async () => {
  const { peer, client, server, serverEnd } = connected();
  await peer.call(TestPeer.counts, noFill);
  await turn();
  serverEnd.hold();
  using user = peer.call(TestPeer.login, (p) => p.setText(0, "al")).pipeline(0);
  await turn();
  const ofLogin = serverEnd.waitingBytes;
  const name = user.call(Session.whoami, noFill);
  await turn();
  assert.equal(client.counts.questions, 2, "no answer has arrived");
  assert.ok(serverEnd.waitingBytes > ofLogin && ofLogin > 0, "both have been answered");
  assert.equal(server.counts.answers, 1, "on the name's answer nothing can be pipelined any more");
  serverEnd.letGo();
  assert.equal((await name).getText(0), "al");
});

test("a call pipelined on a failed answer, or on what is no capability, fails alone", async () => {
  const { peer } = connected();
  using failed = peer.call(TestPeer.failLogin, noFill).pipeline(0);
  await assert.rejects(Promise.resolve(failed.call(Session.whoami, noFill)), { type: "unimplemented" });
  // the first has gone by then, as results without capabilities do when nobody has pipelined on them yet
  const noCapability = /null capability|the answer .* is over/;
  using data = peer.call(TestPeer.echo, (p) => p.setData(0, new Uint8Array(3))).pipeline(0);
  await assert.rejects(Promise.resolve(data.call(Session.whoami, noFill)), noCapability);
  using missing = peer.call(TestPeer.echo, noFill).pipeline(7, 3);
  await assert.rejects(Promise.resolve(missing.call(Session.whoami, noFill)), noCapability);
  await peer.call(TestPeer.echo, noFill);
});

test("a chain of calls each pipelined on the one before is run without growing the stack", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const next = new MethodTable();
  next.method(TestPeer.reflect, (_params, results) => results.setCapability(0, next));
  const bootstrap = new MethodTable().method(TestPeer.slowReflect, async (_params, results) => {
    await promise;
    results.setCapability(0, next);
  });
  const { peer, server } = connected({ server: { bootstrap } });
  let answer = peer.call(TestPeer.slowReflect, noFill);
  for (let n = 0; n < 1000; n++) answer = answer.pipeline(0).call(TestPeer.reflect, noFill);
  await turn();
  assert.equal(server.counts.queuedCalls, 1000);
  resolve();
  assert.ok((await answer).getCapability(0) instanceof Capability);
});

test("a server calls back an object of the client, in order, and gives it back", async () => {
  const { peer, client } = connected();
  const watcher = new TestWatcher();
  const results = await peer.call(TestPeer.watch, (p) => {
    p.setCapability(0, watcher.server);
    p.setUint32(0, 50);
  });
  assert.equal(results.getUint32(0), 50);
  assert.deepEqual(
    watcher.seen,
    Array.from({ length: 50 }, (_, n) => n),
  );
  await turn();
  assert.equal(watcher.disposals, 1);
  assert.equal(client.counts.exports, 0);
});

test("a parameter's capability lives on when the handler keeps its own reference", async () => {
  const { peer, client } = connected();
  const watcher = new TestWatcher();
  await peer.call(TestPeer.keep, (p) => p.setCapability(0, watcher.server));
  await peer.call(TestPeer.notifyKept, (p) => p.setUint32(0, 7));
  assert.deepEqual(watcher.seen, [7]);
  assert.equal(client.counts.exports, 1);
  await peer.call(TestPeer.dropKept, noFill);
  await turn();
  assert.equal(client.counts.exports, 0);
  assert.equal(watcher.disposals, 1);
});

test("an object passed many times is one export with as many references", async () => {
  const { peer, client } = connected();
  const watcher = new TestWatcher();
  const calls = Array.from({ length: 10 }, () =>
    peer.call(TestPeer.reflect, (p) => p.setCapability(0, watcher.server)),
  );
  await Promise.all(calls);
  assert.ok(client.counts.exports <= 1);
  for (const call of calls) call[Symbol.dispose]();
  await turn();
  assert.equal(client.counts.exports, 0);
  assert.equal(watcher.disposals, 1);
});

test("our own object comes back as itself and is called without the network", async () => {
  const { peer, clientEnd } = connected();
  const watcher = new TestWatcher();
  const answer = peer.call(TestPeer.reflect, (p) => p.setCapability(0, watcher.server));
  const reflected = (await answer).getCapability(0) as Capability;
  await turn();
  const written = clientEnd.writtenBytes;
  await notify(reflected, 4);
  assert.equal(clientEnd.writtenBytes, written);
  assert.deepEqual(watcher.seen, [4]);
});

test("calls through an answer that turns out to be our own object wait for those before them", async () => {
  const { peer, clientEnd, host } = connected();
  const watcher = new TestWatcher();
  const answer = peer.call(TestPeer.slowReflect, (p) => p.setCapability(0, watcher.server));
  using reflected = answer.pipeline(0);
  const early = [notify(reflected, 1), notify(reflected, 2)];
  await turn();
  clientEnd.hold(); // the Disembargo will not reach the server
  host.gate.open();
  await answer;
  const late = [notify(reflected, 3), notify(reflected, 4)];
  await turn();
  assert.deepEqual(watcher.seen, [1, 2]);
  clientEnd.letGo();
  await Promise.all([...early, ...late]);
  assert.deepEqual(watcher.seen, [1, 2, 3, 4]);
});

test("calls under an embargo are not let through before it ends, and fail when the session does", async () => {
  const { peer, client, serverEnd, host } = connected();
  const watcher = new TestWatcher();
  const answer = peer.call(TestPeer.slowReflect, (p) => p.setCapability(0, watcher.server));
  using reflected = answer.pipeline(0);
  const early = notify(reflected, 1);
  await turn();
  host.gate.open();
  await answer;
  serverEnd.hold();
  const late = notify(reflected, 2);
  await turn();
  client.close();
  await assert.rejects(Promise.resolve(late), { type: "disconnected" });
  await assert.rejects(Promise.resolve(early), { type: "disconnected" });
});

test("a capability that is not there yet can be passed to the peer that will answer it", async () => {
  const { peer, host } = connected();
  using login = peer.call(TestPeer.slowLogin, (p) => p.setText(0, "eve"));
  using user = login.pipeline(0);
  const back = peer.call(TestPeer.reflect, (p) => p.setCapability(0, user));
  await turn();
  host.gate.open();
  const reflected = (await back).getCapability(0) as Capability;
  assert.equal((await reflected.call(Session.whoami, noFill)).getText(0), "eve");
});

test("a capability of one session passed on in another is called through both", async () => {
  const first = connected();
  const second = connected();
  const user = (await first.peer.call(TestPeer.login, (p) => p.setText(0, "al"))).getCapability(0) as Capability;
  await second.peer.call(TestPeer.keep, (p) => p.setCapability(0, user));
  user[Symbol.dispose]();
  const kept = second.host.kept as Capability;
  assert.equal((await kept.call(Session.whoami, noFill)).getText(0), "al");
  await assert.rejects(Promise.resolve(kept.call(Watcher.notify, noFill)), { type: "unimplemented" });
  kept[Symbol.dispose]();
  await turn();
  assert.equal(first.host.sessions, 0);
  assert.deepEqual(first.client.counts, onlyBootstrap);
});

test("a cancellation goes through a session in the middle", async () => {
  const far = connected();
  const near = connected({ server: { bootstrap: far.peer } });
  const pending = near.peer.call(TestPeer.never, noFill);
  await turn();
  assert.equal(far.host.calls.length, 1);
  pending.cancel();
  await turn();
  assert.equal(far.host.canceled, 1);
});

test("calls through a session in the middle stay in order, with capabilities in them", async () => {
  const far = connected();
  const near = connected({ server: { bootstrap: far.peer } });
  await Promise.all(
    Array.from({ length: 100 }, (_, n) => near.peer.call(TestPeer.sequence, (p) => p.setUint32(0, n + 1))),
  );
  const watcher = new TestWatcher();
  await near.peer.call(TestPeer.watch, (p) => {
    p.setCapability(0, watcher.server);
    p.setUint32(0, 3);
  });
  assert.deepEqual(watcher.seen, [0, 1, 2]);
  using user = near.peer.call(TestPeer.login, (p) => p.setText(0, "eve")).pipeline(0);
  assert.equal((await user.call(Session.whoami, noFill)).getText(0), "eve");
});

test("a bootstrap capability serves several sessions and is disposed after the last", async () => {
  let disposals = 0;
  const bootstrap = new MethodTable({ onDispose: () => disposals++ }).method(TestPeer.echo, noFill);
  const sessions = [1, 2].map(() => {
    const [left, right] = pipe();
    new RpcSession(right, { bootstrap });
    return new RpcSession(left);
  });
  for (const session of sessions) await session.bootstrap().call(TestPeer.echo, noFill);
  sessions[0]?.close();
  await turn();
  assert.equal(disposals, 0);
  sessions[1]?.close();
  await turn();
  assert.equal(disposals, 1);
});

test("what a capability field is given that is no capability fails the call, and that alone", async () => {
  const bootstrap = new MethodTable()
    .method(TestPeer.login, (_params, results) => results.setCapability(0, { user: "al" }))
    .method(TestPeer.echo, noFill);
  const { peer } = connected({ server: { bootstrap } });
  await assert.rejects(Promise.resolve(peer.call(TestPeer.reflect, (p) => p.setCapability(0, 7))), TypeError);
  await assert.rejects(Promise.resolve(peer.call(TestPeer.login, noFill)), { message: "internal" });
  await peer.call(TestPeer.echo, noFill);
});

test("an object put into results that are not sent is disposed", async () => {
  let disposals = 0;
  const object = () => new MethodTable({ onDispose: () => disposals++ });
  const bootstrap = new MethodTable().method(TestPeer.login, (_params, results) => {
    results.setCapability(0, object());
    throw new RpcError("failed", "changed my mind");
  });
  const { peer } = connected({ server: { bootstrap } });
  await assert.rejects(Promise.resolve(peer.call(TestPeer.login, noFill)), /changed my mind/);
  assert.equal(disposals, 1);
  const failing = peer.call(TestPeer.reflect, (p) => {
    p.setCapability(0, object());
    throw new Error("not this one");
  });
  await assert.rejects(Promise.resolve(failing), /not this one/);
  assert.equal(disposals, 2);
});

test("a local capability can be pipelined on before its call has run", async () => {
  using local = serve(new TestServer().server);
  using user = local.call(TestPeer.login, (p) => p.setText(0, "al")).pipeline(0);
  assert.equal((await user.call(Session.whoami, noFill)).getText(0), "al");
});

test("everything is given back when a session ends", async () => {
  const { peer, host, client, server } = connected();
  const watcher = new TestWatcher();
  await peer.call(TestPeer.keep, (p) => p.setCapability(0, watcher.server));
  await peer.call(TestPeer.login, (p) => p.setText(0, "al"));
  peer.call(TestPeer.never, noFill);
  await turn();
  client.close();
  await server.closed;
  await turn();
  assert.deepEqual([host.sessions, host.canceled, watcher.disposals], [0, 1, 1]);
  assert.deepEqual(client.counts, emptyTables);
  assert.deepEqual(server.counts, emptyTables);
});
