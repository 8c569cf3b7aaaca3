/** Promises of the peer and what they are resolved to (Resolve, Disembargo), step by step. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Capability } from "../src/index.ts";
import * as messages from "../src/outgoing-messages.ts";
import { disembargoAt, targetAt } from "../src/rpc-layout.ts";
import { emptyTables, turn } from "./connected.ts";
import { callFrame, type RawDescriptor, type RawPeer, rawPeer, resolveFrame, returnFrame } from "./raw-peer.ts";
import { TestPeer, TestServer, TestWatcher, Watcher } from "../testing/test-peer.ts";

/** A session whose call, which exported a watcher as 0, the peer has answered with these capabilities. */
async function answered(descriptors: readonly RawDescriptor[]) {
  const raw = rawPeer();
  const watcher = new TestWatcher();
  const answer = raw.session.bootstrap().call(TestPeer.reflect, (p) => p.setCapability(0, watcher.server));
  raw.send(returnFrame(1, descriptors));
  const results = await answer;
  const capabilities = descriptors.map((_, index) => results.getCapability(index) as Capability);
  await turn();
  return { raw, watcher, answer, capabilities };
}

function notify(capability: Capability | undefined, n: number): void {
  capability?.call(Watcher.notify, (p) => p.setUint32(0, n));
}

/** The peer sends a call it got for its promise on to our export 0. */
function passOn(raw: RawPeer, n: number): void {
  const fill = (p: { setUint32(at: number, value: number): void }): void => p.setUint32(0, n);
  raw.send(callFrame({ questionId: 100 + n, to: { importId: 0 }, method: Watcher.notify, fill }));
}

/** What the session's only Disembargo so far names, and its id. */
function disembargoOf(raw: RawPeer): { importId: number; embargoId: number } {
  const bodies = raw.bodies("disembargo");
  assert.equal(bodies.length, 1);
  const body = bodies[0] as NonNullable<(typeof bodies)[0]>;
  const importId = body.getStruct(disembargoAt.target).getUint32(targetAt.importedCap);
  return { importId, embargoId: body.getUint32(disembargoAt.embargoId) };
}

test("a promise resolved to an object of the peer is called there at once", async () => {
  const { raw, capabilities } = await answered([{ kind: "senderPromise", id: 1 }]);
  notify(capabilities[0], 1);
  raw.send(resolveFrame(1, { kind: "senderHosted", id: 7 }));
  await turn();
  notify(capabilities[0], 2);
  await turn();
  const targets = raw.bodies("call").map((call) => call.getStruct(0).getUint32(0));
  assert.deepEqual(targets.slice(-2), [1, 7]);
  assert.equal(raw.bodies("disembargo").length, 0);
});

test("a promise resolved to our own object is called directly when nothing was sent to it before", async () => {
  const { raw, watcher, capabilities } = await answered([{ kind: "senderPromise", id: 1 }]);
  raw.send(resolveFrame(1, { kind: "receiverHosted", id: 0 }));
  await turn();
  notify(capabilities[0], 1);
  await turn();
  assert.deepEqual(watcher.seen, [1]);
  assert.equal(raw.bodies("disembargo").length, 0);
});

test("a promise resolved to our own object holds calls back until those before have come round", async () => {
  const { raw, watcher, capabilities } = await answered([{ kind: "senderPromise", id: 1 }]);
  notify(capabilities[0], 1);
  raw.send(resolveFrame(1, { kind: "receiverHosted", id: 0 }));
  await turn();
  notify(capabilities[0], 2);
  await turn();
  assert.deepEqual(watcher.seen, []);
  const { importId, embargoId } = disembargoOf(raw);
  assert.equal(importId, 1);
  passOn(raw, 1);
  raw.send(messages.disembargo("receiverLoopback", embargoId, { importId: 0 }));
  await turn();
  assert.deepEqual(watcher.seen, [1, 2]);
});

test("calls made through a promise of a promise are not overtaken either", async () => {
  const { raw, watcher, capabilities } = await answered([{ kind: "senderPromise", id: 1 }]);
  notify(capabilities[0], 1);
  raw.send(resolveFrame(1, { kind: "senderPromise", id: 2 }));
  raw.send(resolveFrame(2, { kind: "receiverHosted", id: 0 }));
  await turn();
  notify(capabilities[0], 2);
  await turn();
  assert.deepEqual(watcher.seen, []);
  const { importId, embargoId } = disembargoOf(raw);
  assert.equal(importId, 2);
  passOn(raw, 1);
  raw.send(messages.disembargo("receiverLoopback", embargoId, { importId: 0 }));
  await turn();
  assert.deepEqual(watcher.seen, [1, 2]);
});

