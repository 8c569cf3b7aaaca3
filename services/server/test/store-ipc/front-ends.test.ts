/** Several front-ends on one store: hints between them, bounds, and one that misbehaves. */
import assert from "node:assert/strict";
import { connect, createServer, type Socket } from "node:net";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { InboxKey } from "quicproquo-proto";
import { ByteWriter } from "../../src/ipc/bytes.ts";
import { frameLimits } from "../../src/ipc/frames.ts";
import { connectStore, type Store } from "../../src/store/index.ts";
import { readLimits, toFrontEnd, toStore } from "../../src/store/ipc/protocol.ts";
import { callNames, codecs } from "../../src/store/packing/index.ts";
import { hasCode } from "../conformance/codes.ts";
import { defaultLimits, inboxOf, startMs } from "../conformance/subject.ts";
import { Owner } from "./owner.ts";

const alice = inboxOf("alice");
const query = { inbox: alice, after: 0n, storeEpoch: 0n, limit: 100, bytesMax: 2 ** 30 };
const message = (bytes = 10) => ({
  inbox: alice,
  payload: new Uint8Array(bytes),
  messageId: undefined,
  expiresAtMs: startMs + 1_000,
});

/** Reads go through `onRead` first. */
function readingThrough(onRead: () => Promise<void>) {
  return (store: Store): Store => ({
    ...store,
    log: {
      ...store.log,
      async read(query) {
        await onRead();
        return await store.log.read(query);
      },
    },
  });
}

/** A front-end that says what the test says. */
async function rawFrontEnd(path: string): Promise<Socket> {
  const socket = connect(path);
  await new Promise((resolve) => socket.once("data", resolve));
  return socket;
}

function frameOf(write: (frame: ByteWriter) => void): Uint8Array {
  const frame = new ByteWriter(64);
  frame.u32(0);
  write(frame);
  frame.patchU32(0, frame.length - 4);
  const { length } = frame;
  return new Uint8Array(frame.finish(), 0, length);
}

function readCall(id: number): Uint8Array {
  return frameOf((out) => {
    out.u8(toStore.call);
    out.u32(id);
    out.u8(callNames.indexOf("read"));
    codecs.read.writeRequest(out, query);
  });
}

