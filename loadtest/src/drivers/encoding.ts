/**
 * Times one operation of all encodings on one message by turns, in slices so short that most have the core for themselves,
 * whatever else the machine does. Answers nanoseconds an operation, by run; a run's is the median of its slices.
 */
import { setFlagsFromString } from "node:v8";
import { capnpEs } from "../encoding/capnp-es.ts";
import { enqueueOf, type MeasuredEncoding } from "../encoding/measured-encoding.ts";
import { ours } from "../encoding/ours.ts";
import { protobufjs } from "../encoding/protobufjs.ts";
import { median } from "../report.ts";
import { readTask } from "./driver.ts";

export type EncodingName = "ours" | "protobufjs" | "capnpEs";
export type EncodingTask = {
  readonly operation: "encode" | "decode";
  readonly frameBytes: number;
  readonly runs: number;
  /** In a run, of each encoding. */
  readonly slices: number;
};
export type EncodingTimes = Readonly<Record<EncodingName, readonly number[]>>;

const encodings: readonly (readonly [EncodingName, MeasuredEncoding])[] = [
  ["ours", ours],
  ["protobufjs", protobufjs],
  ["capnpEs", capnpEs],
];
const sliceMs = 6;
/** Operations between two looks at the clock. */
const batch = 20;
// Code is optimized when that is due, not on another thread some time later: on a busy machine behind the window.
setFlagsFromString("--no-concurrent-recompilation");

const { operation, frameBytes, runs, slices } = await readTask<EncodingTask>();
const message = enqueueOf(frameBytes);
/** Looked at in the end, so that no operation can be left out as useless. */
let bytesSeen = 0;

function operationOf({ encode, decode }: MeasuredEncoding): () => number {
  if (operation === "encode") return () => encode(message).length;
  const bytes = encode(message).slice();
  return () => decode(bytes).payload.length;
}

function sliceNs(run: () => number): number {
  const fromMs = performance.now();
  let operations = 0;
  let nowMs = fromMs;
  for (; nowMs < fromMs + sliceMs; nowMs = performance.now()) {
    for (let i = 0; i < batch; i++) bytesSeen += run();
    operations += batch;
  }
  return ((nowMs - fromMs) / operations) * 1e6;
}

type Subject = {
  readonly name: EncodingName;
  readonly operation: () => number;
  readonly times: number[];
  slices: number[];
};
const subjects = encodings.map(([name, encoding]): Subject => {
  return { name, operation: operationOf(encoding), times: [], slices: [] };
});

// Run -1 warms up.
for (let run = -1; run < runs; run++) {
  for (const subject of subjects) subject.slices = [];
  for (let turn = 0; turn < slices; turn++) {
    for (const subject of turn % 2 === 0 ? subjects : subjects.toReversed()) {
      subject.slices.push(sliceNs(subject.operation));
    }
  }
  if (run >= 0) for (const { times, slices } of subjects) times.push(median(slices));
}
if (bytesSeen === 0) throw new Error("nothing was encoded");
process.stdout.write(`${JSON.stringify(Object.fromEntries(subjects.map(({ name, times }) => [name, times])))}\n`);
