/**
 * Runs mutated recordings of all targets in turn until the time is over or something is found. Run n of a target under
 * a seed is always the same run, whatever else was run before it.
 */
import type { Finding } from "./finding.ts";
import type { Input } from "./input.ts";
import { type Donors, mutateOps } from "./mutate-ops.ts";
import { Random } from "./random.ts";
import { readRpcMessage } from "./rpc-message.ts";
import { type Ran, run } from "./run.ts";
import { shrink } from "./shrink.ts";
import type { Recording, Target } from "./target.ts";
import { listenForUnhandled } from "./unhandled.ts";
import { Watchdog } from "./watchdog.ts";

type CampaignOptions = {
  readonly seed: number;
  /** A bound on the time; what is running is finished. */
  readonly milliseconds: number;
  /** The first run of each target; 0 by default. */
  readonly from?: number | undefined;
};

/** What was run of one target. */
class Tally {
  readonly target: string;
  runs = 0;
  /** How sessions stood at the end of their input. */
  readonly ends = { alive: 0, aborted: 0, closed: 0 };
  fedBytes = 0;
  sentBytes = 0;

  constructor(target: string) {
    this.target = target;
  }

  add({ end, fedBytes, sentBytes }: Ran): void {
    this.runs++;
    this.ends[end]++;
    this.fedBytes += fedBytes;
    this.sentBytes += sentBytes;
  }

  toString(): string {
    const { alive, aborted, closed } = this.ends;
    const ends = `${alive} lived, ${aborted} aborted, ${closed} closed`;
    const bytes = [this.fedBytes, this.sentBytes].map((sum) => `${(sum / 1e6).toFixed(1)} MB`);
    return `${this.target}: ${this.runs} sessions (${ends}), ${bytes[0]} in, ${bytes[1]} out`;
  }
}

type Campaign = {
  readonly tallies: readonly Tally[];
  readonly found: Found | undefined;
};

export type Found = {
  /** Shrunk. */
  readonly input: Input;
  readonly finding: Finding;
  /** The run that found it. */
  readonly run: number;
};

/** One target is run so long before the next one's turn. */
const sliceMs = 500;

export async function campaign(targets: readonly Target[], options: CampaignOptions): Promise<Campaign> {
  const endMs = performance.now() + options.milliseconds;
  using _listening = listenForUnhandled();
  using watchdog = new Watchdog(options.seed);
  const fuzzers: Fuzzer[] = [];
  for (const target of targets) fuzzers.push(await Fuzzer.of(target, options, watchdog));
  const tallies = fuzzers.map(({ tally }) => tally);
  while (performance.now() < endMs && fuzzers.length > 0) {
    for (const fuzzer of fuzzers) {
      const found = await fuzzer.runUntil(Math.min(endMs, performance.now() + sliceMs));
      if (found !== undefined) return { tallies, found };
    }
  }
  return { tallies, found: undefined };
}

class Fuzzer {
  readonly tally: Tally;
  readonly #target: Target;
  readonly #recordings: readonly Recording[];
  /** Calls to the session in them. */
  readonly #calls: readonly Uint8Array[];
  readonly #seed: number;
  readonly #watchdog: Watchdog;
  #next: number;

  private constructor(target: Target, recordings: readonly Recording[], options: CampaignOptions, watchdog: Watchdog) {
    this.#target = target;
    this.#recordings = recordings;
    this.#calls = recordings
      .flatMap(({ ops }) => ops.flatMap((op) => (op.kind === "bytes" ? [op.bytes] : [])))
      .filter(isCall);
    this.#seed = options.seed;
    this.#next = options.from ?? 0;
    this.#watchdog = watchdog;
    this.tally = new Tally(target.name);
  }

  static async of(target: Target, options: CampaignOptions, watchdog: Watchdog): Promise<Fuzzer> {
    return new Fuzzer(target, await target.record(), options, watchdog);
  }

  async runUntil(endMs: number): Promise<Found | undefined> {
    // making stacks for errors nobody reads takes a tenth of the time
    using _stacks = withoutStacks();
    do {
      const n = this.#next++;
      const input = this.#inputOf(n);
      this.#watchdog.begins(this.#target.name, n);
      const ran = await run(this.#target, input, this.#calls);
      this.#watchdog.ends();
      this.tally.add(ran);
      const { ops, finding } = ran;
      if (finding === undefined) continue;
      _stacks[Symbol.dispose]();
      const shrunk = await shrink(this.#target, { ...input, ops }, finding);
      return { input: shrunk.input, finding: shrunk.finding, run: n };
    } while (performance.now() < endMs);
    return undefined;
  }

  #inputOf(n: number): Input {
    const random = new Random(this.#seed, this.#target.name, n);
    const recording = this.#recordings[random.small(this.#recordings.length)] as Recording;
    const donors: Donors = {
      ops: random.pick(this.#recordings).ops,
      otherDirection: recording.sent,
      acts: this.#target.acts,
    };
    const variant = random.pick(this.#target.variants);
    return { target: this.#target.name, variant, ops: mutateOps(recording.ops, random, donors) };
  }
}

function isCall(frame: Uint8Array): boolean {
  return readRpcMessage(frame)?.kind === "call";
}

function withoutStacks(): Disposable {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  return {
    [Symbol.dispose]() {
      Error.stackTraceLimit = stackTraceLimit;
    },
  };
}
