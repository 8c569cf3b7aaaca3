/** Finish before and after the Return: what the caller and the handler learn. Delivery depends on these rules. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type CallFinished,
  type CapabilityServer,
  endsLater,
  type IncomingCall,
  MethodTable,
  RpcError,
} from "../src/index.ts";
import { connected, emptyTables, onlyBootstrap, turn } from "./connected.ts";
import { rawPeer } from "./raw-peer.ts";
import { Session, TestPeer } from "../testing/test-peer.ts";

const noFill = (): void => {};

/** A server whose `echo` records how its calls are finished, and answers when the test says so. */
function recording(options: { readonly waits: boolean }) {
  const finished: CallFinished[] = [];
  const calls: IncomingCall[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const bootstrap = new MethodTable().method(TestPeer.echo, (_params, _results, call) => {
    calls.push(call);
    call.onFinished((how) => finished.push(how));
    return options.waits ? promise : undefined;
  });
  return { ...connected({ server: { bootstrap } }), finished, calls, answer: resolve };
}

test("an answer that was received is finished without releasing its capabilities", async () => {
  const { peer, finished } = recording({ waits: false });
  await peer.call(TestPeer.echo, noFill);
  await turn();
  assert.deepEqual(finished, [{ returned: true, releaseResultCaps: false }]);
});

test("a cancellation before the Return tells the handler that nothing was returned", async () => {
  const { peer, finished, calls, answer, client, server } = recording({ waits: true });
  const pending = peer.call(TestPeer.echo, noFill);
  await turn();
  const signal = calls[0]?.signal as AbortSignal;
  assert.equal(signal.aborted, false);
  pending.cancel();
  await assert.rejects(Promise.resolve(pending), { message: "the call was canceled" });
  await turn();
  assert.deepEqual(finished, [{ returned: false, releaseResultCaps: true }]);
  assert.equal(signal.aborted, true);
  assert.deepEqual(client.counts, onlyBootstrap);
  assert.equal(server.counts.answers, 0);
  answer();
  await turn();
  assert.equal(finished.length, 1);
});

test("a call that ends later is answered, or fails, when its server says so, once", async () => {
  const calls: IncomingCall[] = [];
  const bootstrap: CapabilityServer = {
    dispatch(call: IncomingCall) {
      calls.push(call);
      call.releaseParams();
      return endsLater;
    },
  };
  const { peer, server } = connected({ server: { bootstrap } });
  const answers = [peer.call(TestPeer.echo, noFill), peer.call(TestPeer.echo, noFill)].map((one) =>
    Promise.resolve(one),
  );
  await turn();
  const [first, second] = calls as [IncomingCall, IncomingCall];
  second.fail(new RpcError("overloaded", "later"));
  first.results(TestPeer.echo.results).setData(0, new Uint8Array([1]));
  first.complete();
  first.fail(new Error("it has ended"));
  second.complete();
  assert.deepEqual([...((await answers[0])?.getData(0) ?? [])], [1]);
  await assert.rejects(answers[1] as Promise<unknown>, { message: "later" });
  await turn();
  assert.equal(server.counts.answers, 0);
});

test("a call that ends later is told that nobody waits any more, and may end there and then", async () => {
  const told: string[] = [];
  const bootstrap: CapabilityServer = {
    dispatch(call: IncomingCall) {
      call.onAborted({
        onAborted() {
          told.push("aborted");
          call.fail(new Error("left"));
        },
      });
      call.onFinished(({ returned }) => told.push(`finished, returned ${returned}`));
      return endsLater;
    },
  };
  const { peer, client, server } = connected({ server: { bootstrap } });
  const pending = peer.call(TestPeer.echo, noFill);
  await turn();
  pending.cancel();
  await assert.rejects(Promise.resolve(pending), { message: "the call was canceled" });
  await turn();
  assert.deepEqual(told, ["finished, returned false", "aborted"]);
  assert.deepEqual([client.counts, server.counts.answers], [onlyBootstrap, 0]);
  const cutOff = Promise.resolve(peer.call(TestPeer.echo, noFill));
  await turn();
  client.close();
  await assert.rejects(cutOff, { type: "disconnected" });
  await turn();
  assert.deepEqual(told.slice(2), ["finished, returned false", "aborted"]);
});

test("a cancellation that crosses the Return says returned and releaseResultCaps", async () => {
  const { peer, finished, serverEnd, client } = recording({ waits: false });
  await peer.call(TestPeer.echo, noFill);
  serverEnd.hold();
  const pending = peer.call(TestPeer.echo, noFill);
  await turn();
  pending.cancel();
  await turn();
  assert.deepEqual(finished.at(-1), { returned: true, releaseResultCaps: true });
  assert.equal(client.counts.questions, 1, "the number stays in use until the Return has come");
  serverEnd.letGo();
  await turn();
  assert.equal(client.counts.questions, 0);
});

test("capabilities in a Return that crosses a cancellation are given back", async () => {
  const { peer, host, serverEnd, client, server } = connected();
  await peer.call(TestPeer.counts, noFill);
  serverEnd.hold();
  const pending = peer.call(TestPeer.login, (p) => p.setText(0, "al"));
  await turn();
  assert.equal(host.sessions, 1);
  pending.cancel();
  await turn();
  assert.equal(host.sessions, 0);
  serverEnd.letGo();
  await turn();
  assert.deepEqual(client.counts, onlyBootstrap);
  assert.deepEqual(server.counts, { ...emptyTables, exports: 1 });
});

test("an answer held with holdFinish is finished when the caller says so, once", async () => {
  const { peer, finished, server } = recording({ waits: false });
  const answer = peer.call(TestPeer.echo, noFill, { holdFinish: true });
  answer.finish();
  await answer;
  await turn();
  assert.deepEqual(finished, []);
  assert.equal(server.counts.answers, 1);
  answer.finish();
  answer[Symbol.dispose]();
  await turn();
  assert.deepEqual(finished, [{ returned: true, releaseResultCaps: false }]);
  assert.equal(server.counts.answers, 0);
});

test("a line cut between Return and Finish is told as disconnected, returned or not", async () => {
  for (const waits of [false, true]) {
    const { peer, finished, clientEnd } = recording({ waits });
    const answer = peer.call(TestPeer.echo, noFill, { holdFinish: true });
    await turn();
    clientEnd.cut();
    await turn();
    assert.deepEqual(finished, [{ returned: !waits, releaseResultCaps: true, disconnected: true }]);
    if (waits) await assert.rejects(Promise.resolve(answer), { type: "disconnected" });
  }
});

test("a listener that comes late is told at once, and one that throws harms nobody", async () => {
  const { peer, calls, finished } = recording({ waits: false });
  await peer.call(TestPeer.echo, noFill);
  await turn();
  const call = calls[0] as IncomingCall;
  const late: CallFinished[] = [];
  call.onFinished((how) => late.push(how));
  call.onFinished(() => {
    throw new Error("listener");
  });
  assert.deepEqual(late, finished);
  await peer.call(TestPeer.echo, noFill);
});

test("the caller's signal cancels the call and is the reason of its rejection", async () => {
  const { peer, host } = connected();
  const abort = new AbortController();
  const pending = peer.call(TestPeer.never, noFill, { signal: abort.signal });
  await turn();
  abort.abort(new Error("enough"));
  await assert.rejects(Promise.resolve(pending), /enough/);
  await turn();
  assert.equal(host.canceled, 1);
  await assert.rejects(Promise.resolve(peer.call(TestPeer.echo, noFill, { signal: abort.signal })), /enough/);
});

test("a signal that aborts after the answer changes nothing", async () => {
  const { peer } = connected();
  const abort = new AbortController();
  const answer = peer.call(TestPeer.echo, noFill, { signal: abort.signal });
  await answer;
  abort.abort();
  await answer;
});

test("a handler that goes on after a cancellation answers nobody and its capabilities are disposed", async () => {
  const { peer, host, server } = connected();
  const pending = peer.call(TestPeer.slowLogin, (p) => p.setText(0, "al"));
  await turn();
  pending.cancel();
  await turn();
  host.gate.open();
  await turn();
  assert.equal(host.sessions, 0);
  assert.deepEqual(server.counts, { ...emptyTables, exports: 1 });
});

test("a canceled call goes on while calls pipelined on it are wanted, and ends when they are canceled too", async () => {
  let aborted = false;
  const { promise, resolve } = Promise.withResolvers<void>();
  const session = new MethodTable().method(Session.whoami, (_params, results) => results.setText(0, "al"));
  const bootstrap = new MethodTable().method(TestPeer.slowLogin, async (_params, results, call) => {
    call.signal.addEventListener("abort", () => (aborted = true));
    await promise;
    results.setCapability(0, session);
  });
  const raw = rawPeer({ bootstrap });
  raw.bootstrap(0);
  raw.call({ questionId: 1, to: { importId: 0 }, method: TestPeer.slowLogin });
  raw.call({ questionId: 2, to: { questionId: 1, path: [0] }, method: Session.whoami });
  raw.call({ questionId: 3, to: { questionId: 1, path: [0] }, method: Session.whoami });
  raw.finish(1, true);
  await turn();
  assert.equal(aborted, false);
  raw.finish(2, true);
  await turn();
  assert.equal(aborted, false);
  raw.finish(3, true);
  await turn();
  assert.equal(aborted, true);
  resolve();
  await turn();
  assert.equal(raw.session.counts.answers, 1, "only the bootstrap");
  assert.equal(raw.session.counts.queuedCalls, 0);
});

test("calls pipelined on a canceled call are served when it ends", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const session = new MethodTable().method(Session.whoami, (_params, results) => results.setText(0, "al"));
  const bootstrap = new MethodTable().method(TestPeer.slowLogin, async (_params, results) => {
    await promise;
    results.setCapability(0, session);
  });
  const raw = rawPeer({ bootstrap });
  raw.bootstrap(0);
  raw.call({ questionId: 1, to: { importId: 0 }, method: TestPeer.slowLogin });
  raw.call({ questionId: 2, to: { questionId: 1, path: [0] }, method: Session.whoami });
  raw.finish(1, true);
  resolve();
  await turn();
  const answer = raw.returnOf(2);
  assert.equal(answer.getStruct(0).getStruct(0).getText(0), "al");
});

test("a call canceled while it waits for its capability is not run when that comes", async () => {
  let ran = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const session = new MethodTable().method(Session.whoami, () => void ran++);
  const bootstrap = new MethodTable().method(TestPeer.slowLogin, async (_params, results) => {
    await promise;
    results.setCapability(0, session);
  });
  const { peer } = connected({ server: { bootstrap } });
  using user = peer.call(TestPeer.slowLogin, noFill).pipeline(0);
  const canceled = user.call(Session.whoami, noFill);
  const wanted = user.call(Session.whoami, noFill);
  await turn();
  canceled.cancel();
  await turn();
  resolve();
  await wanted;
  assert.equal(ran, 1);
});

test("a call rejected by the session's end has the type disconnected", async () => {
  const { peer, client } = connected();
  const pending = peer.call(TestPeer.never, noFill);
  client.close();
  await assert.rejects(Promise.resolve(pending), (error) => error instanceof RpcError && error.type === "disconnected");
});
