/**
 * MLS groups of 2 to 1,000 members: what each step costs, beside ts-mls with its own WebCrypto provider and beside OpenMLS,
 * and what a message writes into the state.
 */
import type { MeasuredGroup } from "../mls/measured-group.ts";
import { OpenMlsGroup } from "../mls/openmls-group.ts";
import { OurGroup } from "../mls/our-group.ts";
import { StockGroup } from "../mls/stock-group.ts";
import { Progress } from "../progress.ts";
import type { Report } from "../report.ts";
import { Rows, Samples } from "../samples.ts";
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

export const mlsScenario: Scenario = {
  doc: "MLS groups of 2 to 1,000 members, beside ts-mls as it comes and OpenMLS",
  names: {
    figures: [
      ...sizes.flatMap((size) => stepNames.map((name) => `${name}_${size}`)),
      "encrypt_ms",
      "decrypt_ms",
      ...stepNames.map((name) => `stock_${name}_${comparedAt}`),
      `openmls_add_ms_${comparedAt}`,
      `state_bytes_per_message_${comparedAt}`,
    ],
    ratios: [
      `add_vs_stock_${comparedAt}`,
      `update_vs_stock_${comparedAt}`,
      "encrypt_vs_stock",
      "decrypt_vs_stock",
      `add_vs_openmls_${comparedAt}`,
    ],
  },
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
    if (missing !== undefined) notes.push(`openmls_*, add_vs_openmls_*: ${missing}`);
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
  const rows = new Rows();
  for (const size of sizes) {
    for (const name of stepNames) rows.figure(`${name}_${size}`, samples.of(`${name}_${size}`));
  }
  for (const name of ["encrypt_ms", "decrypt_ms"] as const) {
    rows.figure(name, samples.of(`${name}_${comparedAt}`));
    rows.figures[`stock_${name}_${comparedAt}`] = samples.median(`stock_${name}`);
  }
  for (const name of ["add_ms", "process_add_ms", "remove_ms", "update_ms"] as const) {
    rows.figures[`stock_${name}_${comparedAt}`] = samples.median(`stock_${name}`);
  }
  rows.figures[`openmls_add_ms_${comparedAt}`] = samples.median("openmls_add");
  rows.figures[`state_bytes_per_message_${comparedAt}`] = samples.median("state_bytes");
  rows.ratio(`add_vs_stock_${comparedAt}`, samples.ratios(`add_ms_${comparedAt}`, "stock_add_ms"));
  rows.ratio(`update_vs_stock_${comparedAt}`, samples.ratios(`update_ms_${comparedAt}`, "stock_update_ms"));
  rows.ratio("encrypt_vs_stock", samples.ratios(`encrypt_ms_${comparedAt}`, "stock_encrypt_ms"));
  rows.ratio("decrypt_vs_stock", samples.ratios(`decrypt_ms_${comparedAt}`, "stock_decrypt_ms"));
  rows.ratio(`add_vs_openmls_${comparedAt}`, samples.ratios("beside_openmls_add", "openmls_add"));
  return { runs, figures: rows.figures, ratios: rows.ratios, spread: rows.spread, notes };
}
