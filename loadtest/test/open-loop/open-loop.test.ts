/** An open loop goes on as it was drawn, whatever becomes of its actions. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { errorTable, QpqError } from "quicproquo-proto";
import { startServerProcess } from "quicproquo-server/testing";
import { closedLoop } from "../../src/closed-loop.ts";
import { actions } from "../../src/open-loop/actions.ts";
import { machineMs } from "../../src/open-loop/clock.ts";
import { ConnectionPool } from "../../src/open-loop/connection-pool.ts";
import { OpenLoop } from "../../src/open-loop/open-loop.ts";
import { missedCode, percentileMs, Recorder } from "../../src/open-loop/recorder.ts";
import { dueTimesMs, durationSecondsOf } from "../../src/open-loop/schedule.ts";
import { addressOf } from "./server-address.ts";

const perSecond = 200;
const schedule = {
  phases: [{ seconds: 3, fromPerSecond: perSecond, toPerSecond: perSecond }],
  warmUpSeconds: 0,
  spacing: "even",
  seed: 1,
} as const;
const seconds = durationSecondsOf(schedule.phases);

describe("a server that stands still for a second", () => {
  /** Counts the latencies that the stall explains: longer than half of it. */
  async function slowOnes(load: (once: () => Promise<void>) => Promise<Recorder>): Promise<number> {
    await using server = await startServerProcess({ settings: { "log-level": "warn" } });
    const options = { server: addressOf(server), accessToken: Buffer.from(server.token), connections: 1 };
    using pool = await ConnectionPool.open(options);
    const action = await actions.enqueue.prepare(pool, { users: 10, payloadBytes: 512, recipients: 1 });
    let begun = 0;
    const recorder = await load(async () => {
      if (++begun === 100) {
        process.kill(server.pid, "SIGSTOP");
        setTimeout(() => process.kill(server.pid, "SIGCONT"), 1_000);
      }
      await action.once(begun % 10);
    });
    let slow = recorder.latency.totalCount;
    for (let p = 0; p < 100 && percentileMs(recorder.latency, p) < 500; p += 0.1) {
      slow = recorder.latency.totalCount * (1 - p / 100);
    }
    return slow;
  }

  test("has made all wait that were due meanwhile: half a second of them more than half a second", async () => {
    const slow = await slowOnes(async (once) => {
      const recorder = new Recorder(seconds);
      const startMs = machineMs();
      await new OpenLoop({ dueTimesMs: dueTimesMs(schedule), startMs, once, recorder, inFlightMax: 1_000 }).run();
      assert.equal(recorder.errorCount + recorder.missed, 0);
      return recorder;
    });
    assert.ok(slow >= (perSecond / 2) * 0.9, `${slow} were slow`);
  });

  test("a closed loop of one caller would have seen one of them: that is what coordinated omission hides", async () => {
    const slow = await slowOnes(async (once) => {
      const recorder = new Recorder(seconds);
      const request = async (): Promise<void> => {
        const beganMs = machineMs();
        await once();
        recorder.done({ dueMs: 0, beganMs: 0, endedMs: machineMs() - beganMs });
      };
      await closedLoop({ callers: 1, warmUpMs: 0, windowMs: seconds * 1_000, request });
      return recorder;
    });
    assert.ok(slow < perSecond / 10, `${slow} were slow`);
  });
});

/** One that is due each ms, from a start that is past: nothing is waited for. */
const at = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const past = (): number => machineMs() - 60_000;

test("beyond inFlightMax an action is counted as missed, with a code of the table, and not begun", async () => {
  const recorder = new Recorder(1);
  const gate = Promise.withResolvers<void>();
  let begun = 0;
  const once = async (n: number): Promise<void> => {
    begun++;
    if (n === 9) setTimeout(gate.resolve, 0);
    await gate.promise;
  };
  await new OpenLoop({ dueTimesMs: at(50), startMs: past(), once, recorder, inFlightMax: 10 }).run();
  assert.equal(begun, 10);
  assert.deepEqual([recorder.latency.totalCount, recorder.missed], [10, 40]);
  assert.equal(errorTable[missedCode].kind, "limited");
});

test("errors are counted by code; what is no error of ours ends the load", async () => {
  const recorder = new Recorder(1);
  const once = async (n: number): Promise<void> => {
    if (n % 2 === 0) throw new QpqError("E018_RATE_LIMIT");
  };
  await new OpenLoop({ dueTimesMs: at(10), startMs: past(), once, recorder, inFlightMax: 10 }).run();
  assert.deepEqual(recorder.errors, { E018_RATE_LIMIT: 5 });
  assert.equal(recorder.latency.totalCount, 5);
  const defect = async (): Promise<void> => {
    throw new TypeError("a defect");
  };
  const broken = new OpenLoop({ dueTimesMs: at(10), startMs: past(), once: defect, recorder, inFlightMax: 10 });
  await assert.rejects(broken.run(), /a defect/);
});

test("what is still under way when the drain is over has run into its deadline", async () => {
  const recorder = new Recorder(1);
  const once = (n: number): Promise<void> => (n === 3 ? new Promise(() => undefined) : Promise.resolve());
  const options = { dueTimesMs: at(5), startMs: past(), once, recorder, inFlightMax: 10, drainMs: 20 };
  await new OpenLoop(options).run();
  assert.deepEqual(recorder.errors, { E028_DEADLINE: 1 });
  assert.equal(recorder.latency.totalCount, 4);
});

test("at the signal nothing more is begun, also while nothing is due", async () => {
  const stop = new AbortController();
  const recorder = new Recorder(1);
  const once = async (n: number): Promise<void> => {
    if (n === 1) stop.abort();
  };
  const dueTimes = [0, 1, 2, 3_600_000];
  const startMs = machineMs();
  const loop = new OpenLoop({ dueTimesMs: dueTimes, startMs, once, recorder, inFlightMax: 10, signal: stop.signal });
  await loop.run();
  assert.equal(loop.begun, 2);
});
