/**
 * One trial: senders and readers at work for a time, faults one after the other by a seed, then calm, then a look at the
 * book. Whatever the seed draws, each kind of fault comes once before any comes again.
 */
import { setMaxListeners } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { randomOf } from "../../../testing/seed.ts";
import { Book, type TrialFaults } from "./book.ts";
import { type FaultKind, faults } from "./faults.ts";
import { type Load, startLoad } from "./load.ts";
import { type FrontEndKind, openWorld, type World } from "./world.ts";

export type TrialOptions = {
  readonly seed: number;
  /** With faults, and after it without. */
  readonly faultMs: number;
  readonly calmMs: number;
  readonly kinds: readonly FaultKind[];
  readonly frontEnds: readonly FrontEndKind[];
  readonly load: Load;
};

export type TrialReport = {
  readonly seed: number;
  readonly acknowledged: number;
  readonly received: number;
  readonly commits: number;
  /** How often each kind was carried out. */
  readonly carriedOut: Partial<Record<FaultKind, number>>;
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

/** Above two sweeps of parked readers: what no hint brought comes with them. */
const drainMsMax = 60_000;
/** For senders to hear of what they have begun. */
const answerMsMax = 30_000;
const progressMs = 500;

export async function runTrial(options: TrialOptions, onProgress: (progress: Progress) => void): Promise<TrialReport> {
  await using world = await openWorld(options.frontEnds);
  const beganAtMs = performance.now();
  const clock = () => performance.now() - beganAtMs;
  const book = new Book(clock);
  const over = new AbortController();
  setMaxListeners(0, over.signal);
  const allMs = options.faultMs + options.calmMs;
  let now = "";
  const progress = setInterval(() => {
    const { acknowledged, missing } = book;
    onProgress({ part: Math.min(1, clock() / allMs), acknowledged, missing, now });
  }, progressMs);
  const load = startLoad({ ...options.load, seed: options.seed, book, over: over.signal, frontEnds: world.frontEnds });
  try {
    const carriedOut = await breakThings({ ...options, world, book, clock }, (what) => {
      now = what;
    });
    now = "calm";
    await pause(Math.max(0, allMs - clock()));
    now = "the last answers";
    await load.stopSenders(answerMsMax);
    now = "the last messages";
    const endMs = clock() + drainMsMax;
    while (book.missing > 0 && clock() < endMs) await pause(20);
    over.abort();
    await load.ended;
    const { acknowledged, received, commits } = book;
    const { worstMs, calmWorstMs } = book.lateness;
    const found = book.faults();
    const report = { seed: options.seed, acknowledged, received, commits, carriedOut, found };
    return { ...report, worstMs: Math.round(worstMs), calmWorstMs: Math.round(calmWorstMs), lines: book.lines() };
  } finally {
    clearInterval(progress);
    over.abort();
  }
}

type Parts = Pick<TrialOptions, "seed" | "faultMs" | "kinds"> & {
  readonly world: World;
  readonly book: Book;
  readonly clock: () => number;
};

async function breakThings({ seed, faultMs, kinds, world, book, clock }: Parts, onFault: (what: string) => void) {
  const random = randomOf(seed);
  const carriedOut: Partial<Record<FaultKind, number>> = {};
  if (kinds.length === 0) return carriedOut;
  for (;;) {
    for (const kind of shuffled(kinds, random)) {
      // what lets clients find their way back, at times, and at times not
      await pause(500 + 2_500 * random());
      const isSeen = kinds.every((each) => (carriedOut[each] ?? 0) > 0);
      if (clock() > faultMs && isSeen) return carriedOut;
      onFault(kind);
      const end = book.lateness.beginFault(clock());
      await faults[kind]({ world, random, tell: (what) => book.timeLine.fault(what) });
      end(clock());
      book.timeLine.fault(`${kind} is over`);
      onFault("");
      carriedOut[kind] = (carriedOut[kind] ?? 0) + 1;
    }
  }
}

function shuffled<T>(list: readonly T[], random: () => number): T[] {
  const drawn = list.map((item) => ({ item, at: random() }));
  return drawn.sort((one, other) => one.at - other.at).map(({ item }) => item);
}
