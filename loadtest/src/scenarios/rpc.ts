/**
 * Cap'n Proto messages and calls: what encoding and decoding an enqueue costs beside protobufjs and capnp-es, and how many
 * echo calls a second go through our server beside the C++ reference implementation's, over TCP on loopback.
 */
import { fileURLToPath } from "node:url";
import { buildCpp } from "quicproquo-rpc/testing";
import { ensureAptPackages } from "../../../scripts/apt.ts";
import { runDriver } from "../drivers/driver.ts";
import type { EncodingTask, EncodingTimes } from "../drivers/encoding.ts";
import { type EchoLoop, EchoSides, type Language } from "../echo/echo-sides.ts";
import { type Cores, coresOfTwo } from "../pinned.ts";
import { Progress } from "../progress.ts";
import { Rows, Samples } from "../samples.ts";
import type { RunOptions, Scenario } from "../scenario.ts";

const sizes = [240, 4_096] as const;
const operations = ["encode", "decode"] as const;
const payloadBytes = 200;
const toOurs = ["cpp", "ours"] as const;
const allCpp = ["cpp", "cpp"] as const;
/** Client and server of each window; those of one line are measured side by side. */
const echoes: readonly { readonly callers: number; readonly pairs: readonly (readonly [Language, Language])[] }[] = [
  { callers: 1, pairs: [toOurs, allCpp] },
  { callers: 16, pairs: [toOurs, allCpp] },
  { callers: 256, pairs: [toOurs, allCpp, ["ours", "ours"]] },
];

const timed = sizes.flatMap((frameBytes) => operations.map((operation) => ({ operation, frameBytes })));

export const rpcScenario: Scenario = {
  doc: "Cap'n Proto: encode and decode beside protobufjs and capnp-es, echo calls/s over TCP beside C++",
  names: {
    figures: [
      ...timed.flatMap(({ operation, frameBytes }) =>
        ["", "_protobufjs", "_capnp_es"].map((of) => `${operation}_ns${of}_${frameBytes}`),
      ),
      ...echoes.flatMap(({ callers, pairs }) =>
        pairs.map(([client, server]) => `echo_per_s_${client}_${server}_${callers}`),
      ),
    ],
    ratios: [
      ...timed.flatMap(({ operation, frameBytes }) =>
        ["protobufjs", "capnp_es"].map((other) => `${operation}_vs_${other}_${frameBytes}`),
      ),
      ...echoes.map(({ callers }) => `echo_vs_cpp_tcp_${callers}`),
      "js_js_vs_cpp_tcp_256",
    ],
  },
  async run({ quick, say }: RunOptions) {
    const runs = quick ? 7 : 15;
    const cores = coresOfTwo();
    ensureAptPackages(["capnproto", "libcapnp-dev", "g++"]);
    say("compiling the C++ echo (once) ...");
    const cppProgram = await buildCpp({
      name: "echo",
      files: ["echo.capnp", "echo.cpp"].map((name) => fileURLToPath(new URL(`../../cpp/${name}`, import.meta.url))),
      isOptimized: true,
    });
    const rows = new Rows();
    const progress = new Progress(timed.length + runs);
    for (const { operation, frameBytes } of timed) {
      const task: EncodingTask = { operation, message: { frameBytes }, runs, slices: quick ? 15 : 31 };
      const times = await runDriver<EncodingTimes>("encoding", task);
      takeEncoding(rows, { operation, frameBytes }, times);
      progress.step(`${operation} ${frameBytes} B: ${rows.figures[`${operation}_ns_${frameBytes}`]?.toFixed(0)} ns`);
    }
    await using sides = await EchoSides.start(cppProgram, cores);
    const samples = new Samples();
    const window = quick ? { warmUpMs: 40, windowMs: 200 } : { warmUpMs: 60, windowMs: 500 };
    // The first warms the servers up and isn't counted.
    await measureEchoes(sides, new Samples(), { run: 0, window: { warmUpMs: 200, windowMs: 100 } });
    for (let run = 0; run < runs; run++) {
      await measureEchoes(sides, samples, { run, window });
      const rate = (name: string): number => Math.round(samples.of(name)[run] as number);
      progress.step(`echo, 256 outstanding: ${rate("cpp_ours_256")} calls/s, C++ ${rate("cpp_cpp_256")}`);
    }
    takeEchoes(rows, samples);
    const { figures, ratios, spread } = rows;
    return { runs, figures, ratios, spread, notes: notesOf(cores) };
  },
};

function takeEncoding(rows: Rows, { operation, frameBytes }: (typeof timed)[number], times: EncodingTimes): void {
  const { ours, protobufjs, capnpEs = [] } = times;
  const ratios = (others: readonly number[]): number[] => others.map((other, run) => (ours[run] as number) / other);
  rows.figure(`${operation}_ns_${frameBytes}`, ours);
  rows.figure(`${operation}_ns_protobufjs_${frameBytes}`, protobufjs);
  rows.figure(`${operation}_ns_capnp_es_${frameBytes}`, capnpEs);
  rows.ratio(`${operation}_vs_protobufjs_${frameBytes}`, ratios(protobufjs));
  rows.ratio(`${operation}_vs_capnp_es_${frameBytes}`, ratios(capnpEs));
}

type EchoRun = { readonly run: number; readonly window: Pick<EchoLoop, "warmUpMs" | "windowMs"> };

async function measureEchoes(sides: EchoSides, samples: Samples, { run, window }: EchoRun): Promise<void> {
  for (const { callers, pairs } of echoes) {
    for (const [client, server] of run % 2 === 0 ? pairs : pairs.toReversed()) {
      const { perSecond } = await sides.measure(client, server, { callers, payloadBytes, ...window });
      samples.add(`${client}_${server}_${callers}`, perSecond);
    }
  }
}

function takeEchoes(rows: Rows, samples: Samples): void {
  for (const { callers, pairs } of echoes) {
    for (const [client, server] of pairs) {
      rows.figure(`echo_per_s_${client}_${server}_${callers}`, samples.of(`${client}_${server}_${callers}`));
    }
    rows.ratio(`echo_vs_cpp_tcp_${callers}`, samples.ratios(`cpp_ours_${callers}`, `cpp_cpp_${callers}`));
  }
  rows.ratio("js_js_vs_cpp_tcp_256", samples.ratios("ours_ours_256", "cpp_cpp_256"));
}

function notesOf(cores: Cores | undefined): readonly string[] {
  return [
    "encode, decode: the parameters of an enqueue whose Cap'n Proto frame is 240 or 4,096 B, from and to plain values; ours with segment table and validation, protobufjs static code without a frame; by turns in one process",
    `echo: ${payloadBytes} B each way over one TCP connection; CLIENT_SERVER_OUTSTANDING in the figures' names, C++ is capnproto's RPC with -O2`,
    cores === undefined
      ? "echo not pinned: there is no taskset, or only one core"
      : `echo: client on core ${cores.client}, server on core ${cores.server}, for every side`,
  ];
}
