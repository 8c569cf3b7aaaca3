/** The hot tail between two front-ends: what it answers, and what it must not. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RedisCluster, RedisProcess } from "../../testing/redis.ts";
import { seqsUpTo } from "../conformance/subject.ts";
import { send, TailFrontEnds, TailReader, tailCounts } from "./tail-rig.ts";

describe("the hot tail", () => {
  for (const mode of ["single", "cluster"] as const) {
    test(`a reader at the other front-end, and one at the sender's, are answered by it (${mode})`, async () => {
      await using redis = mode === "cluster" ? await RedisCluster.start() : await RedisProcess.start();
      for (const at of [0, 1] as const) {
        await using frontEnds = await TailFrontEnds.open({ url: redis.url, mode });
        const reader = new TailReader(frontEnds[at]);
        await reader.sees(({ answers }) => answers.length === 1);
        await frontEnds.knowReader();
        const count = 50;
        for (let seq = 1; seq <= count; seq++) {
          await send(frontEnds[0], frontEnds.message(`${seq}`));
          await reader.sees(({ seqs }) => seqs.length === seq);
        }
        assert.deepEqual(reader.seqs, seqsUpTo(count));
        assert.deepEqual(
          reader.texts,
          seqsUpTo(count).map((seq) => `${seq}`),
        );
        assert.equal(tailCounts(frontEnds[0]).written, count);
        assert.deepEqual(tailCounts(frontEnds[at]).hits + tailCounts(frontEnds[at]).misses > 0, true);
      }
    });
  }
});
