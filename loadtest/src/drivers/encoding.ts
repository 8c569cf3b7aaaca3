/**
 * Times one operation of all encodings on one message by turns, in slices so short that most have the core for themselves,
 * whatever else the machine does. Answers nanoseconds an operation, by run; a run's is the median of its slices.
 */
import { setFlagsFromString } from "node:v8";
import { capnpEs } from "../encoding/capnp-es.ts";
import { ourEncoding, protobufEncoding } from "../encoding/kind-encodings.ts";
import { enqueueOf, type MeasuredEncoding } from "../encoding/measured-encoding.ts";
import { type KindName, messageKinds } from "../encoding/message-kinds.ts";
import { ours } from "../encoding/ours.ts";
import { protobufjs } from "../encoding/protobufjs.ts";
import { median } from "../report.ts";
import { readTask } from "./driver.ts";

export type EncodingTask = {
  readonly operation: "encode" | "decode";
  /** An enqueue that is so long as a Cap'n Proto frame, by all encodings; or a kind of message, by ours and protobufjs. */
  readonly message: { readonly frameBytes: number } | { readonly kind: KindName };
  readonly runs: number;
  /** In a run, of each encoding. */
  readonly slices: number;
};
export type EncodingTimes = {
  readonly ours: readonly number[];
  readonly protobufjs: readonly number[];
  readonly capnpEs?: readonly number[];
};

const sliceMs = 6;
/** Operations between two looks at the clock. */
const batch = 20;
// Code is optimized when that is due, not on another thread some time later: on a busy machine behind the window.
setFlagsFromString("--no-concurrent-recompilation");

const { operation, message, runs, slices } = await readTask<EncodingTask>();
/** Looked at in the end, so that no operation can be left out as useless. */
let seen: unknown;

type Operations = readonly (readonly [name: keyof EncodingTimes, operation: () => unknown])[];

function onEnqueue(frameBytes: number): Operations {
  const value = enqueueOf(frameBytes);
  const operationOf = ({ encode, decode }: MeasuredEncoding): (() => unknown) => {
    if (operation === "encode") return () => encode(value);
    const bytes = encode(value).slice();
    return () => decode(bytes);
  };
  return [
    ["ours", operationOf(ours)],
    ["protobufjs", operationOf(protobufjs)],
    ["capnpEs", operationOf(capnpEs)],
  ];
}

async function onKind(name: KindName): Promise<Operations> {
  const kind = (await messageKinds())[name];
  const operationOf = ({ encode, decode }: ReturnType<typeof ourEncoding>): (() => unknown) => {
    if (operation === "encode") return encode;
    const bytes = encode().slice();
    return () => decode(bytes);
  };
  return [
    ["ours", operationOf(ourEncoding(kind))],
    ["protobufjs", operationOf(protobufEncoding(kind))],
  ];
}

function sliceNs(run: () => unknown): number {
  const fromMs = performance.now();
  let operations = 0;
  let nowMs = fromMs;
  for (; nowMs < fromMs + sliceMs; nowMs = performance.now()) {
    for (let i = 0; i < batch; i++) seen = run();
    operations += batch;
  }
  return ((nowMs - fromMs) / operations) * 1e6;
}

type Subject = {
  readonly name: keyof EncodingTimes;
  readonly operation: () => unknown;
  readonly times: number[];
  slices: number[];
};
const operations = "kind" in message ? await onKind(message.kind) : onEnqueue(message.frameBytes);
const subjects = operations.map(([name, run]): Subject => ({ name, operation: run, times: [], slices: [] }));

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
if (seen === undefined) throw new Error("nothing was encoded");
process.stdout.write(`${JSON.stringify(Object.fromEntries(subjects.map(({ name, times }) => [name, times])))}\n`);
