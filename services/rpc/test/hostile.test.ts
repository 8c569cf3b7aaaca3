/** Peers that break the protocol: each loses its own session, with a reason, and costs nothing else. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { MethodTable, serve } from "../src/index.ts";
import { MessageReader, type StructBuilder } from "../src/message/index.ts";
import * as messages from "../src/outgoing-messages.ts";
import { messageTag, returnAt, sendResultsTo } from "../src/rpc-layout.ts";
import { connected, emptyTables, turn } from "./connected.ts";
import { callFrame, rawMessage, rawPeer, resolveFrame, resultsToAt } from "./raw-peer.ts";
import { Session, struct, TestPeer, TestServer, TestWatcher } from "../testing/test-peer.ts";

const noFill = (): void => {};

/** A session beside the attacked ones: it must go on working whatever they go through. */
const bystander = connected();
const unhandled: unknown[] = [];
const onUnhandled = (error: unknown): void => void unhandled.push(error);
before(() => process.on("unhandledRejection", onUnhandled));
after(async () => {
  await bystander.peer.call(TestPeer.echo, noFill);
  process.off("unhandledRejection", onUnhandled);
  assert.deepEqual(unhandled, []);
});

function attacked() {
  const raw = rawPeer({ bootstrap: new TestServer().server });
  raw.bootstrap(0);
  return raw;
}

test("a Finish for a question nobody asked changes nothing, nor does a second one", async () => {
  const raw = attacked();
  for (const id of [77, 0, 0, 0xffff_ffff]) {
    raw.finish(id, true);
    raw.finish(id, false);
  }
  raw.bootstrap(0);
  raw.call({ questionId: 1, to: { importId: 0 }, method: TestPeer.never });
  await turn();
  assert.equal(raw.session.counts.answers, 2);
  assert.deepEqual(raw.bodies("abort"), []);
});

test("a Return for a question nobody asked aborts, also a second Return", async () => {
  const raw = attacked();
  raw.send(messages.returnWithout(3, "canceled"));
  await raw.assertAborted(/question 3, which was not asked/);
  const twice = attacked();
  const answer = twice.session.bootstrap().call(TestPeer.echo, noFill, { holdFinish: true });
  await turn();
  const echo = messages.startReturn(1, 1024).builder.toFrame();
  twice.send(echo);
  await answer;
  twice.send(echo);
  await twice.assertAborted(/question 1, which was not asked/);
});

test("a question id in use aborts", async () => {
  const raw = attacked();
  raw.call({ questionId: 1, to: { importId: 0 }, method: TestPeer.never });
  raw.call({ questionId: 1, to: { importId: 0 }, method: TestPeer.echo });
  await raw.assertAborted(/question 1 is in use/);
  assert.deepEqual(raw.session.counts, emptyTables);
});

test("a call to an export that does not exist aborts; one pipelined on an unknown answer, or on itself, fails alone", async () => {
  const raw = attacked();
  raw.call({ questionId: 1, to: { importId: 5 }, method: TestPeer.echo });
  await raw.assertAborted(/export 5 does not exist/);
  const other = attacked();
  other.call({ questionId: 1, to: { questionId: 9, path: [0] }, method: TestPeer.echo });
  other.call({ questionId: 2, to: { questionId: 2, path: [0] }, method: TestPeer.echo });
  const capabilities = [{ kind: "receiverAnswer", questionId: 3, path: [0] }] as const;
  other.call({ questionId: 3, to: { importId: 0 }, method: TestPeer.reflect, capabilities });
  other.call({ questionId: 4, to: { questionId: 3, path: [0] }, method: TestPeer.echo });
  await turn();
  for (const id of [1, 2, 4])
    assert.match(other.returnOf(id).getStruct(returnAt.body).getText(0), /the answer .* is over, or there was none/);
});

