/**
 * MLS groups of 2 to 1,000 members: what each step costs, beside ts-mls with its own WebCrypto provider and beside OpenMLS,
 * and what a message writes into the state.
 */
import type { MeasuredGroup } from "../mls/measured-group.ts";
import { OpenMlsGroup } from "../mls/openmls-group.ts";
import { OurGroup } from "../mls/our-group.ts";
import { StockGroup } from "../mls/stock-group.ts";
import { Progress } from "../progress.ts";
import { median, type Report, spreadOf } from "../report.ts";
import type { RunOptions, Scenario } from "../scenario.ts";

const sizes = [2, 10, 100, 1_000] as const;
/** What the others are measured at. */
const comparedAt = 100;
const steps = {
  add_ms: "add",
  process_add_ms: "processAdd",
  remove_ms: "remove",
  update_ms: "update",
  encrypt_ms: "encrypt",
  decrypt_ms: "decrypt",
} as const satisfies Record<string, keyof MeasuredGroup>;
type StepName = keyof typeof steps;
const stepNames = Object.keys(steps) as StepName[];

class Samples {
  readonly #values = new Map<string, number[]>();

  add(name: string, value: number): void {
    this.#values.set(name, [...this.of(name), value]);
  }

  of(name: string): readonly number[] {
    return this.#values.get(name) ?? [];
  }

  median(name: string): number | null {
    const values = this.of(name);
    return values.length === 0 ? null : median(values);
  }

  /** Of each run, ours to the other. */
  ratios(ours: string, other: string): readonly number[] {
    return this.of(other).map((value, run) => (this.of(ours)[run] as number) / value);
  }
}

export const mlsScenario: Scenario = {
  doc: "MLS groups of 2 to 1,000 members, beside ts-mls as it comes and OpenMLS",
  async run({ quick, say }: RunOptions) {
    const runs = quick ? 5 : 9;
    const measured = quick ? sizes.filter((size) => size < 1_000) : sizes;
    const samples = new Samples();
    const notes = [
      "a group was made by one commit and nobody has renewed yet: update and remove seal to every member, their worst case",
      `encrypt and decrypt: 200 bytes; without a number, at ${comparedAt} members`,
    ];
    const progress = new Progress(measured.length + 1);
    for (const size of measured) {
      const ours = await OurGroup.of(size);
      const stock = size === comparedAt ? await StockGroup.of(size) : undefined;
      await measure({ size, ours, stock, runs, samples });
      if (size === comparedAt) samples.add("state_bytes", await ours.stateBytesPerMessage());
      progress.step(`${size} members: add ${samples.median(`add_ms_${size}`)?.toFixed(1)} ms`);
    }
    const missing = await measureOpenMls(runs, samples);
    if (missing !== undefined) notes.push(`add_vs_openmls_${comparedAt}: ${missing}`);
    else notes.push("OpenMLS: CoreCrypto 10.3.0 in WebAssembly, its store in memory; its group grows by one an add");
    if (quick) notes.push("*_1000: left out by --quick");
    progress.step("OpenMLS");
    say("");
    return reportOf(samples, runs, notes);
  },
};

type Measure = {
  readonly size: number;
  readonly ours: MeasuredGroup;
  readonly stock: MeasuredGroup | undefined;
  readonly runs: number;
  readonly samples: Samples;
};

/** Alternated step by step, so that a slow moment of the machine hits both; the first run compiles and isn't counted. */
async function measure({ size, ours, stock, runs, samples }: Measure): Promise<void> {
  for (let run = -1; run < runs; run++) {
    for (const name of stepNames) {
      const subjects = [
        { group: ours, label: `${name}_${size}` },
        ...(stock === undefined ? [] : [{ group: stock, label: `stock_${name}` }]),
      ];
      for (const { group, label } of run % 2 === 0 ? subjects : subjects.toReversed()) {
        const ms = await group[steps[name]]();
        if (run >= 0) samples.add(label, ms);
      }
    }
  }
}

/** Why it could not be measured, or undefined. */
async function measureOpenMls(runs: number, samples: Samples): Promise<string | undefined> {
  try {
    using group = await OpenMlsGroup.of(comparedAt);
    const ours = await OurGroup.of(comparedAt);
    for (let run = -1; run < runs; run++) {
      const theirs = await group.add();
      const own = await ours.add();
      if (run < 0) continue;
      samples.add("openmls_add", theirs);
      samples.add("beside_openmls_add", own);
    }
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function reportOf(samples: Samples, runs: number, notes: readonly string[]): Omit<Report, "scenario" | "host"> {
  const figures: Record<string, number | null> = {};
  const spread: Record<string, readonly [number, number, number]> = {};
  const take = (name: string, values: readonly number[]): number | null => {
    if (values.length > 0) spread[name] = spreadOf(values);
    return values.length > 0 ? median(values) : null;
  };
  for (const size of sizes) {
    for (const name of stepNames) figures[`${name}_${size}`] = take(`${name}_${size}`, samples.of(`${name}_${size}`));
  }
  for (const name of ["encrypt_ms", "decrypt_ms"] as const) {
    figures[name] = take(name, samples.of(`${name}_${comparedAt}`));
    figures[`stock_${name}_${comparedAt}`] = samples.median(`stock_${name}`);
  }
  for (const name of ["add_ms", "process_add_ms", "remove_ms", "update_ms"] as const) {
    figures[`stock_${name}_${comparedAt}`] = samples.median(`stock_${name}`);
  }
  figures[`openmls_add_ms_${comparedAt}`] = samples.median("openmls_add");
  figures[`state_bytes_per_message_${comparedAt}`] = samples.median("state_bytes");
  const ratio = (name: string, ours: string, other: string) => take(name, samples.ratios(ours, other));
  return {
    runs,
    figures,
    ratios: {
      [`add_vs_stock_${comparedAt}`]: ratio(`add_vs_stock_${comparedAt}`, `add_ms_${comparedAt}`, "stock_add_ms"),
      [`update_vs_stock_${comparedAt}`]: ratio(
        `update_vs_stock_${comparedAt}`,
        `update_ms_${comparedAt}`,
        "stock_update_ms",
      ),
      encrypt_vs_stock: ratio("encrypt_vs_stock", `encrypt_ms_${comparedAt}`, "stock_encrypt_ms"),
      decrypt_vs_stock: ratio("decrypt_vs_stock", `decrypt_ms_${comparedAt}`, "stock_decrypt_ms"),
      [`add_vs_openmls_${comparedAt}`]: ratio(`add_vs_openmls_${comparedAt}`, "beside_openmls_add", "openmls_add"),
    },
    spread,
    notes,
  };
}
