/**
 * Where a front-end's CPU goes, by part of the server, with V8's profiler: durable enqueues, and the same with a push to a
 * reader each, on both stores. With --svg FOLDER a flame graph of each; with --server FOLDER the qpq-server of another
 * checkout, so that two are compared.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ensurePostgres, ensureRedis } from "../../../scripts/apt.ts";
import type { Window } from "../closed-loop.ts";
import { callers } from "../delivery/load.ts";
import { flameGraph } from "../profile/flame-graph.ts";
import { type Part, parts } from "../profile/parts.ts";
import { type Path, type Profiled, profiled } from "../profile/profiled.ts";
import { Progress } from "../progress.ts";
import { Rows, Samples } from "../samples.ts";
import type { RunOptions, Scenario } from "../scenario.ts";
import { payloadBytes } from "../workload.ts";

const paths: readonly Path[] = [
  { store: "cluster", work: "enqueue" },
  { store: "cluster", work: "subscribe" },
  { store: "embedded", work: "enqueue" },
  { store: "embedded", work: "subscribe" },
];

type Plan = { readonly runs: number; readonly window: Window };
const plans: Record<"quick" | "full", Plan> = {
  quick: { runs: 1, window: { warmUpMs: 1_500, windowMs: 2_500 } },
  full: { runs: 3, window: { warmUpMs: 5_000, windowMs: 10_000 } },
};

const partNames = Object.keys(parts) as Part[];
const nameOf = ({ store, work }: Path): string => `${store}_${work}`;
const wholes = ["cpu_us_per_message", "main_thread_us_per_message", "allocated_bytes_per_message"] as const;
const namesOf = (path: Path): string[] =>
  [...wholes, ...partNames.map((part) => `${part}_us_per_message`)].map((name) => `${nameOf(path)}_${name}`);

export const profileScenario: Scenario = {
  doc: "where a front-end's CPU goes: us a message by part of the server, bytes allocated, and flame graphs (--svg FOLDER)",
  names: { figures: paths.flatMap(namesOf), ratios: [] },
  options: { svg: { type: "string" }, server: { type: "string" } },
  async run({ quick, flags, say }: RunOptions) {
    ensurePostgres();
    ensureRedis();
    const plan = quick ? plans.quick : plans.full;
    const { svg, server } = flags as { readonly svg?: string; readonly server?: string };
    say(`${callers} callers on 8 connections, ${payloadBytes} B, one front-end; ${plan.runs} runs`);
    const samples = new Samples();
    const progress = new Progress(plan.runs * paths.length);
    for (let run = 0; run < plan.runs; run++) {
      for (const path of run % 2 === 0 ? paths : paths.toReversed()) {
        const found = await profiled({ ...path, window: plan.window, serverFolder: server });
        add(samples, path, found);
        if (svg !== undefined && run === plan.runs - 1) draw(svg, path, found);
        progress.step(`${nameOf(path)}: ${found.cpuUs.toFixed(1)} us, ${Math.round(found.allocatedBytes)} B a message`);
      }
    }
    const rows = new Rows();
    for (const name of profileScenario.names.figures) rows.figure(name, samples.of(name));
    const notes = [
      "cpu: user and system of the front-end, a message, with the profiler on, which costs a tenth; the parts are its shares by samples of V8's profiler",
      "subscribe: each message is also pushed to a reader and acknowledged; a message's figures are of all of that",
      "allocated: in V8's heap, all threads; what Buffers hold outside of it is not counted",
      ...Object.entries(parts).map(([part, doc]) => `${part}: ${doc}`),
    ];
    return { runs: plan.runs, figures: rows.figures, ratios: {}, spread: rows.spread, notes };
  },
};

function add(samples: Samples, path: Path, { cpuUs, mainThreadUs, allocatedBytes, byPart }: Profiled): void {
  const values = [cpuUs, mainThreadUs, allocatedBytes, ...partNames.map((part) => byPart[part])];
  for (const [i, name] of namesOf(path).entries()) samples.add(name, values[i] as number);
}

function draw(folder: string, path: Path, { tree, cpuUs, messages }: Profiled): void {
  const { store, work } = path;
  const does = work === "enqueue" ? "durable enqueues" : "durable enqueues, each pushed to a reader and acknowledged";
  const title = `Main thread of a front-end, ${store} store: ${does}; ${cpuUs.toFixed(0)} us a message over ${messages.toLocaleString("en")}`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${nameOf(path)}.svg`), flameGraph(tree, title));
}
