/** Loads as the command runs them: real driver processes against a real server. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { decodeFromCompressedBase64 } from "hdr-histogram-js";
import { QpqError } from "quicproquo-proto";
import { type ServerProcess, startServerProcess } from "quicproquo-server/testing";
import { bench } from "../../src/open-loop/bench.ts";
import type { BenchFlagValues } from "../../src/open-loop/bench-flags.ts";
import { loads } from "../../src/open-loop/loads.ts";
import type { LoadResult } from "../../src/open-loop/result.ts";
import { addressOf } from "./server-address.ts";

describe("bench", () => {
  let server: ServerProcess;
  before(async () => {
    server = await startServerProcess({ settings: { "log-level": "warn" } });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
  });

  async function run(name: string, flags: BenchFlagValues, token = server.token): Promise<LoadResult> {
    const results: LoadResult[] = [];
    await bench([name], flags, {
      server: () => addressOf(server),
      accessToken: () => Buffer.from(token),
      versions: {},
      data: (_, fields) => results.push(fields as LoadResult),
      say: () => undefined,
    });
    assert.equal(results.length, 1);
    return results[0] as LoadResult;
  }

  for (const name of Object.keys(loads)) {
    test(`${name}: a second of it, from two drivers, without an error`, async () => {
      const result = await run(name, { duration: "1s", "warm-up": "0s", drivers: "2" });
      assert.deepEqual(result.errors, {});
      assert.equal(result.missed.count, 0);
      assert.ok(result.done > 0);
      assert.equal(result.done, result.offered);
      assert.equal(result.endedEarly, false);
      assert.equal(result.secondsRun, 1);
      assert.equal(decodeFromCompressedBase64(result.histogram).totalCount, result.done);
      assert.equal(
        result.series.reduce((sum, { perSecond }) => sum + perSecond, 0),
        result.done,
      );
      assert.ok(result.bytes.out > 0 && result.bytes.in > 0);
      const { latencyMs, serviceMs } = result;
      assert.ok(latencyMs.p50 <= latencyMs.p99 && latencyMs.p99 <= latencyMs.max);
      // one of 3 digits each: a latency is a service time and what came before it
      assert.ok(serviceMs.max <= latencyMs.max * 1.002 && serviceMs.p50 <= latencyMs.p50 * 1.002);
    });
  }

  test("two drivers do what one would: all that the seed draws, between them", async () => {
    const flags = { duration: "1s", "warm-up": "0s", rate: "100" } as const;
    const [one, two] = [await run("enqueue", flags), await run("enqueue", { ...flags, drivers: "2" })];
    assert.equal(two.offered, one.offered);
  });

  test("a rate that the server cannot keep up with: what is due beyond the limit is missed, by its code", async () => {
    const flags = { duration: "1s", "warm-up": "0s", rate: "500", recipients: "1000", "in-flight-max": "2" } as const;
    const { missed, done, errorCount, offered } = await run("fan-out", flags);
    assert.equal(missed.code, "E082_LOAD_IN_FLIGHT");
    assert.ok(missed.count > 0);
    assert.equal(missed.count + done + errorCount, offered);
  });

  test("what does not hold is thrown, after the result", async () => {
    const flags = { duration: "1s", "warm-up": "0s", rate: "20", assert: ["errors=0", "p50<1us", "rate>1000"] };
    const told = (error: unknown): boolean => {
      assert.ok(error instanceof QpqError);
      assert.equal(error.code, "E084_ASSERTION");
      assert.match(error.text, /^not so: p50<1us: .* ms; rate>1000: .*$/);
      return true;
    };
    await assert.rejects(run("push", flags), told);
  });

  test("a wrong token is refused before anything is measured, none is told where to get one", async () => {
    await assert.rejects(run("push", {}, "wrong"), { code: "E004_BAD_TOKEN" });
    await assert.rejects(run("push", {}, ""), { code: "E003_UNAUTHENTICATED", message: /QPQ_AUTH_TOKEN_FILE/ });
  });
});
