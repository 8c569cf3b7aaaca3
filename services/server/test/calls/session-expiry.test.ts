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
  return { store, domains, identity, opened, inbox, sink, rpc };
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

test("a Session reaches the inbox of its own key alone", async (t) => {
  const { opened, rpc } = await subscribe(t);
  await assert.rejects(
    told(() => opened.inbox(new Uint8Array(32).fill(9)).answer),
    (error: unknown) => error instanceof QpqError && error.code === "E006_FORBIDDEN",
  );
  rpc.close();
});
