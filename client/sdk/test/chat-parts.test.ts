/** Small parts of the chat client on their own: turns, values of records, events. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { openRecordFile, SecretBytes } from "quicproquo-core";
import { EventLog } from "../src/chat/event-log.ts";
import { decodeValue, encodeValue } from "../src/record-value.ts";
import { TurnQueue } from "../src/chat/turn-queue.ts";
import { temporaryFolder } from "./person.ts";

const folder = temporaryFolder();
after(() => folder.remove());

test("turns never overlap, keep their order, and go on after one that failed", async () => {
  const queue = new TurnQueue(10);
  const seen: string[] = [];
  const turn = (name: string) => async () => {
    seen.push(`${name} begins`);
    await Promise.resolve();
    seen.push(`${name} ends`);
    if (name === "b") throw new Error("b failed");
    return name;
  };
  const outcomes = await Promise.allSettled(["a", "b", "c"].map((name) => queue.run(turn(name))));
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled"],
  );
  assert.deepEqual(
    seen,
    ["a", "b", "c"].flatMap((name) => [`${name} begins`, `${name} ends`]),
  );
});

test("more turns than may wait are refused at once, and room is there again when one has ended", async () => {
  const queue = new TurnQueue(2);
  const gate = Promise.withResolvers<void>();
  const waiting = [queue.run(() => gate.promise), queue.run(async () => {})];
  await assert.rejects(
    queue.run(async () => {}),
    /E021_OVERLOADED/,
  );
  gate.resolve();
  await Promise.all(waiting);
  await queue.run(async () => {});
});

test("a record's value comes back as it was: bytes, bigints, nesting, and what is left out", () => {
  const leaf = fc.oneof(
    fc.string(),
    fc.boolean(),
    fc.integer(),
    fc.bigInt(),
    fc.uint8Array({ maxLength: 40 }),
    fc.constant(null),
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 3 }, leaf, fc.array(tie("value"), { maxLength: 4 }), tie("object")),
    object: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), tie("value"), { maxKeys: 4 }),
  }));
  fc.assert(
    fc.property(value, (one) => {
      assert.deepEqual(plain(decodeValue(encodeValue(one))), plain(one));
    }),
  );
  assert.deepEqual(decodeValue(encodeValue({ there: 1, gone: undefined })), { there: 1 });
});

/** fast-check's dictionaries have no prototype, and -0 is 0 in JSON. */
function plain(value: unknown): unknown {
  if (Object.is(value, -0)) return 0;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)]));
}

test("events stand in their order after a reopening, without those that were taken", async () => {
  const open = (): ReturnType<typeof openRecordFile> =>
    openRecordFile({ file: join(folder.path, "events.db"), databaseKey: new SecretBytes(new Uint8Array(32)) });
  const first = open();
  const log = await EventLog.open(first, 100);
  for (let upTo = 1n; upTo <= 12n; upTo++) await log.add({ kind: "gap", reason: "expired", upTo });
  for (let i = 0; i < 3; i++) log.take(log.peek() ?? assert.fail());
  await log.forgetTaken();
  log.take(log.peek() ?? assert.fail()); // taken, and not yet forgotten on the disk
  await first.close();
  const second = open();
  const again = await EventLog.open(second, 100);
  const seen: bigint[] = [];
  for (let event = again.peek(); event !== undefined; event = again.peek()) {
    if (event.kind === "gap") seen.push(event.upTo);
    again.take(event);
  }
  assert.deepEqual(seen, [4n, 5n, 6n, 7n, 8n, 9n, 10n, 11n, 12n]);
  await second.close();
});