test("a promise that breaks fails its calls with the peer's reason", async () => {
  const { raw, capabilities } = await answered([{ kind: "senderPromise", id: 1 }]);
  const reason = messages.returnException(
    { answerId: 0, releaseParamCaps: false },
    { type: "overloaded", reason: "gone" },
  );
  // A Resolve whose body is the Exception of that Return: same layout, other tags.
  const frame = reason.slice();
  frame[16] = 5;
  frame[8 + 24 + 4] = 1;
  frame[8 + 24 + 6] = 0;
  new DataView(frame.buffer).setUint32(32, 1, true);
  raw.send(frame);
  await turn();
  const failed = capabilities[0]?.call(Watcher.notify, () => {}) as PromiseLike<unknown>;
  await assert.rejects(Promise.resolve(failed), { type: "overloaded", message: "gone" });
});

test("a promise resolved to nothing fails its calls", async () => {
  const { raw, capabilities } = await answered([{ kind: "senderPromise", id: 1 }]);
  raw.send(resolveFrame(1, { kind: "none", id: 0 }));
  await turn();
  const failed = capabilities[0]?.call(Watcher.notify, () => {}) as PromiseLike<unknown>;
  await assert.rejects(Promise.resolve(failed), /null capability/);
});

test("a promise resolved twice aborts", async () => {
  const { raw } = await answered([{ kind: "senderPromise", id: 1 }]);
  for (const id of [7, 8]) raw.send(resolveFrame(1, { kind: "senderHosted", id }));
  await raw.assertAborted(/not a promise that could be resolved/);
});

test("promises resolved in a circle are broken, not looked for for ever", async () => {
  const { raw, capabilities } = await answered([
    { kind: "senderPromise", id: 1 },
    { kind: "senderPromise", id: 2 },
  ]);
  raw.send(resolveFrame(1, { kind: "senderPromise", id: 2 }));
  raw.send(resolveFrame(2, { kind: "senderPromise", id: 1 }));
  await turn();
  for (const capability of capabilities) {
    const failed = capability.call(Watcher.notify, () => {});
    await assert.rejects(Promise.resolve(failed), /resolves to itself/);
  }
});

test("a promise and what it became are released together", async () => {
  const { raw, answer, capabilities } = await answered([{ kind: "senderPromise", id: 1 }]);
  raw.send(resolveFrame(1, { kind: "senderHosted", id: 7 }));
  await turn();
  assert.equal(raw.session.counts.imports, 2);
  capabilities[0]?.[Symbol.dispose]();
  answer[Symbol.dispose]();
  await turn();
  const released = raw.bodies("release").map((body) => [body.getUint32(0), body.getUint32(4)]);
  assert.deepEqual(released.sort(), [
    [1, 1],
    [7, 1],
  ]);
  raw.send(messages.release(0, 1));
  raw.end.cut();
  await raw.session.closed;
  assert.deepEqual(raw.session.counts, emptyTables);
});

test("a peer's Disembargo comes back to the object its calls were passed on to", async () => {
  const raw = rawPeer({ bootstrap: new TestServer().server });
  raw.bootstrap(0);
  raw.call({
    questionId: 1,
    to: { importId: 0 },
    method: TestPeer.reflect,
    fill: (p) => p.setCapability(0, "the first"),
    capabilities: [{ kind: "senderHosted", id: 9 }],
  });
  raw.call({ questionId: 2, to: { questionId: 1, path: [0] }, method: Watcher.notify, fill: (p) => p.setUint32(0, 1) });
  raw.send(messages.disembargo("senderLoopback", 5, { questionId: 1, path: [0] }));
  await turn();
  const kinds = raw.received.map((root) => root.getUint16(0));
  assert.ok(kinds.indexOf(2) < kinds.indexOf(13), "the call before the Disembargo");
  assert.deepEqual(disembargoOf(raw), { importId: 9, embargoId: 5 });
});