test("a Release below zero or of nothing aborts", async () => {
  const raw = attacked();
  raw.send(messages.release(0, 2));
  await raw.assertAborted(/released more often/);
  const other = attacked();
  other.send(messages.release(4, 1));
  await other.assertAborted(/export 4, which does not exist/);
});

test("a call goes on when the export it runs on is released meanwhile", async () => {
  const raw = attacked();
  raw.call({ questionId: 1, to: { importId: 0 }, method: TestPeer.never });
  raw.send(messages.release(0, 1));
  raw.finish(1, true);
  await turn();
  assert.equal(raw.session.counts.exports, 0);
  raw.finish(0, false);
  await turn();
  assert.deepEqual(raw.session.counts, emptyTables);
});

test("a Disembargo for what does not lead back, or that nobody waits for, aborts", async () => {
  const raw = attacked();
  raw.send(messages.disembargo("senderLoopback", 1, { importId: 0 }));
  await raw.assertAborted(/does not lead back/);
  const other = attacked();
  other.send(messages.disembargo("receiverLoopback", 1, { importId: 0 }));
  await other.assertAborted(/embargo 1 does not exist/);
  const pending = attacked();
  pending.call({ questionId: 1, to: { importId: 0 }, method: TestPeer.slowLogin });
  pending.send(messages.disembargo("senderLoopback", 1, { questionId: 1, path: [0] }));
  await pending.assertAborted(/does not lead back/);
});

test("a Resolve of a hosted capability aborts, one of a capability already released is given back", async () => {
  const raw = attacked();
  const capabilities = [{ kind: "senderHosted", id: 3 }] as const;
  const fill = (p: StructBuilder): void => p.setCapability(0, "the first");
  raw.call({ questionId: 1, to: { importId: 0 }, method: TestPeer.keep, fill, capabilities });
  raw.send(resolveFrame(99, { kind: "senderHosted", id: 8 }));
  await turn();
  const releases = raw.bodies("release").map((body) => body.getUint32(0));
  assert.deepEqual(releases, [8]);
  raw.send(resolveFrame(3, { kind: "senderHosted", id: 8 }));
  await raw.assertAborted(/import 3 is not a promise/);
});

test("a message of an unknown kind is echoed as unimplemented", async () => {
  const raw = attacked();
  for (const tag of [7, 9, 10, 11, 12, 500]) raw.send(rawMessage(tag, [1, 0], (body) => body.setUint32(0, tag + 1)));
  await turn();
  const echoed = raw.bodies("unimplemented");
  assert.deepEqual(
    echoed.map((message) => [message.getUint16(0), message.getStruct(0).getUint32(0)]),
    [7, 9, 10, 11, 12, 500].map((tag) => [tag, tag + 1]),
  );
});

test("a call whose results are for a third party is echoed as unimplemented", async () => {
  const raw = attacked();
  const frame = callFrame({ questionId: 1, to: { importId: 0 }, method: TestPeer.echo });
  frame[resultsToAt] = 2;
  raw.send(frame);
  await turn();
  assert.equal(raw.bodies("unimplemented").length, 1);
  assert.equal(raw.session.counts.answers, 1);
});

test("an Unimplemented from the peer aborts", async () => {
  const raw = attacked();
  raw.send(messages.unimplemented(MessageReader.parse(messages.finish(1, true))));
  await raw.assertAborted(/does not implement/);
});

test("results asked for elsewhere stay here until a Return takes them", async () => {
  const raw = attacked();
  const echo = callFrame({
    questionId: 1,
    to: { importId: 0 },
    method: TestPeer.echo,
    fill: (p) => p.setData(0, new Uint8Array([4])),
  });
  echo[resultsToAt] = sendResultsTo.yourself;
  raw.send(echo);
  await turn();
  assert.equal(raw.returnOf(1).getUint16(6), 3, "resultsSentElsewhere");
  const answer = raw.session.bootstrap().call(TestPeer.echo, (p) => p.setData(0, new Uint8Array([9])));
  raw.send(
    rawMessage(messageTag.return, [2, 1], (body) => {
      body.setUint32(0, 1);
      body.setUint16(6, 4); // takeFromOtherQuestion
      body.setUint32(8, 1);
    }),
  );
  assert.deepEqual([...(await answer).getData(0)], [4]);
});

