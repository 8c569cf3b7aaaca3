/** Carries faults out, one lane beside the other, and tells the book when something is broken. */
import { setTimeout as pause } from "node:timers/promises";
import { randomOf } from "../../../testing/seed.ts";
import type { Book } from "./book.ts";
import { type FaultKind, type FaultLanes, faults } from "./faults.ts";
import type { World } from "./world.ts";

type Counts = Partial<Record<FaultKind, number>>;

type BreakOptions = {
  readonly seed: number;
  readonly faultMs: number;
  /** In a lane one at a time, each kind once before any comes again. */
  readonly lanes: FaultLanes;
  readonly world: World;
  readonly book: Book;
  /** ms since the trial began. */
  readonly clock: () => number;
  /** What is broken just now. */
  readonly onChange: (broken: readonly FaultKind[]) => void;
};

/** Until the time is over and each kind has been seen: how often each was carried out, and everything is whole again. */
export async function breakThings(options: BreakOptions): Promise<Counts> {
  const counts: Counts = {};
  const broken = new Set<FaultKind>();
  const { world, book, clock, onChange } = options;
  const carryOut = async (kind: FaultKind, random: () => number): Promise<void> => {
    broken.add(kind);
    onChange([...broken]);
    const end = book.lateness.beginFault(clock());
    await faults[kind]({ world, random, tell: (what) => book.timeLine.fault(what) });
    end(clock());
    book.timeLine.fault(`${kind} is over`);
    broken.delete(kind);
    onChange([...broken]);
    counts[kind] = (counts[kind] ?? 0) + 1;
  };
  const followLane = async (kinds: readonly FaultKind[], lane: number): Promise<void> => {
    const random = randomOf(options.seed * 10 + lane);
    const isOver = (): boolean => clock() > options.faultMs && kinds.every((kind) => counts[kind] !== undefined);
    while (!isOver()) {
      for (const kind of shuffled(kinds, random)) {
        // at times enough for clients to find their way back, at times not
        await pause(500 + 4_500 * random());
        if (isOver()) return;
        await carryOut(kind, random);
      }
    }
  };
  await Promise.all(options.lanes.map(followLane));
  return counts;
}

function shuffled<T>(list: readonly T[], random: () => number): T[] {
  const drawn = list.map((item) => ({ item, at: random() }));
  return drawn.sort((one, other) => one.at - other.at).map(({ item }) => item);
}
