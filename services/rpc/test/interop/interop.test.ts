/** This package and the C++ reference implementation speak to each other over TCP, each as client and as server. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Server } from "node:net";
import { after, before, describe, test } from "node:test";
import { type Capability, RpcError, RpcSession, serve } from "../../src/index.ts";
import { until } from "../connected.ts";
import { SocketStream } from "../../testing/socket-stream.ts";
import { Session, TestPeer, TestServer, TestWatcher, Watcher } from "../../testing/test-peer.ts";
import { CppPeer, type CppServer } from "../../testing/cpp-peer.ts";

let cpp: CppPeer;
before(async () => {
  cpp = await CppPeer.build();
});
after(() => cpp.remove());

describe("a C++ client of our server", () => {
  const sessions: RpcSession[] = [];
  const ends: RpcError[] = [];
  let listener: Server;
  let results: ReadonlyMap<string, string>;

  before(async () => {
    listener = createServer((socket) => {
      const bootstrap = new TestServer().server;
      const onClose = (error: RpcError): void => void ends.push(error);
      sessions.push(new RpcSession(new SocketStream(socket), { bootstrap, onClose }));
    });
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    results = await cpp.runClient((listener.address() as { port: number }).port);
  });
  after(() => listener.close());

  const expected: Record<string, string | RegExp> = {
    echo: "200 7",
    "echo 1 MiB": "1048576 9",
    "1000 outstanding": "1000",
    order: "kept",
    fail: /^1 .*busy$/,
    "missing method": /^3 .*not implemented/,
    "wrong interface": /^3 .*not implemented/,
    pipelined: "bob",
    "pipelined on a pending answer": "100",
    "pipelined on a failure": /^3 .*not implemented/,
    "answer, then call": "al al",
    "inherited method": "root",
    callback: "20 20 alive 0",
    "own capability reflected": "4",
    "reflected with an embargo": "1 2 3 4",
    "kept capability": "6 alive 0",
    "2000 sessions dropped": "canceled 0 sessions 0",
    cancel: "canceled 1 sessions 0",
    "long call beside others": "late",
    "disconnect with a call outstanding": "gone",
  };
  for (const [name, result] of Object.entries(expected)) {
    test(name, () => {
      const actual = results.get(name) ?? "the scenario did not run";
      if (typeof result === "string") assert.equal(actual, result);
      else assert.match(actual, result);
    });
  }

  test("no session was aborted and nothing is left in their tables", async () => {
    await Promise.all(sessions.map((session) => session.closed));
    // Linux resets instead of closing when the client goes without having read all: also an end without an Abort.
    for (const { reason } of ends) assert.match(reason, /^the peer closed the session$|ECONNRESET/);
    for (const { counts } of sessions) {
      assert.deepEqual(counts, { questions: 0, answers: 0, imports: 0, exports: 0, queuedCalls: 0 });
    }
  });
});

describe("our client of a C++ server", () => {
  let server: CppServer;
  let session: RpcSession;
  let peer: Capability;

  before(async () => {
    server = await cpp.startServer();
    const socket = connect(server.port, "127.0.0.1");
    await once(socket, "connect");
    session = new RpcSession(new SocketStream(socket));
    peer = session.bootstrap();
  });
  after(async () => {
    session.close();
    await server.stop();
  });

  async function counts(): Promise<{ canceled: number; sessions: number }> {
    const results = await peer.call(TestPeer.counts, () => {});
    return { canceled: results.getUint32(0), sessions: results.getUint32(4) };
  }

  test("echo of 200 bytes, of 1 MiB and 1000 at once", async () => {
    for (const bytes of [200, 1 << 20]) {
      const data = new Uint8Array(bytes).fill(3);
      const results = await peer.call(TestPeer.echo, (p) => p.setData(0, data));
      assert.deepEqual(results.getData(0), data);
    }
    const calls = Array.from({ length: 1000 }, (_, n) =>
      peer.call(TestPeer.echo, (p) => p.setData(0, new Uint8Array([n & 255]))),
    );
    const echoed = await Promise.all(calls);
    assert.ok(echoed.every((results, n) => results.getData(0)[0] === (n & 255)));
  });

  test("calls arrive in the order they were made", async () => {
    await Promise.all(
      Array.from({ length: 500 }, (_, n) => peer.call(TestPeer.sequence, (p) => p.setUint32(0, n + 1))),
    );
  });

  test("exceptions come with their type", async () => {
    const failed = peer.call(TestPeer.fail, (p) => p.setText(0, "busy"));
    await assert.rejects(Promise.resolve(failed), { type: "overloaded", message: /busy$/ });
    await assert.rejects(Promise.resolve(peer.call(TestPeer.missing, () => {})), { type: "unimplemented" });
    await assert.rejects(Promise.resolve(peer.call(Watcher.notify, () => {})), { type: "unimplemented" });
    await assert.rejects(
      Promise.resolve(
        peer
          .call(TestPeer.failLogin, () => {})
          .pipeline(0)
          .call(Session.whoami, () => {}),
      ),
      RpcError,
    );
  });

  test("a call is pipelined on an answer that is not there yet", async () => {
    const login = peer.call(TestPeer.slowLogin, (p) => p.setText(0, "eve"));
    using user = login.pipeline(0);
    const names = Array.from({ length: 100 }, () => user.call(Session.whoami, () => {}));
    await peer.call(TestPeer.openGate, () => {});
    for (const name of names) assert.equal((await name).getText(0), "eve");
    login[Symbol.dispose]();
  });

  test("the server's object lives as long as we hold it", async () => {
    const login = peer.call(TestPeer.login, (p) => p.setText(0, "al"));
    const user = (await login).getCapability(0) as Capability;
    assert.equal((await user.call(Session.whoami, () => {})).getText(0), "al");
    const before = await counts();
    user[Symbol.dispose]();
    assert.equal((await counts()).sessions, before.sessions - 1);
  });

  test("the server calls our object, and gives it back when it is done", async () => {
    const watcher = new TestWatcher();
    const results = await peer.call(TestPeer.watch, (p) => {
      p.setCapability(0, watcher.server);
      p.setUint32(0, 20);
    });
    assert.equal(results.getUint32(0), 20);
    assert.deepEqual(
      watcher.seen,
      Array.from({ length: 20 }, (_, n) => n),
    );
    await until(() => watcher.disposals > 0, counts);
  });

  test("our own object comes back as itself", async () => {
    const watcher = new TestWatcher();
    const answer = peer.call(TestPeer.reflect, (p) => p.setCapability(0, watcher.server));
    const reflected = (await answer).getCapability(0) as Capability;
    const written = session.counts.questions;
    await reflected.call(Watcher.notify, (p) => p.setUint32(0, 4));
    assert.equal(session.counts.questions, written);
    assert.deepEqual(watcher.seen, [4]);
    reflected[Symbol.dispose]();
    await until(() => watcher.disposals > 0, counts);
  });

  test("calls through an answer that turns out to be our own object stay in order", async () => {
    const watcher = new TestWatcher();
    const answer = peer.call(TestPeer.reflect, (p) => p.setCapability(0, watcher.server));
    using reflected = answer.pipeline(0);
    const notify = (n: number) => reflected.call(Watcher.notify, (p) => p.setUint32(0, n));
    const early = [notify(1), notify(2)];
    await answer;
    await Promise.all([...early, notify(3), notify(4)]);
    assert.deepEqual(watcher.seen, [1, 2, 3, 4]);
    answer[Symbol.dispose]();
  });

  test("calls through a promise that is resolved to our own object stay in order", async () => {
    const watcher = new TestWatcher();
    const answer = peer.call(TestPeer.promiseReflect, (p) => p.setCapability(0, watcher.server));
    const promised = (await answer).getCapability(0) as Capability;
    const notify = (n: number) => promised.call(Watcher.notify, (p) => p.setUint32(0, n));
    const early = [notify(1), notify(2)];
    await counts();
    await Promise.all([...early, notify(3), notify(4)]);
    assert.deepEqual(watcher.seen, [1, 2, 3, 4]);
    promised[Symbol.dispose]();
    await until(() => watcher.disposals > 0, counts);
  });

  test("a call the server passes back to us returns what we answered ourselves", async () => {
    using self = serve(new TestServer().server);
    const results = await peer.call(TestPeer.tailEcho, (p) => {
      p.setCapability(0, self);
      p.setData(1, new Uint8Array([5, 6]));
    });
    assert.deepEqual([...results.getData(0)], [5, 6]);
  });

  test("a canceled call ends at the server", async () => {
    const { canceled } = await counts();
    const abort = new AbortController();
    const pending = peer.call(TestPeer.never, () => {}, { signal: abort.signal });
    await counts();
    abort.abort(new Error("enough"));
    await assert.rejects(Promise.resolve(pending), /enough/);
    let now = canceled;
    await until(
      () => now > canceled,
      async () => {
        now = (await counts()).canceled;
      },
    );
  });

  test("nothing but the bootstrap capability is left", async () => {
    await until(() => session.counts.exports === 0, counts);
    const { questions, answers, imports, exports } = session.counts;
    assert.deepEqual({ questions, answers, imports, exports }, { questions: 0, answers: 0, imports: 1, exports: 0 });
  });
});
