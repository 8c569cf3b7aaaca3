/** Where a reader stands in its inbox: what comes twice or is skipped is counted, and not handed on. */
import type { EnvelopeFields, GapFields } from "quicproquo-proto";

export type OnMessage = (seq: number, payload: Uint8Array) => void;

export class Cursor {
  readonly #onMessage: OnMessage;
  seq = 0n;
  storeEpoch = 0n;
  repeated = 0;
  gaps = 0;

  constructor(onMessage: OnMessage) {
    this.#onMessage = onMessage;
  }

  take(envelopes: readonly EnvelopeFields[], gap: GapFields): void {
    this.storeEpoch = gap.storeEpoch;
    if (gap.kind !== "none" && gap.upTo > this.seq) this.#skipTo(gap.upTo);
    for (const { seq, data } of envelopes) {
      if (seq <= this.seq) {
        this.repeated += 1;
        continue;
      }
      this.#skipTo(seq - 1n);
      this.seq = seq;
      this.#onMessage(Number(seq), data);
    }
  }

  #skipTo(seq: bigint): void {
    this.gaps += Number(seq - this.seq);
    this.seq = seq;
  }
}
