/** What an application's own callbacks throw is its own: it is told to onError, and harms neither the session nor the peer. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type CapabilityServer, MethodTable, type RpcSessionOptions } from "../src/index.ts";
import { Session, TestPeer } from "../testing/test-peer.ts";
import { connected, turn } from "./connected.ts";

const noFill = (): void => {};

function thrower(text: string): () => never {
  return () => {
    throw new Error(text);
  };
}

/** A server session whose onError writes down what it is told, in `told`. */
function serving(bootstrap: CapabilityServer, options: RpcSessionOptions = {}) {
  const told: string[] = [];
  const onError = (error: unknown): void => void told.push((error as Error).message);
  return { told, ...connected({ server: { bootstrap, onError, ...options } }) };
}

test("a listener of onFinished that throws is told to onError, those beside it still hear", async () => {
  let heard = 0;
  const bootstrap = new MethodTable().method(TestPeer.echo, (_params, _results, call) => {
    call.onFinished(thrower("the listener"));
    call.onFinished(() => heard++);
  });
  const { peer, told } = serving(bootstrap);
  await peer.call(TestPeer.echo, noFill);
  await peer.call(TestPeer.echo, noFill);
  await turn();
  assert.equal(heard, 2);
  assert.deepEqual(told, ["the listener", "the listener"]);
});

test("a listener that comes after the Finish, or hears of the end of the session, is told of as well", async () => {
  const bootstrap = new MethodTable()
    .method(TestPeer.never, async (_params, _results, call) => {
      await new Promise((resolve) => call.signal.addEventListener("abort", resolve, { once: true }));
      call.onFinished(thrower("late"));
    })
    .method(TestPeer.slowLogin, (_params, _results, call) => {
      call.onFinished(thrower("at the end"));
      return new Promise(noFill);
    });
  const { peer, client, server, told } = serving(bootstrap);
  peer.call(TestPeer.slowLogin, noFill);
  const canceled = peer.call(TestPeer.never, noFill);
  await turn();
  canceled.cancel();
  await turn();
  assert.deepEqual(told, ["late"]);
  client.close();
  await server.closed;
  assert.deepEqual(told, ["late", "at the end"]);
});

test("an object whose dispose throws is told of when the peer gives it back, and the session goes on", async () => {
  const bootstrap = new MethodTable()
    .method(TestPeer.login, (_params, results) =>
      results.setCapability(0, new MethodTable({ onDispose: thrower("dispose") }).method(Session.whoami, noFill)),
    )
    .method(TestPeer.echo, noFill);
  const { peer, told } = serving(bootstrap);
  const login = peer.call(TestPeer.login, noFill);
  await login;
  login[Symbol.dispose]();
  await turn();
  assert.deepEqual(told, ["dispose"]);
  await peer.call(TestPeer.echo, noFill);
});

test("onClose and errorToException that throw are told of", async () => {
  const bootstrap = new MethodTable().method(TestPeer.echo, thrower("the handler"));
  const options = { onClose: thrower("onClose"), errorToException: thrower("errorToException") };
  const { peer, client, server, told } = serving(bootstrap, options);
  await assert.rejects(Promise.resolve(peer.call(TestPeer.echo, noFill)), { type: "failed", message: "internal" });
  assert.deepEqual(told, ["errorToException"]);
  client.close();
  await server.closed;
  await turn();
  assert.deepEqual(told, ["errorToException", "onClose"]);
});

test("an onError that throws itself, or none, changes nothing", async () => {
  for (const onError of [thrower("onError"), undefined]) {
    const bootstrap = new MethodTable()
      .method(TestPeer.echo, (_params, _results, call) => call.onFinished(thrower("the listener")))
      .method(TestPeer.openGate, noFill);
    const { peer } = serving(bootstrap, { onError });
    await peer.call(TestPeer.echo, noFill);
    await turn();
    await peer.call(TestPeer.openGate, noFill);
  }
});
