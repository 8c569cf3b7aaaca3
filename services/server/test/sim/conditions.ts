/** What the seed of a run decides before it begins: how large the world is, how fast, and what goes wrong in it. */
import { Random } from "quicproquo-rpc/fuzz";
import { fractionOf } from "./virtual-time.ts";

const faultNames = [
  "crash",
  "drain",
  "store outage",
  "store lost to one",
  "bus cut",
  "bus deaf",
  "connection cut",
  "client crash",
  "epoch raised",
  "failover with loss",
  "tail flushed",
] as const;
export type FaultName = (typeof faultNames)[number];

export type Conditions = {
  readonly frontEnds: number;
  /** One inbox each. */
  readonly readers: number;
  readonly senders: number;
  readonly callsEach: number;
  /** Of one group that has all inboxes as members; 0 = there is none. */
  readonly rivals: number;
  readonly commitsEach: number;
  /** Usual latencies; some are 50 times as long. */
  readonly networkMs: number;
  readonly storeMs: number;
  readonly busMs: number;
  /** Of store calls that fail, before or after they took effect. */
  readonly storeFaultPercent: number;
  readonly hintLossPercent: number;
  /** A connection direction stands still, so often in 10,000 frames. */
  readonly stallsPerMyriad: number;
  /** The bus hears a moment after subscribe, and says when. */
  readonly armsLate: boolean;
  readonly sweepMs: number;
  readonly fetchMessagesMax: number;
  /** Nothing goes wrong after it. */
  readonly calmFromMs: number;
  readonly faultPauseMs: number;
  readonly faults: readonly FaultName[];
  /** What was stored a moment ago is kept beside the database. */
  readonly hasTail: boolean;
};

export function conditionsOf(seed: number): Conditions {
  const random = new Random(seed, "conditions");
  const between = (low: number, high: number): number => low + random.below(high - low + 1);
  return {
    frontEnds: random.pick([1, 2, 2, 3]),
    readers: between(2, 4),
    senders: between(1, 4),
    callsEach: between(3, 14),
    rivals: random.pick([0, 2, 2, 3]),
    commitsEach: between(2, 6),
    networkMs: random.pick([0.2, 1, 5]),
    storeMs: random.pick([0.2, 1, 5]),
    busMs: random.pick([0.2, 1, 20]),
    storeFaultPercent: random.pick([0, 1, 5, 20]),
    hintLossPercent: random.pick([0, 0, 20, 100]),
    stallsPerMyriad: random.pick([0, 0, 5, 30]),
    armsLate: random.chance(30),
    sweepMs: between(200, 600),
    fetchMessagesMax: random.pick([1, 2, 5, 100]),
    calmFromMs: between(2_000, 8_000),
    faultPauseMs: random.pick([150, 500, 1_500]),
    faults: faultNames.filter(() => random.chance(45)),
    hasTail: random.chance(60),
  };
}

/** About `usualMs`, seldom much more. */
export function latencyOf(random: Random, usualMs: number): number {
  const ms = usualMs * (0.2 + 1.6 * fractionOf(random));
  return random.chance(4) ? ms * 50 * fractionOf(random) : ms;
}
