/**
 * One run of a simulated world: people send, commit and read while things go wrong, then all is calm, and within a bounded
 * time everything must be delivered, everybody gone, and nothing left behind.
 */
import { noTrialFaults } from "../crash/chaos/book.ts";
import { type Conditions, conditionsOf } from "./conditions.ts";
import type { FrontEndPlant } from "./front-end.ts";
import { checkMs, Sleepers } from "./sleepers.ts";
import { Trace } from "./trace.ts";
import { Troubles } from "./troubles.ts";
import { VirtualTime } from "./virtual-time.ts";
import { World } from "./world.ts";

const noFaults = { ...noTrialFaults, sleepers: 0, unfinished: 0, leftovers: 0 } as const;
export type Faults = Record<keyof typeof noFaults, number>;

export type RunOptions = {
  readonly seed: number;
  readonly plant?: FrontEndPlant;
  /** In place of what the seed would decide. */
  readonly conditions?: Partial<Conditions>;
  /** The time line is kept. */
  readonly keepLines?: boolean;
};

export type Run = {
  readonly seed: number;
  readonly faults: Faults;
  /** Of all that happened, and when. */
  readonly hash: string;
  readonly steps: number;
  /** How long the world lived, ms of its own. */
  readonly worldMs: number;
  readonly acknowledged: number;
  readonly received: number;
  /** The time line, when it was kept, and what the book tells of faults. */
  readonly lines: readonly string[];
};

/** From the end of all trouble until everything is delivered; a call, a sweep and a wait may come between. */
const calmMsMax = 30_000;
/** Something that is delivered twice may be on its way. */
const afterglowMs = 1_000;
const goodbyeMsMax = 20_000;

export async function simulate({
  seed,
  plant = {},
  conditions: given = {},
  keepLines = false,
}: RunOptions): Promise<Run> {
  const trace = new Trace({ keepLines });
  const time = new VirtualTime(seed, trace);
  using _ = time.install();
  const world = new World({ seed, time, trace, plant, conditions: { ...conditionsOf(seed), ...given } });
  const { books, database, conditions } = world;
  const sleepers = new Sleepers(database, conditions.sweepMs);
  const troubles = new Troubles({ ...world, note: (text) => trace.note(text) }, seed);

  let isCalm = false;
  let isSent = false;
  let hasLeft = false;
  const watch = (): void => {
    for (const { frontEnd } of world.sites) {
      if (frontEnd.isOver) continue;
      for (const told of sleepers.check(frontEnd, time.nowMs)) trace.note(told);
    }
    if (!hasLeft) time.after(checkMs, "watch", watch);
  };
  watch();
  const failures: unknown[] = [];
  const lives = [
    world.send().then(() => void (isSent = true)),
    troubles.run().then(() => void (isCalm = true)),
    ...world.readers.map((reader) => reader.run()),
  ].map((life) => life.catch((error: unknown) => void failures.push(error)));

  const isDone = (): boolean => failures.length > 0 || (isCalm && isSent && books.missing === 0);
  await time.run(conditions.calmFromMs + calmMsMax, isDone);
  const unfinished = isSent && isCalm ? 0 : 1;
  await time.run(time.nowMs + afterglowMs);
  trace.note(`everybody leaves: ${books.acknowledged} acknowledged, ${books.missing} missing`);
  for (const seat of world.seats) seat.end();
  void Promise.all(lives).then(() => (hasLeft = true));
  const hasEnded = (): boolean => hasLeft && world.frontEnds.every(({ left }) => left === "");
  await time.run(time.nowMs + goodbyeMsMax, hasEnded);
  const left = world.frontEnds.map(({ left, name }) => (left === "" ? "" : `${name} keeps ${left}`)).filter(Boolean);
  if (!hasLeft) left.push("somebody has not left");
  for (const line of left) trace.note(line);
  for (const { frontEnd } of world.sites) if (!frontEnd.isOver) frontEnd.crash();
  if (failures.length > 0) throw new Error(`seed ${seed}: a client failed`, { cause: failures[0] });
  return {
    seed,
    faults: { ...books.faults(), sleepers: sleepers.count, unfinished, leftovers: left.length },
    hash: trace.hash,
    steps: time.steps,
    worldMs: time.nowMs,
    acknowledged: books.acknowledged,
    received: books.received,
    lines: [...trace.lines, ...books.lines()],
  };
}

/** Names and counts of what is not as it must be. */
export function faultsIn(run: Run): string {
  const found = Object.entries(run.faults).filter(([, count]) => count > 0);
  return found.map(([name, count]) => `${name} ${count}`).join(", ");
}
