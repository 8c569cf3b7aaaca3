/** Who waits for messages, and what made a look find some. */
import type { InboxKey } from "quicproquo-proto";
import type { HintSource, ReadAnswer } from "../store/port.ts";

/** `first`: the look with which a reader begins. `timer`: the safety sweep, or the last look of a fetchWait. */
export type LookSource = "first" | HintSource;

/**
 * Looks that found something, by what made the reader look. `timer` stands still while no hint is lost: a message that
 * is found just before its hint arrives counts there as well, but that is one in thousands.
 */
export type FoundCounts = Record<LookSource, number>;

export function newFoundCounts(): FoundCounts {
  return { first: 0, hint: 0, timer: 0, reconnect: 0 };
}

/** A parked call or a subscription. */
export interface Reader {
  readonly inbox: InboxKey;
  /** It has seen everything up to here. */
  readonly after: bigint;
  /** The epoch `after` was learnt in; 0 = unknown. */
  readonly storeEpoch: bigint;
  /** It looks for nothing, and nothing told it to. */
  readonly isIdle: boolean;
  /** Look again, or once more when a look is under way; when it is over, nothing. */
  lookFor(source: HintSource): void;
}

/** Something that a reader must be told. */
export function isNews({ messages, gap }: ReadAnswer): boolean {
  return messages.length > 0 || gap.kind !== "none";
}

/** What counts as what made a look find something: a hint that came meanwhile was not lost. */
export function creditOf(source: LookSource, meanwhile: LookSource | undefined): LookSource {
  return meanwhile === "hint" ? meanwhile : source;
}
