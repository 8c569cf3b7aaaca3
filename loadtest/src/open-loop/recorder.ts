/**
 * What became of the actions of a load: latencies from the moment each was due and, beside it, from when it was begun;
 * errors by code; and the same for each stretch of time. HDR histograms of us (Gil Tene, http://hdrhistogram.org), which
 * several processes can add up without losing a percentile.
 */
import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram } from "hdr-histogram-js";

/** Why an action was not done: the load's own limit was reached. */
export const missedCode = "E082_LOAD_IN_FLIGHT";

/** What takes longer counts as that long: 30 minutes. */
const latencyUsMax = 1_800e6;
/** 3 digits: 0.1 %. A stretch of time has 2, 1 %, so that half an hour of seconds is some 20 MB. */
const digits = { all: 3, stretch: 2 } as const;
/** Of a long load a stretch is longer than a second. */
const stretchesMax = 7_200;

export type Outcome = { readonly dueMs: number; readonly beganMs: number; readonly endedMs: number };

type Stretch = { readonly latency: Histogram; errors: number; missed: number };

/** For another process, or a file. Histograms are base64 of HDR's own compressed format, version 2. */
export type Recorded = {
  readonly stretchSeconds: number;
  readonly latency: string;
  readonly service: string;
  readonly lateness: string;
  readonly errors: Readonly<Record<string, number>>;
  readonly missed: number;
  readonly stretches: readonly { readonly at: number; readonly latency: string; errors: number; missed: number }[];
};

export class Recorder {
  readonly stretchSeconds: number;
  readonly latency = newHistogram(digits.all);
  /** From when an action was begun. */
  readonly service = newHistogram(digits.all);
  /** From when it was due until it was begun: what the load itself is late. */
  readonly lateness = newHistogram(digits.all);
  readonly errors: Record<string, number> = {};
  missed = 0;
  readonly #stretches: (Stretch | undefined)[] = [];

  constructor(durationSeconds: number) {
    this.stretchSeconds = Math.max(1, Math.ceil(durationSeconds / stretchesMax));
  }

  /** Times from the end of the warm-up, which is not recorded. */
  done({ dueMs, beganMs, endedMs }: Outcome): void {
    if (dueMs < 0) return;
    const latencyUs = microseconds(endedMs - dueMs);
    this.latency.recordValue(latencyUs);
    this.service.recordValue(microseconds(endedMs - beganMs));
    this.lateness.recordValue(microseconds(beganMs - dueMs));
    this.#stretch(dueMs).latency.recordValue(latencyUs);
  }

  failed(dueMs: number, code: string): void {
    if (dueMs < 0) return;
    this.errors[code] = (this.errors[code] ?? 0) + 1;
    this.#stretch(dueMs).errors++;
  }

  /** Not begun, because inFlightMax were under way. */
  missedAt(dueMs: number): void {
    if (dueMs < 0) return;
    this.missed++;
    this.#stretch(dueMs).missed++;
  }

  get errorCount(): number {
    return Object.values(this.errors).reduce((sum, count) => sum + count, 0);
  }

  /** With what another one recorded in the same time. */
  add(recorded: Recorded): void {
    this.latency.add(decodeFromCompressedBase64(recorded.latency));
    this.service.add(decodeFromCompressedBase64(recorded.service));
    this.lateness.add(decodeFromCompressedBase64(recorded.lateness));
    for (const [code, count] of Object.entries(recorded.errors)) this.errors[code] = (this.errors[code] ?? 0) + count;
    this.missed += recorded.missed;
    for (const { at, latency, errors, missed } of recorded.stretches) {
      const stretch = this.#stretch(at * this.stretchSeconds * 1_000);
      stretch.latency.add(decodeFromCompressedBase64(latency));
      stretch.errors += errors;
      stretch.missed += missed;
    }
  }

  recorded(): Recorded {
    return {
      stretchSeconds: this.stretchSeconds,
      latency: encodeIntoCompressedBase64(this.latency),
      service: encodeIntoCompressedBase64(this.service),
      lateness: encodeIntoCompressedBase64(this.lateness),
      errors: this.errors,
      missed: this.missed,
      stretches: this.stretches().map(({ at, latency, errors, missed }) => {
        return { at, latency: encodeIntoCompressedBase64(latency), errors, missed };
      }),
    };
  }

  /** In which something was due; `at` counts stretches from 0. */
  stretches(): readonly (Stretch & { readonly at: number })[] {
    return this.#stretches.flatMap((stretch, at) => (stretch === undefined ? [] : [{ at, ...stretch }]));
  }

  #stretch(dueMs: number): Stretch {
    const at = Math.floor(dueMs / 1_000 / this.stretchSeconds);
    return (this.#stretches[at] ??= { latency: newHistogram(digits.stretch), errors: 0, missed: 0 });
  }
}

/** p from 0 to 100. */
export function percentileMs(histogram: Histogram, p: number): number {
  return histogram.getValueAtPercentile(p) / 1_000;
}

function newHistogram(numberOfSignificantValueDigits: 2 | 3): Histogram {
  // grows with what it is told
  const range = { lowestDiscernibleValue: 1, highestTrackableValue: 2, autoResize: true };
  return build({ ...range, numberOfSignificantValueDigits, bitBucketSize: 32 });
}

function microseconds(ms: number): number {
  return Math.min(latencyUsMax, Math.max(0, Math.round(ms * 1_000)));
}
