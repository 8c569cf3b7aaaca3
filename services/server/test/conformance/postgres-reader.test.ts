/** Nothing passes a reader by: seqs are seen in their order, whatever the order in which transactions commit. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FrontEnds, message } from "./postgres-front-ends.ts";
import { inboxOf } from "./subject.ts";

const messages = 240_000;
const writers = 8;
/** Two writers each; a writer has so many messages under way. */
const frontEndCount = 4;
const burst = 250;
const alice = inboxOf("alice");

describe("a reader at the cursor, on Postgres", () => {
  test("meets every one of 240,000 messages of 8 writers on 4 front-ends, in order and without a hole", async () => {
    await using frontEnds = await FrontEnds.open(frontEndCount + 1);
    const each = messages / writers;
    const write = async (writer: number): Promise<void> => {
      const { log } = frontEnds.at(writer % frontEndCount);
      for (let at = 0; at < each; at += burst) {
        const count = Math.min(burst, each - at);
        await Promise.all(Array.from({ length: count }, (_, i) => log.append(message(alice, `${writer} ${at + i}`))));
      }
    };
    const writing = Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
    let hasFailed = false;
    writing.catch(() => (hasFailed = true));
    const { log } = frontEnds.at(frontEndCount);
    const next = new Array<number>(writers).fill(0);
    let cursor = 0n;
    while (cursor < messages && !hasFailed) {
      const query = { inbox: alice, after: cursor, storeEpoch: 0n, limit: 5_000, bytesMax: 2 ** 20 };
      for (const { seq, payload } of (await log.read(query)).messages) {
        assert.equal(seq, cursor + 1n);
        cursor = seq;
        const [writer = 0, number] = new TextDecoder().decode(payload).split(" ").map(Number);
        assert.equal(number, next[writer]);
        next[writer] = (number as number) + 1;
      }
    }
    await writing;
    assert.deepEqual(next, new Array(writers).fill(each));
  });
});
