/**
 * Times one encoding on messages of several sizes, alone in its process: the optimizer sees no other's code. A time is the
 * median of many slices of the window, so that a moment in which the machine did something else does not count.
 */
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
const sliceMs = 15;
/** Operations between two looks at the clock. */
const batch = 50;
/** The optimizer needs calls and a core of its own: on a busy machine time alone does not warm up. */
const warmUpOperations = 60_000;

const task = await readTask<EncodingTask>();
const { encode, decode } = encodings[task.encoding];
/** Read at the end, so that no operation can be left out as useless. */
let bytesSeen = 0;

/** Of one slice, in nanoseconds an operation. */
function sliceNs(operation: () => number): { readonly ns: number; readonly operations: number } {
  const fromMs = performance.now();
  let operations = 0;
  let nowMs = fromMs;
  for (; nowMs < fromMs + sliceMs; nowMs = performance.now()) {
    for (let i = 0; i < batch; i++) bytesSeen += operation();
    operations += batch;
  }
  return { ns: ((nowMs - fromMs) / operations) * 1e6, operations };
}

function timeNs(operation: () => number): number {
  const beganMs = performance.now();
  for (let operations = 0, spentMs = 0; spentMs < task.warmUpMs || operations < warmUpOperations; ) {
    operations += sliceNs(operation).operations;
    spentMs = performance.now() - beganMs;
    if (spentMs > 5 * task.warmUpMs) break; // a slow encoding is warm before it has done so many
  }
  const slicesNs: number[] = [];
  const fromMs = performance.now();
  while (performance.now() < fromMs + task.windowMs) slicesNs.push(sliceNs(operation).ns);
  return median(slicesNs);
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