test("results that were not sent elsewhere cannot be taken", async () => {
  const raw = attacked();
  raw.call({ questionId: 1, to: { importId: 0 }, method: TestPeer.echo });
  raw.session.bootstrap().call(TestPeer.echo, noFill);
  raw.send(
    rawMessage(messageTag.return, [2, 1], (body) => {
      body.setUint32(0, 1);
      body.setUint16(6, 4);
      body.setUint32(8, 1);
    }),
  );
  await raw.assertAborted(/question 1 are not ours/);
});

test("parameters that are not what the schema says fail the call, not the session", async () => {
  const raw = attacked();
  const text = (p: StructBuilder): void => p.setData(0, new Uint8Array([0xff, 0xfe, 0]));
  raw.call({ questionId: 1, to: { importId: 0 }, method: TestPeer.login, fill: text });
  const list = (p: StructBuilder): void => void p.initTextList(0, 3);
  raw.call({ questionId: 2, to: { importId: 0 }, method: TestPeer.echo, fill: list });
  // A capability that is not in the table of capabilities.
  const capability = (p: StructBuilder): void => p.setCapability(0, "none");
  raw.call({ questionId: 3, to: { importId: 0 }, method: TestPeer.reflect, fill: capability });
  await turn();
  for (const [id, reason] of [
    [1, /badText/],
    [2, /badList/],
    [3, /badPointer/],
  ] as const) {
    assert.match(raw.returnOf(id).getStruct(0).getText(0), reason);
  }
  assert.equal(raw.session.counts.answers, 4);
});

test("a frame beyond the limits, cut off, too deep or amplified aborts before it costs memory", async () => {
  const frames: [Uint8Array, RegExp][] = [
    [Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0), /segments/],
    [Uint8Array.of(0, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f), /bytes/],
    [nested(65), /nested deeper/],
    [emptyElements(), /larger to read/],
  ];
  for (const [frame, reason] of frames) {
    const raw = attacked();
    raw.send(frame);
    await raw.assertAborted(reason);
  }
});

function nested(depth: number): Uint8Array {
  const fill = (p: StructBuilder): void => nest(p, depth);
  return callFrame({ questionId: 1, to: { importId: 0 }, method: TestPeer.echo, fill });
}

function nest(struct: StructBuilder, depth: number): void {
  let list = struct.initPointerList(0, 1);
  for (let n = 0; n < depth; n++) list = list.get(0).initPointerList(1);
}

test("results of a handler that nobody could read, or with no capabilities in them, hurt the call only", async () => {
  const wide = { ...TestPeer.login, results: struct(0, 2) };
  const { promise, resolve } = Promise.withResolvers<void>();
  const bootstrap = new MethodTable()
    .method(wide, async (_params, results) => {
      nest(results, 70);
      results.setCapability(1, new MethodTable());
    })
    .method(TestPeer.slowLogin, async (_params, results) => {
      await promise;
      results.setCapability(0, "not a capability");
    });
  const { peer } = connected({ server: { bootstrap } });
  await assert.rejects(Promise.resolve(peer.call(wide, noFill)), { type: "failed", message: /tooDeep/ });
  using local = serve(bootstrap);
  await assert.rejects(Promise.resolve(local.call(wide, noFill)), /nested deeper/);
  // Canceled before the handler ends: nobody is there to be told.
  peer.call(TestPeer.slowLogin, noFill).cancel();
  local.call(TestPeer.slowLogin, noFill).cancel();
  await turn();
  resolve();
  await turn();
  await assert.rejects(Promise.resolve(local.call(TestPeer.slowLogin, noFill)), TypeError);
  await assert.rejects(Promise.resolve(peer.call(TestPeer.slowLogin, noFill)), { message: "internal" });
});

