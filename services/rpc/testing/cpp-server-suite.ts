/** What a client of ours must find in a C++ server, whatever carries the bytes. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { RpcByteStream } from "../src/byte-stream.ts";
import { type Answer, type Capability, RpcSession, serve } from "../src/index.ts";
import { MessageReader, type StructBuilder, type StructReader } from "../src/message/index.ts";
import { messageTag, payloadAt, returnAt, returnTag } from "../src/rpc-layout.ts";
import { CppPeer, type CppServer } from "./cpp-peer.ts";
import { FrameGate } from "./frame-gate.ts";
import { AdminSession, Item, Session, TestPeer, TestServer, TestWatcher, Watcher } from "./test-peer.ts";
import { turn, until } from "./until.ts";

/** A stream to whoever listens at a TCP port of 127.0.0.1. */
export type Connect = (port: number) => Promise<AsyncDisposable & { readonly stream: RpcByteStream }>;

type Connected = AsyncDisposable & {
  readonly session: RpcSession;
  /** The server's object for this connection. */
  readonly peer: Capability;
  readonly gate: FrameGate;
};

const noFill = (): void => {};
const onlyBootstrap = { questions: 0, answers: 0, imports: 1, exports: 0, queuedCalls: 0 };

export function testCppServer(name: string, connect: Connect): void {
  describe(`our client of a C++ server ${name}`, () => {
    let cpp: CppPeer;
    let server: CppServer;
    before(async () => {
      cpp = await CppPeer.build();
      server = await cpp.startServer();
    });
    after(() => server[Symbol.asyncDispose]());

    async function connected(port = server.port): Promise<Connected> {
      const link = await connect(port);
      const gate = new FrameGate(link.stream);
      const session = new RpcSession(gate);
      return {
        session,
        peer: session.bootstrap(),
        gate,
        async [Symbol.asyncDispose]() {
          session.close();
          await link[Symbol.asyncDispose]();
        },
      };
    }

    test("echo of 200 bytes, of 1 MiB and 1000 at once", async () => {
      await using client = await connected();
      for (const bytes of [200, 1 << 20]) {
        const data = new Uint8Array(bytes).fill(3);
        const results = await client.peer.call(TestPeer.echo, (p) => p.setData(0, data));
        assert.deepEqual(results.getData(0), data);
      }
      const calls = Array.from({ length: 1000 }, (_, n) =>
        client.peer.call(TestPeer.echo, (p) => p.setData(0, new Uint8Array([n & 255]))),
      );
      const echoed = await Promise.all(calls);
      assert.ok(echoed.every((results, n) => results.getData(0)[0] === (n & 255)));
      assert.deepEqual(client.session.counts, onlyBootstrap);
    });

    test("an answer in many segments is read", async () => {
      await using client = await connected();
      const results = await client.peer.call(TestPeer.echoItems, (params) => fillItems(params, 1000));
      assertItems(results, 1000);
      assert.ok(client.gate.segmentsMax > 2, `${client.gate.segmentsMax} segments`);
    });

    test("calls arrive in the order they were made", async () => {
      await using client = await connected();
      const calls = Array.from({ length: 500 }, (_, n) =>
        client.peer.call(TestPeer.sequence, (p) => p.setUint32(0, n + 1)),
      );
      await Promise.all(calls);
    });

    test("exceptions come with their type", async () => {
      await using client = await connected();
      for (const [number, type] of ["failed", "overloaded", "disconnected", "unimplemented"].entries()) {
        const failed = client.peer.call(TestPeer.failAs, (p) => {
          p.setUint16(0, number);
          p.setText(0, `reason ${number}`);
        });
        await assert.rejects(Promise.resolve(failed), { type, message: new RegExp(`reason ${number}$`) });
      }
      await client.peer.call(TestPeer.echo, noFill);
    });

    test("a method and an interface that are not there are unimplemented, and calls pipelined on the failure fail", async () => {
      await using client = await connected();
      using failed = client.peer.call(TestPeer.failLogin, noFill).pipeline(0);
      for (const call of [
        client.peer.call(TestPeer.missing, noFill),
        client.peer.call(Watcher.notify, noFill),
        failed.call(Session.whoami, noFill),
      ]) {
        await assert.rejects(Promise.resolve(call), { type: "unimplemented" });
      }
      await client.peer.call(TestPeer.echo, noFill);
    });

    test("100 calls are pipelined on an answer that is not there yet", async () => {
      await using client = await connected();
      using login = client.peer.call(TestPeer.slowLogin, (p) => p.setText(0, "eve"));
      using user = login.pipeline(0);
      const names = Array.from({ length: 100 }, () => user.call(Session.whoami, noFill));
      await client.peer.call(TestPeer.openGate, noFill);
      for (const whoami of names) assert.equal((await whoami).getText(0), "eve");
    });

    test("methods of an interface and of the one it inherits are called on one object", async () => {
      await using client = await connected();
      using login = client.peer.call(TestPeer.adminLogin, (p) => p.setText(0, "root"));
      using admin = login.pipeline(0);
      const kick = admin.call(AdminSession.kick, (p) => p.setText(0, "eve"));
      assert.equal((await admin.call(AdminSession.whoami, noFill)).getText(0), "root");
      assert.equal((await kick).getText(0), "root without eve");
    });

    test("a long call does not hold up those beside it", async () => {
      await using client = await connected();
      const login = client.peer.call(TestPeer.slowLogin, (p) => p.setText(0, "late"));
      for (let n = 0; n < 200; n++) await client.peer.call(TestPeer.echo, noFill);
      await client.peer.call(TestPeer.openGate, noFill);
      using user = (await login).getCapability(0) as Capability;
      assert.equal((await user.call(Session.whoami, noFill)).getText(0), "late");
    });

    test("a canceled call ends at the server", async () => {
      await using client = await connected();
      const { canceled } = await counts(client.peer);
      const abort = new AbortController();
      const pending = client.peer.call(TestPeer.never, noFill, { signal: abort.signal });
      await counts(client.peer);
      abort.abort(new Error("enough"));
      await assert.rejects(Promise.resolve(pending), /enough/);
      await countsReach(client.peer, (now) => now.canceled === canceled + 1);
    });

    test("calls that are outstanding when the session is closed end at the server, and here as disconnected", async () => {
      await using other = await connected();
      await using client = await connected();
      const { canceled } = await counts(other.peer);
      const calls = [1, 2, 3].map(() => client.peer.call(TestPeer.never, noFill));
      await counts(client.peer);
      client.session.close();
      for (const call of calls) await assert.rejects(Promise.resolve(call), { type: "disconnected" });
      await countsReach(other.peer, (now) => now.canceled === canceled + 3);
    });

    test("calls that are outstanding when the server's process ends fail as disconnected", async () => {
      await using mortal = await cpp.startServer();
      await using client = await connected(mortal.port);
      const calls = [1, 2, 3].map(() => client.peer.call(TestPeer.never, noFill));
      for (const call of [...calls, client.peer.call(TestPeer.hangUp, noFill)]) {
        await assert.rejects(Promise.resolve(call), { type: "disconnected" });
      }
      assert.deepEqual((await client.session.closed).type, "disconnected");
    });

    test("2,000 objects of the server are gone when we have dropped them", async () => {
      await using client = await connected();
      const { sessions } = await counts(client.peer);
      for (let n = 0; n < 2000; n++) {
        using login = client.peer.call(TestPeer.login, (p) => p.setText(0, "x"));
        await login;
      }
      await countsReach(client.peer, (now) => now.sessions === sessions);
      assert.deepEqual(client.session.counts, onlyBootstrap);
    });

    test("an object of the server lives as long as we hold it", async () => {
      await using client = await connected();
      const { sessions } = await counts(client.peer);
      const login = client.peer.call(TestPeer.login, (p) => p.setText(0, "al"));
      const user = (await login).getCapability(0) as Capability;
      assert.equal((await user.call(Session.whoami, noFill)).getText(0), "al");
      assert.equal((await counts(client.peer)).sessions, sessions + 1);
      user[Symbol.dispose]();
      await countsReach(client.peer, (now) => now.sessions === sessions);
    });

    test("the server calls our object, during the call and after it, and gives it back when it is done", async () => {
      await using client = await connected();
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
      await using client = await connected();
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
      await using client = await connected();
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
      await using client = await connected();
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
      await using client = await connected();
      using self = serve(new TestServer().server);
      const results = await client.peer.call(TestPeer.tailEcho, (p) => {
        p.setCapability(0, self);
        p.setData(1, new Uint8Array([5, 6]));
      });
      assert.deepEqual([...results.getData(0)], [5, 6]);
    });
  });
}

