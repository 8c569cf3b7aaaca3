/** Objects of a C++ server held by us, ours held by it, and calls on what is not there yet. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Answer, type Capability, serve } from "../src/index.ts";
import { MessageReader, type StructReader } from "../src/message/index.ts";
import { messageTag, payloadAt, returnAt, returnTag } from "../src/rpc-layout.ts";
import { type Connected, type CppServerRig, counts, countsReach, noFill, onlyBootstrap } from "./cpp-server-rig.ts";
import { AdminSession, Session, TestPeer, TestServer, TestWatcher, Watcher } from "./test-peer.ts";
import { turn, until } from "./until.ts";

const noSessions = ({ sessions }: { readonly sessions: number }): boolean => sessions === 0;

export function testCapabilities(rig: CppServerRig): void {
  test("100 calls are pipelined on an answer that is not there yet", async () => {
    await using client = await rig.connected();
    using login = client.peer.call(TestPeer.slowLogin, (p) => p.setText(0, "eve"));
    using user = login.pipeline(0);
    const names = Array.from({ length: 100 }, () => user.call(Session.whoami, noFill));
    await client.peer.call(TestPeer.openGate, noFill);
    for (const whoami of names) assert.equal((await whoami).getText(0), "eve");
  });

  test("methods of an interface and of the one it inherits are called on one object", async () => {
    await using client = await rig.connected();
    using login = client.peer.call(TestPeer.adminLogin, (p) => p.setText(0, "root"));
    using admin = login.pipeline(0);
    const kick = admin.call(AdminSession.kick, (p) => p.setText(0, "eve"));
    assert.equal((await admin.call(AdminSession.whoami, noFill)).getText(0), "root");
    assert.equal((await kick).getText(0), "root without eve");
  });

  test("2,000 objects of the server are gone when we have dropped them", async () => {
    await using client = await rig.connected();
    await countsReach(client.peer, noSessions); // those of the clients before
    for (let n = 0; n < 2000; n++) {
      using login = client.peer.call(TestPeer.login, (p) => p.setText(0, "x"));
      await login;
    }
    await countsReach(client.peer, noSessions);
    assert.deepEqual(client.session.counts, onlyBootstrap);
  });

  test("an object of the server lives as long as we hold it", async () => {
    await using client = await rig.connected();
    await countsReach(client.peer, noSessions); // those of the clients before
    const login = client.peer.call(TestPeer.login, (p) => p.setText(0, "al"));
    const user = (await login).getCapability(0) as Capability;
    assert.equal((await user.call(Session.whoami, noFill)).getText(0), "al");
    assert.equal((await counts(client.peer)).sessions, 1);
    user[Symbol.dispose]();
    await countsReach(client.peer, noSessions);
  });

  test("the server calls our object, during the call and after it, and gives it back when it is done", async () => {
    await using client = await rig.connected();
    const watcher = new TestWatcher();
    const results = await client.peer.call(TestPeer.watch, (p) => {
      p.setCapability(0, watcher.server);
      p.setUint32(0, 20);
    });
    assert.equal(results.getUint32(0), 20);
    await client.peer.call(TestPeer.keep, (p) => p.setCapability(0, watcher.server));
    await client.peer.call(TestPeer.notifyKept, (p) => p.setUint32(0, 20));
    assert.deepEqual(
      watcher.seen,
      Array.from({ length: 21 }, (_, n) => n),
    );
    await client.peer.call(TestPeer.dropKept, noFill);
    await until(
      () => client.session.counts.exports === 0,
      () => counts(client.peer),
    );
    assert.ok(watcher.disposals > 0);
  });

  test("our own object comes back as itself", async () => {
    await using client = await rig.connected();
    const watcher = new TestWatcher();
    using answer = client.peer.call(TestPeer.reflect, (p) => p.setCapability(0, watcher.server));
    using reflected = (await answer).getCapability(0) as Capability;
    const { questions } = client.session.counts;
    const called = notify(reflected, 4);
    assert.equal(client.session.counts.questions, questions, "the call does not go to the server");
    await called;
    assert.deepEqual(watcher.seen, [4]);
  });

  test("calls through an answer that turns out to be our own object wait for those before them", async () => {
    await using client = await rig.connected();
    await counts(client.peer);
    const watcher = new TestWatcher();
    const answered = client.gate.openThrough(isReturnWithCapability);
    using answer = client.peer.call(TestPeer.reflect, (p) => p.setCapability(0, watcher.server));
    using reflected = answer.pipeline(0);
    const early = [notify(reflected, 1), notify(reflected, 2)];
    await answered;
    await answer;
    await overtakeNobody({ client, watcher, early, reflected });
  });

  test("calls through a promise that the server resolves to our own object wait for those before them", async () => {
    await using client = await rig.connected();
    const watcher = new TestWatcher();
    using answer = client.peer.call(TestPeer.promiseReflect, (p) => p.setCapability(0, watcher.server));
    using promised = (await answer).getCapability(0) as Capability;
    // The server has kept its promise before it gets these, and we do not know it yet.
    client.gate.shut();
    const kept = client.gate.arrival(isResolve);
    const opened = client.peer.call(TestPeer.openGate, noFill);
    await kept;
    const early = [notify(promised, 1), notify(promised, 2)];
    await client.gate.openThrough(isResolve);
    await overtakeNobody({ client, watcher, early, reflected: promised });
    await opened;
  });

  test("a call the server passes back to us returns what we answered ourselves", async () => {
    await using client = await rig.connected();
    using self = serve(new TestServer().server);
    const results = await client.peer.call(TestPeer.tailEcho, (p) => {
      p.setCapability(0, self);
      p.setData(1, new Uint8Array([5, 6]));
    });
    assert.deepEqual([...results.getData(0)], [5, 6]);
  });
}

function notify(watcher: Capability, n: number): Answer<StructReader> {
  return watcher.call(Watcher.notify, (p) => p.setUint32(0, n));
}

type Overtaking = {
  readonly client: Connected;
  readonly watcher: TestWatcher;
  /** 1 and 2, sent to the server, on their way back to us. */
  readonly early: readonly Answer<StructReader>[];
  readonly reflected: Capability;
};

/** The gate is shut in front of the calls that come back: those made now could be here before them. */
async function overtakeNobody({ client, watcher, early, reflected }: Overtaking): Promise<void> {
  const late = [notify(reflected, 3), notify(reflected, 4)];
  await turn();
  assert.deepEqual(watcher.seen, []);
  client.gate.open();
  await Promise.all([...early, ...late]);
  assert.deepEqual(watcher.seen, [1, 2, 3, 4]);
}

function tagOf(frame: Uint8Array): number {
  return MessageReader.parse(frame).rootStruct.getUint16(0);
}

function isResolve(frame: Uint8Array): boolean {
  return tagOf(frame) === messageTag.resolve;
}

function isReturnWithCapability(frame: Uint8Array): boolean {
  if (tagOf(frame) !== messageTag.return) return false;
  const body = MessageReader.parse(frame).rootStruct.getStruct(0);
  if (body.getUint16(returnAt.tag) !== returnTag.results) return false;
  return !body.getStruct(returnAt.body).isNull(payloadAt.capTable);
}