/** 2^29 - 1 elements of no size in one word. */
function emptyElements(): Uint8Array {
  return callFrame({
    questionId: 1,
    to: { importId: 0 },
    method: TestPeer.echo,
    fill: (p) => void p.initPrimitiveList(0, 2 ** 29 - 1, "void"),
  });
}

test("random bytes end in an Abort or wait for more, never in anything else", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 400 }), async (bytes) => {
      const raw = attacked();
      raw.send(bytes);
      await turn();
      raw.end.end();
      await raw.session.closed;
      assert.deepEqual(raw.session.counts, emptyTables);
    }),
    { numRuns: 300 },
  );
});

test("messages with flipped bits break nothing but their own session", async () => {
  const frames = conversation();
  await fc.assert(
    fc.asyncProperty(
      fc.nat(frames.length - 1),
      fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
      async (which, flips) => {
        const raw = attacked();
        const watcher = new TestWatcher();
        // A call of ours is outstanding, so that flipped Returns may hit it.
        raw.session.bootstrap().call(TestPeer.reflect, (p) => p.setCapability(0, watcher.server));
        for (const [index, frame] of frames.entries()) {
          raw.send(index === which ? flipped(frame, flips) : frame.slice());
        }
        await turn();
        raw.end.cut();
        await raw.session.closed;
        await turn();
        assert.deepEqual(raw.session.counts, emptyTables);
        assert.ok(watcher.disposals >= 1, "what the peer held is given back");
      },
    ),
    { numRuns: 1000 },
  );
});

/** Messages of every kind that are right when sent in this order after a Bootstrap. */
function conversation(): Uint8Array[] {
  const cap = (p: StructBuilder): void => p.setCapability(0, "the first");
  const to = { importId: 0 };
  return [
    callFrame({ questionId: 1, to, method: TestPeer.echo, fill: (p) => p.setData(0, new Uint8Array(30)) }),
    callFrame({ questionId: 2, to, method: TestPeer.slowLogin, fill: (p) => p.setText(0, "al") }),
    callFrame({ questionId: 3, to: { questionId: 2, path: [0] }, method: Session.whoami }),
    callFrame({ questionId: 4, to, method: TestPeer.keep, fill: cap, capabilities: [{ kind: "senderHosted", id: 1 }] }),
    callFrame({
      questionId: 5,
      to,
      method: TestPeer.slowReflect,
      fill: cap,
      capabilities: [{ kind: "receiverAnswer", questionId: 2, path: [0] }],
    }),
    callFrame({ questionId: 6, to, method: TestPeer.never }),
    messages.finish(6, true),
    messages.returnException({ answerId: 0, releaseParamCaps: true }, { type: "failed", reason: "no" }),
    callFrame({ questionId: 7, to, method: TestPeer.openGate }),
    messages.finish(1, false),
    messages.finish(0, false),
    messages.release(0, 1),
  ];
}

function flipped(frame: Uint8Array, flips: readonly number[]): Uint8Array {
  const bytes = frame.slice();
  for (const flip of flips) {
    const bit = flip % (bytes.length * 8);
    bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
  }
  return bytes;
}

test("a peer that goes on after an Abort is cut off, and what it sends has no effect", async () => {
  let calls = 0;
  const bootstrap = new MethodTable().method(TestPeer.echo, () => void calls++);
  const raw = rawPeer({ bootstrap, limits: { drainBytesMax: 1000 } });
  raw.end.onEnd = undefined;
  raw.bootstrap(0);
  raw.send(messages.release(9, 1));
  raw.call({ questionId: 1, to: { importId: 0 }, method: TestPeer.echo });
  await raw.assertAborted(/export 9/);
  assert.equal(calls, 0);
  for (let n = 0; n < 20; n++) raw.send(new Uint8Array(100));
  await turn();
  assert.equal(raw.end.isClosed, true);
});
