/** Whatever is done to both, a store answers what the reference store answers. fast-check prints the seed. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { createMemoryStore } from "../../src/store/index.ts";
import type { Store } from "../../src/store/port.ts";
import { defaultLimits, identityOf, inboxOf, messageIdOf, Setup, type Subject, startMs } from "./subject.ts";

type Message = { inbox: number; bytes: number; id: number | undefined; lifeMs: number; sender: number | undefined };
type Operation =
  | { kind: "append"; messages: readonly Message[] }
  | { kind: "appendAll"; messages: readonly Message[]; isShared: boolean }
  | {
      kind: "commit";
      group: number;
      epoch: number;
      proof: number;
      id: number;
      sender: number | undefined;
      messages: readonly Message[];
    }
  | { kind: "read"; inbox: number; after: number; limit: number; bytesMax: number; isOtherEpoch: boolean }
  | { kind: "ack"; inbox: number; upTo: number; isOtherEpoch: boolean }
  | { kind: "put"; identity: number; package: number; lifeMs: number; lastResort: boolean }
  | { kind: "take"; identity: number; count: number }
  | { kind: "pass"; ms: number }
  | { kind: "sweep" }
  | { kind: "reopen" };

const inbox = fc.nat(1);
/** Seldom: most operations should do something. */
const isOtherEpoch = fc.nat(9).map((n) => n === 0);
const seq = fc.oneof(fc.nat(3), fc.nat(12));
const lifeMs = fc.constantFrom(5, 20, 1_000);
const message: fc.Arbitrary<Message> = fc.record({
  inbox,
  bytes: fc.constantFrom(0, 1, 50, 300),
  id: fc.option(fc.nat(5), { nil: undefined }),
  lifeMs,
  sender: fc.option(fc.nat(1), { nil: undefined }),
});
const messages = fc.array(message, { minLength: 1, maxLength: 4 });
const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 24, arbitrary: fc.record({ kind: fc.constant("append" as const), messages }) },
  { weight: 10, arbitrary: fc.record({ kind: fc.constant("appendAll" as const), messages, isShared: fc.boolean() }) },
  {
    weight: 16,
    arbitrary: fc.record({
      kind: fc.constant("commit" as const),
      group: fc.nat(1),
      epoch: fc.nat(3),
      proof: fc.nat(3),
      id: fc.nat(5),
      sender: fc.option(fc.nat(1), { nil: undefined }),
      messages: fc.array(message, { maxLength: 2 }),
    }),
  },
  {
    weight: 20,
    arbitrary: fc.record({
      kind: fc.constant("read" as const),
      inbox,
      after: seq,
      limit: fc.integer({ min: 1, max: 9 }),
      bytesMax: fc.constantFrom(0, 60, 400, 10_000),
      isOtherEpoch,
    }),
  },
  {
    weight: 20,
    arbitrary: fc.record({ kind: fc.constant("ack" as const), inbox, upTo: seq, isOtherEpoch }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant("put" as const),
      identity: fc.nat(1),
      package: fc.nat(5),
      lifeMs,
      lastResort: fc.boolean(),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant("take" as const),
      identity: fc.nat(1),
      count: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 10, arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.constantFrom(1, 10, 60) }) },
  { weight: 10, arbitrary: fc.record({ kind: fc.constant("sweep" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("reopen" as const) }) },
);

/** Small, so that full inboxes, forgotten ids and forgotten groups are met often. */
const limits = { ...defaultLimits, queueDepthMax: 8, dedupeWindowMs: 50, groupLifeMs: 80 };

/** Runs one operation on one store; `run` keeps the names of one property run apart from those of the others. */
async function apply(store: Store, op: Operation, { nowMs, run }: { nowMs: number; run: number }): Promise<unknown> {
  const inboxNumber = (n: number) => inboxOf(`${run} inbox ${n}`);
  const append = ({ inbox, bytes, id, lifeMs, sender }: Message, i: number) => ({
    inbox: inboxNumber(inbox),
    payload: new Uint8Array(bytes).fill(i),
    // a sender is part of its ids
    messageId: id === undefined ? undefined : messageIdOf(`${id} ${sender}`),
    expiresAtMs: nowMs + lifeMs,
    sender: sender === undefined ? undefined : identityOf(`sender ${sender}`),
  });
  const { log, keys } = store;
  const epochOf = (isOther: boolean) => (isOther ? 7n : 0n);
  switch (op.kind) {
    case "append":
      return Promise.all(op.messages.map((entry, i) => log.append(append(entry, i))));
    case "appendAll": {
      const payload = new Uint8Array(500).fill(op.messages.length);
      return log.appendAll(op.messages.map((entry, i) => ({ ...append(entry, i), ...(op.isShared && { payload }) })));
    }
    case "commit":
      return log.commitGroup({
        groupId: messageIdOf(`${run} group ${op.group}`),
        epoch: BigInt(op.epoch),
        // of few proofs, so that the right one is often shown
        proofHash: new Uint8Array(32).fill(op.proof % 2),
        nextProofHash: new Uint8Array(32).fill(op.proof >> 1),
        messageId: messageIdOf(`${op.id}`),
        entries: op.messages.map((entry, i) => ({
          ...append({ ...entry, sender: op.sender }, i),
          messageId: undefined,
        })),
      });
    case "read": {
      const { after, limit, bytesMax } = op;
      const storeEpoch = epochOf(op.isOtherEpoch);
      return log.read({ inbox: inboxNumber(op.inbox), after: BigInt(after), limit, bytesMax, storeEpoch });
    }
    case "ack":
      return log.ack(inboxNumber(op.inbox), BigInt(op.upTo), epochOf(op.isOtherEpoch));
    case "put":
      return keys.putKeyPackage({
        identity: identityOf(`${run} identity ${op.identity}`),
        keyPackage: messageIdOf(`${op.package}`),
        expiresAtMs: nowMs + op.lifeMs,
        lastResort: op.lastResort,
        poolMax: 3,
      });
    case "take": {
      const identity = identityOf(`${run} identity ${op.identity}`);
      return Promise.all(Array.from({ length: op.count }, () => keys.takeKeyPackage(identity)));
    }
    case "sweep": {
      // How many rows a sweep touches is the store's own affair; that it comes to an end is not.
      while ((await log.sweep(3)) === 3);
      return undefined;
    }
    case "pass":
    case "reopen":
      return undefined;
  }
}

export function describeModel(subject: Subject, numRuns: number): void {
  describe(`${subject.name} against the reference store`, () => {
    test("any sequence of operations gets the same answers", async () => {
      await using setup = await Setup.make(subject, limits);
      const reference = createMemoryStore({ limits, clock: () => setup.nowMs });
      let run = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { minLength: 10, maxLength: 60, size: "max" }), async (operations) => {
          run++;
          for (const op of operations) {
            if (op.kind === "pass") setup.nowMs += op.ms;
            if (op.kind === "reopen") await setup.reopen();
            const context = { nowMs: setup.nowMs, run };
            assert.deepEqual(await apply(setup.store, op, context), await apply(reference, op, context));
          }
          for (const number of [0, 1]) {
            const read: Operation = {
              kind: "read",
              inbox: number,
              after: 0,
              limit: 99,
              bytesMax: 99_999,
              isOtherEpoch: false,
            };
            const context = { nowMs: setup.nowMs, run };
            assert.deepEqual(await apply(setup.store, read, context), await apply(reference, read, context));
          }
        }),
        { numRuns },
      );
      assert.ok(setup.nowMs > startMs);
      await reference.close();
    });
  });
}
