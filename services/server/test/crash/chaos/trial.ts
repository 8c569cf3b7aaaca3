/**
 * One trial: senders and readers at work for a time, faults by a seed, then calm, then a look at the book. Whatever the
 * seed draws, each kind of fault comes once before any of its lane comes again.
 */
import { setMaxListeners } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { randomOf } from "../../../testing/seed.ts";
import { Book, type TrialFaults } from "./book.ts";
import { type FaultKind, type FaultLanes, faults } from "./faults.ts";
import { type Load, startLoad } from "./load.ts";
import { type FrontEndKind, openWorld, type World } from "./world.ts";

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
    const broken = new Set<string>();
    const show = (): void => {
      now = [...broken].join(" + ");
    };
    const carriedOut: Partial<Record<FaultKind, number>> = {};
    const parts = { world, book, clock, broken, show, carriedOut };
    await Promise.all(options.lanes.map((kinds, lane) => breakThings({ ...options, ...parts, kinds, lane })));
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
    const report = { seed: options.seed, acknowledged, received, commits, carriedOut, refused, found };
    return { ...report, worstMs: Math.round(worstMs), calmWorstMs: Math.round(calmWorstMs), lines: book.lines() };
  } finally {
    clearInterval(progress);
    over.abort();
  }
}

type Lane = Pick<TrialOptions, "seed" | "faultMs"> & {
  readonly kinds: readonly FaultKind[];
  readonly lane: number;
  readonly world: World;
  readonly book: Book;
  readonly clock: () => number;
  readonly carriedOut: Partial<Record<FaultKind, number>>;
  readonly broken: Set<string>;
  readonly show: () => void;
};

/** One fault after the other until the time is over and each kind has been seen. */
async function breakThings(options: Lane): Promise<void> {
  const { seed, lane, faultMs, kinds, world, book, clock, carriedOut, broken, show } = options;
  const random = randomOf(seed * 10 + lane);
  const isSeen = (): boolean => kinds.every((kind) => (carriedOut[kind] ?? 0) > 0);
  for (;;) {
    for (const kind of shuffled(kinds, random)) {
      // at times enough for clients to find their way back, at times not
      await pause(500 + 4_500 * random());
      if (clock() > faultMs && isSeen()) return;
      broken.add(kind);
      show();
      const end = book.lateness.beginFault(clock());
      await faults[kind]({ world, random, tell: (what) => book.timeLine.fault(what) });
      end(clock());
      book.timeLine.fault(`${kind} is over`);
      broken.delete(kind);
      show();
      carriedOut[kind] = (carriedOut[kind] ?? 0) + 1;
    }
  }
}

function shuffled<T>(list: readonly T[], random: () => number): T[] {
  const drawn = list.map((item) => ({ item, at: random() }));
  return drawn.sort((one, other) => one.at - other.at).map(({ item }) => item);
}
