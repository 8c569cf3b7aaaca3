/**
 * Cap'n Proto messages and calls: what encoding and decoding an enqueue costs beside protobufjs and capnp-es, and how many
 * echo calls a second go through our server beside the C++ reference implementation's, over TCP on loopback.
 */
import { fileURLToPath } from "node:url";
import { buildCpp } from "quicproquo-rpc/testing";
import { ensureAptPackages } from "../../../scripts/apt.ts";
import { runDriver } from "../drivers/driver.ts";
import type { EncodingName, EncodingTask, EncodingTimes } from "../drivers/encoding.ts";
import { EchoSides, type Language } from "../echo/echo-sides.ts";
import { type Cores, coresOfTwo } from "../pinned.ts";
import { Progress } from "../progress.ts";
import { Rows, Samples } from "../samples.ts";
import type { RunOptions, Scenario } from "../scenario.ts";

const frameBytes = [240, 4_096] as const;
const encodings: readonly EncodingName[] = ["ours", "protobufjs", "capnpEs"];
const payloadBytes = 200;
/** Client and server of each window; each group is measured side by side, the order alternated. */
const echoes: readonly { readonly callers: number; readonly pairs: readonly (readonly [Language, Language])[] }[] = [
  {
    callers: 1,
    pairs: [
      ["cpp", "ours"],
      ["cpp", "cpp"],
    ],
  },
  {
    callers: 16,
    pairs: [
      ["cpp", "ours"],
      ["cpp", "cpp"],
    ],
  },
  {
    callers: 256,
    pairs: [
      ["cpp", "ours"],
      ["cpp", "cpp"],
      ["ours", "ours"],
    ],
  },
];

export const rpcScenario: Scenario = {
  doc: "Cap'n Proto: encode and decode beside protobufjs and capnp-es, echo calls/s over TCP beside C++",
  async run({ quick, say }: RunOptions) {
    const runs = quick ? 5 : 9;
    const cores = coresOfTwo();
    ensureAptPackages(["capnproto", "libcapnp-dev", "g++"]);
    say("compiling the C++ echo (once) ...");
    const cppProgram = await buildCpp({
      name: "echo",
      files: ["echo.capnp", "echo.cpp"].map((name) => fileURLToPath(new URL(`../../cpp/${name}`, import.meta.url))),
      isOptimized: true,
    });
    const samples = new Samples();
    const progress = new Progress(runs * (encodings.length + echoes.length));
    const measurement: Measurement = { samples, progress, quick };
    for (let run = 0; run < runs; run++) await measureEncodings(measurement, run);
    await using sides = await EchoSides.start(cppProgram, cores);
    // The first of them warms the servers up and isn't counted.
    for (let run = -1; run < runs; run++) await measureEchoes(sides, measurement, run);
    return reportOf(samples, runs, cores);
  },
};

type Measurement = {
  readonly samples: Samples;
  readonly progress: Progress;
  readonly quick: boolean;
};

function alternated<T>(sides: readonly T[], run: number): readonly T[] {
  return run % 2 === 0 ? sides : sides.toReversed();
}

async function measureEncodings({ samples, progress, quick }: Measurement, run: number): Promise<void> {
  const window = quick ? { warmUpMs: 60, windowMs: 100 } : { warmUpMs: 200, windowMs: 300 };
  for (const encoding of alternated(encodings, run)) {
    const task: EncodingTask = { encoding, frameBytes, ...window };
    const times = await runDriver<readonly EncodingTimes[]>("encoding", task);
    for (const { frameBytes, encodeNs, decodeNs } of times) {
      samples.add(`${encoding}_encode_${frameBytes}`, encodeNs);
      samples.add(`${encoding}_decode_${frameBytes}`, decodeNs);
    }
    const [small] = times;
    progress.step(`${encoding}: encode ${small?.encodeNs.toFixed(0)} ns, decode ${small?.decodeNs.toFixed(0)} ns`);
  }
}

async function measureEchoes(sides: EchoSides, measurement: Measurement, run: number): Promise<void> {
  const { samples, progress, quick } = measurement;
  const isWarmUp = run < 0;
  const window = quick ? { warmUpMs: 80, windowMs: 200 } : { warmUpMs: 300, windowMs: 800 };
  for (const { callers, pairs } of echoes) {
    for (const [client, server] of alternated(pairs, run)) {
      const windowMs = isWarmUp ? 50 : window.windowMs;
      const { perSecond } = await sides.measure(client, server, { ...window, callers, payloadBytes, windowMs });
      if (!isWarmUp) samples.add(`${client}_${server}_${callers}`, perSecond);
    }
    if (isWarmUp) continue;
    const [ours, cpp] = ["cpp_ours", "cpp_cpp"].map((pair) => Math.round(samples.of(`${pair}_${callers}`)[run] ?? 0));
    progress.step(`echo, ${callers} outstanding: ${ours} calls/s, C++ ${cpp}`);
  }
}

function reportOf(samples: Samples, runs: number, cores: Cores | undefined): Awaited<ReturnType<Scenario["run"]>> {
  const rows = new Rows();
  for (const operation of frameBytes.flatMap((bytes) => [`encode_${bytes}`, `decode_${bytes}`])) {
    rows.figure(operation.replace("_", "_ns_"), samples.of(`ours_${operation}`));
    rows.figure(operation.replace("_", "_ns_protobufjs_"), samples.of(`protobufjs_${operation}`));
    rows.figure(operation.replace("_", "_ns_capnp_es_"), samples.of(`capnpEs_${operation}`));
    rows.ratio(
      operation.replace("_", "_vs_protobufjs_"),
      samples.ratios(`ours_${operation}`, `protobufjs_${operation}`),
    );
    rows.ratio(operation.replace("_", "_vs_capnp_es_"), samples.ratios(`ours_${operation}`, `capnpEs_${operation}`));
  }
  for (const { callers, pairs } of echoes) {
    for (const [client, server] of pairs) {
      rows.figure(`echo_per_s_${client}_${server}_${callers}`, samples.of(`${client}_${server}_${callers}`));
    }
    rows.ratio(`echo_vs_cpp_tcp_${callers}`, samples.ratios(`cpp_ours_${callers}`, `cpp_cpp_${callers}`));
  }
  rows.ratio("js_js_vs_cpp_tcp_256", samples.ratios("ours_ours_256", "cpp_cpp_256"));
  return { runs, figures: rows.figures, ratios: rows.ratios, spread: rows.spread, notes: notesOf(cores) };
}

function notesOf(cores: Cores | undefined): readonly string[] {
  return [
    "encode, decode: the parameters of an enqueue whose Cap'n Proto frame is 240 or 4,096 B, from and to plain values, one process an encoding; ours with segment table and validation, protobufjs static code without a frame",
    `echo: ${payloadBytes} B each way over one TCP connection; CLIENT_SERVER_OUTSTANDING in the figures' names, C++ is capnproto's RPC with -O2`,
    cores === undefined
      ? "not pinned: there is no taskset, or only one core"
      : `echo: client on core ${cores.client}, server on core ${cores.server}, for every side`,
  ];
}