describe("front-ends of one store", () => {
  test("what one front-end publishes wakes the listeners of another, a thousand publishes of one turn once", async () => {
    await using owner = await Owner.start();
    const [sender, receiver] = [await owner.connect(), await owner.connect()];
    let calls = 0;
    const called = Promise.withResolvers<void>();
    receiver.wakeups.subscribe(alice, {
      onHint() {
        calls++;
        called.resolve();
      },
    });
    await receiver.health();
    for (let i = 0; i < 1_000; i++) sender.wakeups.publish(alice);
    await called.promise;
    await sender.health();
    await receiver.health();
    assert.equal(calls, 1);
  });

  test("a claim is told to the listeners of its inbox at every front-end, of a thousand in one turn the greatest", async () => {
    await using owner = await Owner.start();
    const [near, far] = [await owner.connect(), await owner.connect()];
    const words: string[] = [];
    const all = Promise.withResolvers<void>();
    for (const store of [near, far]) {
      const onClaim = (word: string): void => {
        if (words.push(word) === 2) all.resolve();
      };
      store.wakeups.subscribe(alice, { onHint: () => assert.fail("it is no hint"), onClaim });
      store.wakeups.subscribe(inboxOf("bob"), { onHint() {}, onClaim: () => assert.fail("of another inbox") });
      await store.health();
    }
    for (let i = 0; i < 1_000; i++) near.wakeups.claim?.(alice, `${1_000 - i}`.padStart(4, "0"));
    await all.promise;
    for (const store of [near, far]) await store.health();
    assert.deepEqual(words, ["1000", "1000"]);
  });

  test("a refusal of the owner's arrives with its code, its pause and its fields", async () => {
    await using owner = await Owner.start({ limits: { appendsInFlightMax: 1 } });
    const store = await owner.connect();
    await assert.rejects(store.log.appendAll([message(), message()]), (error: unknown) => {
      const { code, retryAfterMs, fields } = error as { code: string; retryAfterMs: number; fields: object };
      assert.deepEqual(
        { code, retryAfterMs, fields },
        {
          code: "E021_OVERLOADED",
          retryAfterMs: 50,
          fields: { limit: "appendsInFlightMax" },
        },
      );
      return true;
    });
  });

  test("what the owner's store throws that is no error of the table arrives as E034_INTERNAL, without its text", async () => {
    await using owner = await Owner.start({ wrap: readingThrough(() => Promise.reject(new Error("canary"))) });
    const store = await owner.connect();
    await assert.rejects(store.log.read(query), (error: Error) => {
      assert.ok(hasCode("E034_INTERNAL")(error));
      assert.ok(!String(error.stack).includes("canary"));
      return true;
    });
    await store.health();
  });

  test("of 1,000 reads at once the owner has begun no more than begunMax, and all are answered", async () => {
    let begun = 0;
    let most = 0;
    await using owner = await Owner.start({
      wrap: readingThrough(async () => {
        most = Math.max(most, ++begun);
        await new Promise(setImmediate);
        begun--;
      }),
    });
    const store = await owner.connect();
    await Promise.all(Array.from({ length: 1_000 }, () => store.log.read(query)));
    assert.equal(most, readLimits.begunMax);
  });

  test("for a front-end that does not take its answers no further reads are done, and another one's are", async () => {
    let begun = 0;
    await using owner = await Owner.start({
      wrap: readingThrough(() => {
        begun++;
        return Promise.resolve();
      }),
    });
    const store = await owner.connect();
    await store.log.append(message(1024 * 1024));
    const slow = await rawFrontEnd(owner.path);
    slow.pause();
    const asked = readLimits.sentMax;
    for (let id = 0; id < asked; id++) slow.write(readCall(id));
    for (let i = 0; i < 100; i++) await store.health();
    // what was begun before the first answers were written, and what the kernel's buffers hold
    assert.ok(begun >= readLimits.begunMax && begun < asked, `${begun} of ${asked} were begun`);
    begun = 0;
    await store.log.read({ ...query, bytesMax: 1 });
    assert.equal(begun, 1);
    let bytes = 0;
    await new Promise<void>((resolve) => {
      slow.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > asked * 1024 * 1024) resolve();
      });
      slow.resume();
    });
    slow.destroy();
  });

  test("a front-end that sends more reads than sentMax is cut off", async () => {
    const never = new Promise<void>(() => undefined);
    await using owner = await Owner.start({ wrap: readingThrough(() => never) });
    const greedy = await rawFrontEnd(owner.path);
    const closed = new Promise((resolve) => greedy.once("close", resolve));
    greedy.on("error", () => undefined);
    greedy.resume();
    for (let id = 0; id <= readLimits.sentMax; id++) greedy.write(readCall(id));
    await closed;
  });

  test("of a front-end that dies a call sent whole is done whole, and one sent half not at all", async () => {
    await using owner = await Owner.start();
    const store = await owner.connect();
    const append = frameOf((out) => {
      out.u8(toStore.call);
      out.u32(0);
      out.u8(callNames.indexOf("append"));
      codecs.append.writeRequest(out, [message(), { ...message(), inbox: inboxOf("bob") }]);
    });
    const dying = await rawFrontEnd(owner.path);
    const half = append.subarray(0, append.length - 1);
    dying.end(Buffer.concat([append, append, half]));
    await new Promise((resolve) => dying.once("close", resolve));
    const seqsIn = async (inbox: InboxKey) =>
      (await store.log.read({ ...query, inbox })).messages.map(({ seq }) => seq);
    assert.deepEqual(await seqsIn(alice), [1n, 2n]);
    assert.deepEqual(await seqsIn(inboxOf("bob")), [1n, 2n]);
  });

  test("bytes that are no words of ours cut off who sent them, and nobody else", async () => {
    await using owner = await Owner.start();
    const store = await owner.connect();
    const cutOff = async (bytes: Uint8Array): Promise<void> => {
      const socket = await rawFrontEnd(owner.path);
      const closed = new Promise((resolve) => socket.once("close", resolve));
      socket.on("error", () => undefined);
      socket.resume();
      socket.write(bytes);
      await closed;
      assert.deepEqual(await store.log.read(query), await store.log.read(query));
    };
    await cutOff(frameOf((out) => out.u8(99)));
    await cutOff(frameOf((out) => out.u8(toStore.subscribe)));
    await cutOff(Uint8Array.of(0, 0, 0, 0));
    const tooLong = new Uint8Array(4);
    new DataView(tooLong.buffer).setUint32(0, frameLimits.frameBytesMax + 1, true);
    await cutOff(tooLong);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), async (bytes) => {
        const call = (out: ByteWriter): void => {
          out.u8(toStore.call);
          out.u32(0);
          out.u8(callNames.length); // one behind the last
          out.blob(bytes);
        };
        await cutOff(frameOf(call));
      }),
      { numRuns: 20 },
    );
  });

  test("an owner of another build is no owner", async () => {
    await using owner = await Owner.start();
    const path = `${owner.path}-other`;
    const other = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.write(
        frameOf((out) => {
          out.u8(toFrontEnd.hello);
          out.u32(99);
        }),
      );
    });
    await new Promise<void>((resolve) => other.listen(path, resolve));
    const connecting = connectStore({ path, limits: defaultLimits, connectMsMax: 100 });
    await assert.rejects(connecting, hasCode("E020_STORE_UNAVAILABLE"));
    other.close();
  });
});
