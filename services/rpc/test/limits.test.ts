/** Every limit of a session, met on purpose: what it does, and that nothing is kept beyond it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type Capability, MethodTable, type RpcLimits, serve } from "../src/index.ts";
import type { StructBuilder } from "../src/message/index.ts";
import * as messages from "../src/outgoing-messages.ts";
import { sendResultsTo } from "../src/rpc-layout.ts";
import { connected, emptyTables, onlyBootstrap, turn, until } from "./connected.ts";
import { callFrame, type RawPeer, rawPeer, resultsToAt } from "./raw-peer.ts";
import { Session, struct, TestPeer, TestServer, TestWatcher } from "../testing/test-peer.ts";

const noFill = (): void => {};
const toBootstrap = { importId: 0 };

function attacked(limits: Partial<RpcLimits>): RawPeer {
  const raw = rawPeer({ bootstrap: new TestServer().server, limits });
  raw.bootstrap(0);
  return raw;
}

test("callsInFlightMax: a call beyond is answered overloaded, and works again when one has ended", async () => {
  const { peer, host } = connected({ server: { limits: { callsInFlightMax: 3 } } });
  const running = Array.from({ length: 3 }, () => peer.call(TestPeer.never, noFill));
  await assert.rejects(Promise.resolve(peer.call(TestPeer.echo, noFill)), { type: "overloaded", message: /3 calls/ });
  running[0]?.cancel();
  await turn();
  assert.equal(host.canceled, 1);
  await peer.call(TestPeer.echo, noFill);
});

test("callsInFlightMax counts a canceled call until its handler has ended", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const bootstrap = new MethodTable().method(TestPeer.never, () => promise).method(TestPeer.echo, noFill);
  const { peer } = connected({ server: { bootstrap, limits: { callsInFlightMax: 2 } } });
  for (let n = 0; n < 2; n++) peer.call(TestPeer.never, noFill).cancel();
  await assert.rejects(Promise.resolve(peer.call(TestPeer.echo, noFill)), { type: "overloaded" });
  resolve();
  await turn();
  await peer.call(TestPeer.echo, noFill);
});

test("a call that is refused gives the capabilities of its parameters back", async () => {
  const { peer, client } = connected({ server: { limits: { callsInFlightMax: 0 } } });
  const watcher = new TestWatcher();
  const refused = peer.call(TestPeer.keep, (p) => p.setCapability(0, watcher.server));
  await assert.rejects(Promise.resolve(refused), { type: "overloaded" });
  assert.equal(watcher.disposals, 1);
  assert.equal(client.counts.exports, 0);
});

test("callBytesInFlightMax: calls beyond are overloaded, but a single one always runs", async () => {
  const { peer, host } = connected({ server: { limits: { callBytesInFlightMax: 1000 } } });
  const large = (p: StructBuilder): void => p.setData(0, new Uint8Array(2000));
  const slow = peer.call(TestPeer.slowReflect, noFill);
  await turn();
  await assert.rejects(Promise.resolve(peer.call(TestPeer.echo, large)), { type: "overloaded", message: /1000 bytes/ });
  host.gate.open();
  await slow;
  assert.equal((await peer.call(TestPeer.echo, large)).getData(0).length, 2000);
});

test("callBytesInFlightMax counts only calls that run", async () => {
  const { peer } = connected({ server: { limits: { callBytesInFlightMax: 5000 } } });
  peer.call(TestPeer.never, noFill);
  for (let n = 0; n < 10; n++) await peer.call(TestPeer.echo, (p) => p.setData(0, new Uint8Array(2000)));
});

test("queuedCallsMax: a flood of pipelined calls is refused beyond it, the first ones are served", async () => {
  const { peer, host, server } = connected({ server: { limits: { queuedCallsMax: 10 } } });
  using user = peer.call(TestPeer.slowLogin, (p) => p.setText(0, "al")).pipeline(0);
  const names = Array.from({ length: 30 }, () => user.call(Session.whoami, noFill));
  const outcomes = Promise.allSettled(names);
  await turn();
  assert.equal(server.counts.queuedCalls, 10);
  host.gate.open();
  const served = (await outcomes).map(({ status }) => status === "fulfilled");
  assert.deepEqual(served, [...Array(10).fill(true), ...Array(20).fill(false)]);
  assert.equal(server.counts.queuedCalls, 0);
  await assert.rejects(Promise.resolve(names[29]), { type: "overloaded" });
});

test("answersMax: a peer that never finishes its calls is aborted", async () => {
  const raw = attacked({ answersMax: 5 });
  for (let id = 1; id <= 5; id++) raw.call({ questionId: id, to: toBootstrap, method: TestPeer.failLogin });
  await raw.assertAborted(/more than 5 calls not finished/);
  assert.equal(raw.bodies("return").length, 5, "those before were answered");
});

test("answersMax holds for refused calls too: refusing needs no memory without end", async () => {
  const raw = attacked({ answersMax: 100, callsInFlightMax: 0 });
  for (let id = 1; id <= 100; id++) raw.call({ questionId: id, to: toBootstrap, method: TestPeer.echo });
  await raw.assertAborted(/more than 100 calls not finished/);
});

test("resultBytesKeptMax: results with capabilities that are never finished are not kept without end", async () => {
  const bootstrap = new MethodTable().method({ ...TestPeer.login, results: struct(0, 2) }, (_params, results) => {
    results.setCapability(0, new MethodTable());
    results.setData(1, new Uint8Array(1000));
  });
  const raw = rawPeer({ bootstrap, limits: { resultBytesKeptMax: 5000 } });
  raw.bootstrap(0);
  for (let id = 1; id <= 10; id++) raw.call({ questionId: id, to: toBootstrap, method: TestPeer.login });
  await raw.assertAborted(/more than 5000 bytes of results/);
  const fair = rawPeer({ bootstrap, limits: { resultBytesKeptMax: 5000 } });
  fair.bootstrap(0);
  for (let id = 1; id <= 20; id++) {
    fair.call({ questionId: id, to: toBootstrap, method: TestPeer.login });
    fair.finish(id, true);
  }
  await turn();
  assert.equal(fair.bodies("return").length, 21);
});

test("resultBytesKeptMax holds for results that stay here for another Return to take", async () => {
  const raw = attacked({ resultBytesKeptMax: 5000 });
  for (let id = 1; id <= 10; id++) {
    const fill = (p: StructBuilder): void => p.setData(0, new Uint8Array(1000));
    const frame = callFrame({ questionId: id, to: toBootstrap, method: TestPeer.echo, fill });
    frame[resultsToAt] = sendResultsTo.yourself;
    raw.send(frame);
  }
  await raw.assertAborted(/more than 5000 bytes of results/);
});

test("questionsMax: a call of ours beyond is rejected as overloaded and not sent", async () => {
  const { peer, client } = connected({ client: { limits: { questionsMax: 3 } } });
  await peer.call(TestPeer.echo, noFill);
  const running = Array.from({ length: 3 }, () => peer.call(TestPeer.never, noFill));
  await assert.rejects(Promise.resolve(peer.call(TestPeer.echo, noFill)), { type: "overloaded" });
  await assert.rejects(Promise.resolve(client.bootstrap().call(TestPeer.echo, noFill)), { type: "overloaded" });
  assert.equal(client.counts.questions, 3);
  for (const call of running) call.cancel();
  await turn();
  await peer.call(TestPeer.echo, noFill);
});

test("exportsMax: results or parameters that would add one fail, and what they held is disposed", async () => {
  const limits = { exportsMax: 3 };
  const { peer, host, client, server } = connected({ client: { limits }, server: { limits } });
  const logins = [1, 2].map(() => peer.call(TestPeer.login, noFill));
  await Promise.all(logins);
  await assert.rejects(Promise.resolve(peer.call(TestPeer.login, noFill)), { type: "overloaded" });
  assert.equal(host.sessions, 2);
  assert.equal(server.counts.exports, 3);
  const watchers = Array.from({ length: 4 }, () => new TestWatcher());
  const calls = watchers.map((watcher) => peer.call(TestPeer.slowReflect, (p) => p.setCapability(0, watcher.server)));
  await assert.rejects(Promise.resolve(calls[3]), { type: "overloaded" });
  assert.equal(watchers[3]?.disposals, 1);
  assert.equal(client.counts.exports, 3);
  for (const login of logins) login[Symbol.dispose]();
  await turn();
  assert.equal((await peer.call(TestPeer.login, noFill)).getText(0 + 1), "");
});

test("exportsMax met in the middle of a message takes back what that message had added", async () => {
  const { peer, client } = connected({ client: { limits: { exportsMax: 2 } } });
  const wide = { ...TestPeer.keep, params: struct(0, 3) };
  const watchers = Array.from({ length: 3 }, () => new TestWatcher());
  const refused = peer.call(wide, (p) => {
    for (const [index, watcher] of watchers.entries()) p.setCapability(index, watcher.server);
  });
  await assert.rejects(Promise.resolve(refused), { type: "overloaded" });
  assert.equal(client.counts.exports, 0);
  assert.deepEqual(
    watchers.map((watcher) => watcher.disposals > 0),
    [true, true, true],
  );
});

test("importsMax: a peer that sends capabilities without end is aborted", async () => {
  const raw = attacked({ importsMax: 10 });
  for (let id = 1; id <= 11; id++) {
    raw.call({
      questionId: id,
      to: toBootstrap,
      method: TestPeer.slowReflect,
      fill: (p) => p.setCapability(0, "the first"),
      capabilities: [{ kind: "senderHosted", id }],
    });
  }
  await raw.assertAborted(/more than 10 capabilities/);
  assert.deepEqual(raw.session.counts, emptyTables);
});

test("capsPerMessageMax: a message with more aborts, one of ours with more fails", async () => {
  const raw = attacked({ capsPerMessageMax: 4 });
  const capabilities = Array.from({ length: 5 }, () => ({ kind: "none" }) as const);
  raw.call({ questionId: 1, to: toBootstrap, method: TestPeer.echo, capabilities });
  await raw.assertAborted(/more than 4 capabilities in one message/);
  const { peer } = connected({ client: { limits: { capsPerMessageMax: 1 } } });
  const wide = { ...TestPeer.keep, params: struct(0, 2) };
  using watcher = serve(new TestWatcher().server);
  const refused = peer.call(wide, (p) => {
    p.setCapability(0, watcher);
    p.setCapability(1, watcher);
  });
  await assert.rejects(Promise.resolve(refused), /more than 1 capabilities/);
});

test("pipelineDepthMax: a longer path aborts", async () => {
  const raw = attacked({ pipelineDepthMax: 3 });
  raw.call({ questionId: 1, to: toBootstrap, method: TestPeer.slowLogin });
  raw.call({ questionId: 2, to: { questionId: 1, path: [0, 0, 0, 0] }, method: Session.whoami });
  await raw.assertAborted(/deeper than 3/);
});

test("pipelineDepthMax counts steps that do nothing", async () => {
  const raw = attacked({ pipelineDepthMax: 3 });
  raw.call({ questionId: 1, to: toBootstrap, method: TestPeer.slowLogin });
  const frame = messages.startCall(
    { questionId: 2, to: { questionId: 1, path: [0, 0, 0, 0] }, interfaceId: 1n, methodId: 0 },
    4096,
  );
  const bytes = frame.builder.toFrame();
  for (let at = 0; at < bytes.length; at += 8) {
    // Each step is one word: tag 1 (getPointerField), field 0.
    if (bytes.subarray(at, at + 8).join() === "1,0,0,0,0,0,0,0") bytes[at] = 0;
  }
  raw.send(bytes);
  await raw.assertAborted(/deeper than 3/);
});

test("outBytesBusy: a peer that asks and does not read is not read either", async () => {
  const limits = { outBytesBusy: 10_000 };
  const { peer, client, clientEnd, serverEnd, host } = connected({ highWaterBytes: 1000, server: { limits } });
  await peer.call(TestPeer.counts, noFill);
  serverEnd.hold();
  const payload = new Uint8Array(2000);
  const echo = () => peer.call(TestPeer.echo, (p) => p.setData(0, payload));
  const calls: ReturnType<typeof echo>[] = [];
  while (!serverEnd.isPaused) {
    assert.ok(calls.length < 50, "the server should have stopped reading");
    calls.push(echo());
    await turn();
  }
  const { last } = host;
  const waiting = peer.call(TestPeer.sequence, (p) => p.setUint32(0, 1));
  await turn();
  assert.equal(host.last, last);
  assert.ok(clientEnd.waitingBytes > 0);
  serverEnd.letGo();
  await Promise.all(calls);
  await waiting;
  assert.deepEqual({ ...client.counts, questions: 0 }, onlyBootstrap);
});

test("outBytesBusy: a server that waits for the peer's answers goes on reading and refuses its calls", async () => {
  const limits = { outBytesBusy: 10_000 };
  const { peer, serverEnd, host } = connected({ highWaterBytes: 1000, server: { limits } });
  const hanging = new MethodTable().method(TestPeer.never, () => new Promise<void>(() => {}));
  await peer.call(TestPeer.keep, (p) => p.setCapability(0, hanging));
  (host.kept as Capability).call(TestPeer.never, noFill);
  await turn();
  serverEnd.hold();
  const payload = new Uint8Array(2000);
  const calls = Array.from({ length: 20 }, () => peer.call(TestPeer.echo, (p) => p.setData(0, payload)));
  const outcomes = Promise.allSettled(calls);
  await turn();
  assert.equal(serverEnd.isPaused, false);
  serverEnd.letGo();
  const refused = (await outcomes).filter(({ status }) => status === "rejected");
  assert.ok(refused.length > 0 && refused.length < 20);
  for (const outcome of refused) assert.equal(outcome.status === "rejected" && outcome.reason.type, "overloaded");
});

test("outBytesMax: a peer too slow to be served loses its session", async () => {
  const limits = { outBytesMax: 100_000 };
  const { peer, server, serverEnd } = connected({ highWaterBytes: 1000, server: { limits } });
  await peer.call(TestPeer.counts, noFill);
  serverEnd.hold();
  const payload = new Uint8Array(2000);
  const calls = Array.from({ length: 200 }, () => peer.call(TestPeer.echo, (p) => p.setData(0, payload)));
  const outcomes = Promise.allSettled(calls);
  assert.match((await server.closed).reason, /does not read/);
  assert.ok(serverEnd.waitingBytes < 70_000, "one chunk and the Abort; what waited behind was let go");
  serverEnd.letGo();
  await outcomes;
});

test("outBytesMax: our own calls to a peer that does not read are rejected at half of it", async () => {
  const limits = { outBytesMax: 100_000 };
  const { peer, client, clientEnd } = connected({ highWaterBytes: 1000, client: { limits } });
  await peer.call(TestPeer.counts, noFill);
  clientEnd.hold();
  peer.call(TestPeer.echo, (p) => p.setData(0, new Uint8Array(2000)));
  await turn();
  const payload = new Uint8Array(2000);
  const calls = Array.from({ length: 100 }, () => peer.call(TestPeer.echo, (p) => p.setData(0, payload)));
  const outcomes = Promise.allSettled(calls);
  await turn();
  clientEnd.letGo();
  const accepted = (await outcomes).filter(({ status }) => status === "fulfilled").length;
  assert.ok(accepted >= 20 && accepted <= 27, `${accepted} were accepted`);
  await assert.rejects(Promise.resolve(calls[99]), { type: "overloaded" });
  await peer.call(TestPeer.echo, noFill);
  assert.deepEqual(client.counts, onlyBootstrap);
});

test("an answered call that is never finished keeps neither its parameters nor its results", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const bootstrap = new MethodTable().method(TestPeer.echo, (params, results, call) => {
    call.onFinished(() => undefined);
    results.setData(0, params.getData(0));
  });
  const raw = rawPeer({ bootstrap });
  raw.end.onData = undefined;
  raw.bootstrap(0);
  const fill = (p: StructBuilder): void => p.setData(0, new Uint8Array(256 << 10));
  for (let id = 1; id <= 200; id++) {
    raw.call({ questionId: id, to: toBootstrap, method: TestPeer.echo, fill });
    await turn();
  }
  assert.equal(raw.session.counts.answers, 201);
  const keptMiB = () => process.memoryUsage().arrayBuffers / (1 << 20);
  await until(
    () => keptMiB() < 20,
    () => {
      collect();
      return turn();
    },
  );
});

test("reasonLengthMax: longer reasons are cut", async () => {
  const { peer } = connected({ server: { limits: { reasonLengthMax: 10 } } });
  const failed = peer.call(TestPeer.fail, (p) => p.setText(0, "x".repeat(100)));
  await assert.rejects(Promise.resolve(failed), { message: "x".repeat(10) });
});
