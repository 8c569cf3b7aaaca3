/**
 * One trial: senders and readers at work for a time, faults by a seed, then calm, then a look at the book. Whatever the
 * seed draws, each kind of fault comes once before any of its lane comes again.
 */
import { setMaxListeners } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { Book, type TrialFaults } from "./book.ts";
import { breakThings } from "./break-things.ts";
import type { FaultKind, FaultLanes } from "./faults.ts";
import { type Load, startLoad } from "./load.ts";
import { type FrontEndKind, openWorld } from "./world.ts";

export type TrialOptions = {
  readonly seed: number;
  /** With faults, and after it without. */
  readonly faultMs: number;
  readonly calmMs: number;
  readonly lanes: FaultLanes;
  /** The calm goes on until so many messages are acknowledged, for two minutes at most. */
  readonly acknowledgedMin: number;
  readonly frontEnds: readonly FrontEndKind[];
  readonly load: Load;
  /** For senders to hear of what they have begun. Default: 30 s. */
  readonly answerMsMax?: number;
  /** For what no hint brought. Default: 60 s, two sweeps of parked readers. */
  readonly drainMsMax?: number;
};

export type TrialReport = {
  readonly seed: number;
  readonly acknowledged: number;
  readonly received: number;
  readonly commits: number;
  /** How often each kind was carried out. */
  readonly carriedOut: Partial<Record<FaultKind, number>>;
  /** Looks of waiting readers that found something, by what made them look; of the front-ends' last lives only. */
  readonly foundBy: Readonly<Record<string, number>>;
  /** Refusals that a client met, by code. */
  readonly refused: Readonly<Record<string, number>>;
  readonly found: TrialFaults;
  readonly worstMs: number;
  readonly calmWorstMs: number;
  /** What happened, a line each. */
  readonly lines: readonly string[];
};

export type Progress = {
  readonly part: number;
  readonly acknowledged: number;
  readonly missing: number;
  readonly now: string;
};

const drainMsDefault = 60_000;
const calmExtraMsMax = 120_000;
const answerMsDefault = 30_000;
const progressMs = 500;
/** A turn of this process that takes longer is no fault of the servers. */
const stallMs = 1_000;

export async function runTrial(options: TrialOptions, onProgress: (progress: Progress) => void): Promise<TrialReport> {
  await using world = await openWorld(options.frontEnds);
  const beganAtMs = performance.now();
  const clock = () => performance.now() - beganAtMs;
  const book = new Book(clock);
  const over = new AbortController();
  setMaxListeners(0, over.signal);
  const allMs = options.faultMs + options.calmMs;
  let now = "";
  let tickMs = clock();
  const progress = setInterval(() => {
    const before = tickMs;
    tickMs = clock();
    if (tickMs - before > progressMs + stallMs) book.stall(before, tickMs);
    const { acknowledged, missing } = book;
    onProgress({ part: Math.min(1, clock() / allMs), acknowledged, missing, now });
  }, progressMs);
  const load = startLoad({ ...options.load, seed: options.seed, book, over: over.signal, frontEnds: world.frontEnds });
  try {
    const carriedOut = await breakThings({
      ...options,
      world,
      book,
      clock,
      onChange(broken) {
        now = broken.join(" + ");
      },
    });
    now = "calm";
    await pause(Math.max(0, allMs - clock()));
    const enoughMs = clock() + calmExtraMsMax;
    while (book.acknowledged < options.acknowledgedMin && clock() < enoughMs) await pause(100);
    now = "the last answers";
    await load.stopSenders(options.answerMsMax ?? answerMsDefault);
    now = "the last messages";
    const endMs = clock() + (options.drainMsMax ?? drainMsDefault);
    while (book.missing > 0 && clock() < endMs) await pause(20);
    over.abort();
    await load.ended;
    const { acknowledged, received, commits, refused } = book;
    const { worstMs, calmWorstMs } = book.lateness;
    const found = book.faults();
    const foundBy = await sumOf(world.frontEnds.map((frontEnd) => frontEnd.foundBySource()));
    const report = { seed: options.seed, acknowledged, received, commits, carriedOut, foundBy, refused, found };
    return { ...report, worstMs: Math.round(worstMs), calmWorstMs: Math.round(calmWorstMs), lines: book.lines() };
  } finally {
    clearInterval(progress);
    over.abort();
  }
}

async function sumOf(all: readonly Promise<Readonly<Record<string, number>>>[]): Promise<Record<string, number>> {
  const sum: Record<string, number> = {};
  for (const counts of await Promise.all(all)) {
    for (const [name, count] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + count;
  }
  return sum;
}
