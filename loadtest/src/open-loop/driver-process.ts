/**
 * One driver of a load: a process that has its share of users, connections and due times. It is told what to do by its
 * parent (drivers.ts), ends with it, and leaves Ctrl-C to it.
 */
import { QpqError } from "quicproquo-proto";
import type { PreparedAction } from "./action.ts";
import { actions } from "./actions.ts";
import { ConnectionPool } from "./connection-pool.ts";
import type { DriverTask, FromDriver, ToDriver } from "./drivers.ts";
import { OpenLoop } from "./open-loop.ts";
import { percentileMs, Recorder } from "./recorder.ts";
import { dueTimesMs, durationSecondsOf } from "./schedule.ts";

const liveMs = 500;
const stop = new AbortController();
let ready: { task: DriverTask; pool: ConnectionPool; action: PreparedAction } | undefined;

process.on("SIGINT", () => undefined);
process.once("disconnect", () => process.exit());
process.on("message", (message: ToDriver) => {
  if (message.kind === "stop") return stop.abort();
  const work = message.kind === "prepare" ? prepare(message.task) : run(message.startMs);
  work.catch((error: unknown) => {
    const reason = error instanceof QpqError ? error.reason : String((error as Error).stack ?? error);
    tell({ kind: "failed", isOurs: error instanceof QpqError, reason });
  });
});

async function prepare(task: DriverTask): Promise<void> {
  const { plan, share, server, accessToken } = task;
  const { users, connections } = share;
  const pool = await ConnectionPool.open({ server, accessToken, connections });
  const { payloadBytes, recipients } = plan;
  const action = await actions[plan.action].prepare(pool, { users, payloadBytes, recipients });
  ready = { task, pool, action };
  tell({ kind: "prepared" });
}

async function run(startMs: number): Promise<void> {
  if (ready === undefined) throw new Error("run before prepare");
  const { pool, action } = ready;
  const { plan, share } = ready.task;
  const recorder = new Recorder(durationSecondsOf(plan.phases));
  const loop = new OpenLoop({
    dueTimesMs: dueTimesMs(plan, share),
    startMs,
    once: (n) => action.once(n % share.users),
    recorder,
    inFlightMax: share.inFlightMax,
    signal: stop.signal,
  });
  const before = pool.bytes();
  const live = setInterval(() => tell({ kind: "live", ...liveOf(recorder), inFlight: loop.inFlight }), liveMs);
  try {
    await loop.run();
  } finally {
    clearInterval(live);
  }
  const after = pool.bytes();
  const bytes = { in: after.in - before.in, out: after.out - before.out };
  await action.close();
  pool.close();
  tell({ kind: "ran", recorded: recorder.recorded(), bytes });
}

/** p99 of the newest second that is over. */
function liveOf(recorder: Recorder) {
  const done = recorder.latency.totalCount;
  const second = recorder.stretches().at(-2)?.latency;
  return { done, errors: recorder.errorCount, missed: recorder.missed, p99Ms: second && percentileMs(second, 99) };
}

function tell(message: FromDriver): void {
  process.send?.(message);
}
