/** A Session ends with its token: its calls are refused, its subscriptions are told. Over the transport in memory. */
import assert from "node:assert/strict";
import { mock, type TestContext, test } from "node:test";
import { QpqError } from "quicproquo-proto";
import { putAccount } from "../access/accounts.ts";
import { RawSession, TestSink, told } from "../e2e/raw-session.ts";
import { startMemoryFrontEnd } from "./memory-front-end.ts";

const lifeMs = 60_000;
const refused = (error: unknown): boolean => error instanceof QpqError && error.code === "E005_SESSION_EXPIRED";

/** One who has logged in and subscribed, over a clock that the test turns. */
async function subscribe(t: TestContext) {
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_700_000_000_000 });
  t.after(() => mock.timers.reset());
  const clock = (): number => Date.now();
  const { store, domains, connect } = startMemoryFrontEnd(clock, { sessionTokenSecs: lifeMs / 1_000 });
  const identity = await putAccount(store, 1);
  const issued = await domains.tokens.issue({ identity, actsFor: identity });
  const token = issued?.sessionToken as Uint8Array;
  const rpc = await connect(token);
  const opened = new RawSession(rpc.service, token);
  const inbox = opened.inbox(identity);
  const sink = new TestSink();
  await inbox.subscribe(sink);
  return { store, domains, identity, token, opened, inbox, sink, rpc };
}

async function isOver({ opened, inbox, identity, domains }: Awaited<ReturnType<typeof subscribe>>): Promise<void> {
  await assert.rejects(inbox.ack(0n), refused);
  await assert.rejects(opened.send([]), refused);
  await assert.rejects(
    told(() => opened.inbox(identity).answer),
    refused,
  );
  await assert.rejects(
    told(() => inbox.subscribe(new TestSink())),
    refused,
  );
  assert.equal(domains.subscriptions.size, 0);
}

test("at the token's end every subscription is told E005_SESSION_EXPIRED and every call of the Session is refused with it", async (t) => {
  const world = await subscribe(t);
  const { inbox, sink } = world;
  mock.timers.tick(lifeMs - 1);
  await inbox.ack(0n);
  assert.equal(sink.isEnded, false);
  mock.timers.tick(1);
  await sink.until(() => sink.isEnded);
  assert.equal(sink.ended?.code, "E005_SESSION_EXPIRED");
  await isOver(world);
  world.rpc.close();
});

test("within 5 s of a revocation that this front-end has not seen the same happens, though only an Inbox is held", async (t) => {
  const world = await subscribe(t);
  const { store, identity, opened, inbox, sink } = world;
  opened.capability[Symbol.dispose]();
  await inbox.ack(0n);
  await store.accounts.revokeTokens({ identity, actsFor: undefined });
  for (let ms = 0; ms < 5_000; ms += 500) {
    mock.timers.tick(500);
    await inbox.ack(0n).catch((error: unknown) => assert.ok(refused(error)));
  }
  await sink.until(() => sink.isEnded);
  assert.equal(sink.ended?.code, "E005_SESSION_EXPIRED");
  await assert.rejects(inbox.ack(0n), refused);
  world.rpc.close();
});

test("a fetchWait that waits ends with its token, and is given nothing that comes afterwards", async (t) => {
  const { store, identity, rpc, opened } = await subscribe(t);
  const waiting = rpc.call("fetchWait", { recipientKey: identity, timeoutMs: 60_000n });
  let code = "";
  waiting.catch((error: unknown) => {
    code = error instanceof QpqError ? error.code : String(error);
  });
  await rpc.call("health", {});
  await store.accounts.revokeTokens({ identity, actsFor: undefined });
  for (let ms = 0; ms < 5_000 && code === ""; ms += 500) {
    mock.timers.tick(500);
    await rpc.call("health", {});
  }
  assert.equal(code, "E005_SESSION_EXPIRED");
  opened[Symbol.dispose]();
  rpc.close();
});

test("what is being read for a fetchWait when its token ends is given to the next one", async (t) => {
  const { store, domains, identity, rpc, token, opened } = await subscribe(t);
  const opening = Promise.withResolvers<void>();
  const { read } = store.log;
  store.log.read = async (query) => {
    const answer = await read(query);
    await opening.promise;
    return answer;
  };
  const payload = Buffer.from("hello");
  await rpc.call("enqueue", { recipientKey: identity, payload });
  const waiting = rpc.call("fetchWait", { recipientKey: identity, timeoutMs: 60_000n });
  await rpc.call("health", {});
  await domains.tokens.revoke(await domains.tokens.find(token), false);
  opening.resolve();
  await assert.rejects(waiting, refused);
  const issued = await domains.tokens.issue({ identity, actsFor: identity });
  const auth = { version: 1, accessToken: issued?.sessionToken as Uint8Array, deviceId: new Uint8Array() };
  const { payloads } = await rpc.call("fetch", { recipientKey: identity, auth });
  assert.deepEqual(
    payloads.map(({ data }) => Buffer.from(data).toString()),
    ["hello"],
  );
  opened[Symbol.dispose]();
  rpc.close();
});

test("a Session reaches the inbox of its own key alone", async (t) => {
  const { opened, rpc } = await subscribe(t);
  await assert.rejects(
    told(() => opened.inbox(new Uint8Array(32).fill(9)).answer),
    (error: unknown) => error instanceof QpqError && error.code === "E006_FORBIDDEN",
  );
  rpc.close();
});
