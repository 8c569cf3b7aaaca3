/**
 * Times one encoding on messages of several sizes, alone in its process: the optimizer sees no other's code. A time is the
 * median of many slices of the window, of the half of them in which the core was least given to other programs.
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
  readonly encoding: EncodingName;
  readonly frameBytes: readonly number[];
  readonly warmUpMs: number;
  readonly windowMs: number;
};
/** Of one message, in nanoseconds. */
export type EncodingTimes = { readonly frameBytes: number; readonly encodeNs: number; readonly decodeNs: number };

const encodings: Readonly<Record<EncodingName, MeasuredEncoding>> = { ours, protobufjs, capnpEs };
const sliceMs = 8;
/** Operations between two looks at the clock. */
const batch = 50;
const warmUpOperations = 60_000;
// Code is optimized when that is due, not on another thread some time later: on a busy machine behind the window.
setFlagsFromString("--no-concurrent-recompilation");

const task = await readTask<EncodingTask>();
const { encode, decode } = encodings[task.encoding];
/** Read at the end, so that no operation can be left out as useless. */
let bytesSeen = 0;

type Slice = { readonly ns: number; readonly operations: number; readonly onCore: number };

function slice(operation: () => number): Slice {
  const fromCpu = process.threadCpuUsage();
  const fromMs = performance.now();
  let operations = 0;
  let nowMs = fromMs;
  for (; nowMs < fromMs + sliceMs; nowMs = performance.now()) {
    for (let i = 0; i < batch; i++) bytesSeen += operation();
    operations += batch;
  }
  const { user, system } = process.threadCpuUsage(fromCpu);
  return { ns: ((nowMs - fromMs) / operations) * 1e6, operations, onCore: (user + system) / (nowMs - fromMs) };
}

function timeNs(operation: () => number): number {
  const beganMs = performance.now();
  for (let operations = 0, spentMs = 0; spentMs < task.warmUpMs || operations < warmUpOperations; ) {
    operations += slice(operation).operations;
    spentMs = performance.now() - beganMs;
    if (spentMs > 4 * task.warmUpMs) break; // a slow encoding is warm before it has done so many
  }
  const slices: Slice[] = [];
  const fromMs = performance.now();
  while (performance.now() < fromMs + task.windowMs) slices.push(slice(operation));
  slices.sort((a, b) => b.onCore - a.onCore);
  return median(slices.slice(0, Math.ceil(slices.length / 2)).map(({ ns }) => ns));
}

const times = task.frameBytes.map((frameBytes): EncodingTimes => {
  const message = enqueueOf(frameBytes);
  const bytes = encode(message).slice();
  return {
    frameBytes,
    encodeNs: timeNs(() => encode(message).length),
    decodeNs: timeNs(() => decode(bytes).payload.length),
  };
});
if (bytesSeen === 0) throw new Error("nothing was encoded");
process.stdout.write(`${JSON.stringify(times)}\n`);