type Counts = { readonly canceled: number; readonly sessions: number };

async function counts(peer: Capability): Promise<Counts> {
  const results = await peer.call(TestPeer.counts, noFill);
  return { canceled: results.getUint32(0), sessions: results.getUint32(4) };
}

async function countsReach(peer: Capability, holds: (now: Counts) => boolean): Promise<void> {
  let now = await counts(peer);
  await until(
    () => holds(now),
    async () => {
      now = await counts(peer);
    },
  );
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

function fillItems(params: StructBuilder, count: number): void {
  const items = params.initStructList(0, count, Item);
  for (let n = 0; n < count; n++) {
    const item = items.get(n);
    item.setUint32(0, n);
    item.setText(0, `item ${n}`);
    item.setData(1, new Uint8Array(n % 200).fill(n));
    const inner = item.initStructList(2, n % 3, Item);
    for (let child = 0; child < n % 3; child++) inner.get(child).setText(0, `of ${n}`);
  }
}

function assertItems(results: StructReader, count: number): void {
  const items = results.getStructList(0, Item);
  assert.equal(items.length, count);
  for (const [n, item] of [...items].entries()) {
    assert.equal(item.getUint32(0), n);
    assert.equal(item.getText(0), `item ${n}`);
    assert.deepEqual(item.getData(1), new Uint8Array(n % 200).fill(n));
    const inner = [...item.getStructList(2, Item)].map((child) => child.getText(0));
    assert.deepEqual(inner, new Array(n % 3).fill(`of ${n}`));
  }
}
