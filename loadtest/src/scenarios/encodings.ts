/**
 * The contract's encoding beside Protobuf: how long each kind of message is as a Cap'n Proto frame, packed, as the RPC
 * message that it goes over the wire in, and as its twin in bench.proto; and what it takes to write and to read.
 */
import { runDriver } from "../drivers/driver.ts";
import type { EncodingTask, EncodingTimes } from "../drivers/encoding.ts";
import { ourEncoding, protobufEncoding } from "../encoding/kind-encodings.ts";
import { type KindName, kindNames, kindPayloadBytes, messageKinds } from "../encoding/message-kinds.ts";
import { packedBytesOf } from "../encoding/packed-bytes.ts";
import { rpcFramesOf } from "../encoding/rpc-frames.ts";
import { Progress } from "../progress.ts";
import { Rows } from "../samples.ts";
import type { RunOptions, Scenario } from "../scenario.ts";

const operations = ["encode", "decode"] as const;
const timedKinds = [
  "enqueue",
  "fetch_1",
  "fetch_10",
  "fetch_100",
  "key_package",
] as const satisfies readonly KindName[];
const timed = timedKinds.flatMap((kind) => operations.map((operation) => ({ kind, operation })));
const sizes = ["bytes", "packed_bytes", "protobuf_bytes", "rpc_bytes", "rpc_overhead_bytes"] as const;

export const encodingsScenario: Scenario = {
  doc: "bytes and time of each kind of message: Cap'n Proto, its packing, its RPC frames, Protobuf",
  names: {
    figures: [
      ...kindNames.flatMap((kind) => sizes.map((size) => `${kind}_${size}`)),
      "enqueue_round_trip_bytes",
      "enqueue_round_trip_protobuf_bytes",
      ...timed.flatMap(({ kind, operation }) => [`${operation}_ns_${kind}`, `${operation}_ns_protobufjs_${kind}`]),
    ],
    ratios: [
      ...kindNames.flatMap((kind) => [`${kind}_bytes_vs_protobuf`, `${kind}_packed_bytes_vs_protobuf`]),
      "enqueue_round_trip_vs_protobuf",
      ...timed.map(({ kind, operation }) => `${operation}_vs_protobufjs_${kind}`),
    ],
  },
  async run({ quick, say }: RunOptions) {
    const runs = quick ? 5 : 15;
    say(`${kindNames.join(", ")}; payloads of ${kindPayloadBytes} B`);
    const rows = new Rows();
    await addSizes(rows);
    const progress = new Progress(timed.length);
    for (const { kind, operation } of timed) {
      const task: EncodingTask = { operation, message: { kind }, runs, slices: quick ? 15 : 31 };
      const { ours, protobufjs } = await runDriver<EncodingTimes>("encoding", task);
      const [own, other] = [`${operation}_ns_${kind}`, `${operation}_ns_protobufjs_${kind}`];
      rows.figure(own, ours);
      rows.figure(other, protobufjs);
      rows.ratio(
        `${operation}_vs_protobufjs_${kind}`,
        ours.map((ns, run) => ns / (protobufjs[run] as number)),
      );
      progress.step(
        `${operation} ${kind}: ${rows.figures[own]?.toFixed(0)} ns, protobufjs ${rows.figures[other]?.toFixed(0)}`,
      );
    }
    const { figures, ratios, spread } = rows;
    return { runs, figures, ratios, spread, notes };
  },
};

async function addSizes(rows: Rows): Promise<void> {
  const kinds = await messageKinds();
  const bytesOf = (figure: string): number => rows.figures[figure] as number;
  for (const name of kindNames) {
    const kind = kinds[name];
    const frame = ourEncoding(kind).encode();
    const { call, answer } = await rpcFramesOf(kind);
    const rpcBytes = kind.side === "params" ? call : answer;
    rows.figure(`${name}_bytes`, [frame.length]);
    rows.figure(`${name}_packed_bytes`, [packedBytesOf(frame)]);
    rows.figure(`${name}_protobuf_bytes`, [protobufEncoding(kind).encode().length]);
    rows.figure(`${name}_rpc_bytes`, [rpcBytes]);
    rows.figure(`${name}_rpc_overhead_bytes`, [rpcBytes - frame.length]);
    const protobuf = bytesOf(`${name}_protobuf_bytes`);
    rows.ratio(`${name}_bytes_vs_protobuf`, [frame.length / protobuf]);
    rows.ratio(`${name}_packed_bytes_vs_protobuf`, [bytesOf(`${name}_packed_bytes`) / protobuf]);
  }
  const sent = bytesOf("enqueue_rpc_bytes") + bytesOf("enqueue_answer_rpc_bytes");
  const twins = bytesOf("enqueue_protobuf_bytes") + bytesOf("enqueue_answer_protobuf_bytes");
  rows.figure("enqueue_round_trip_bytes", [sent]);
  rows.figure("enqueue_round_trip_protobuf_bytes", [twins]);
  rows.ratio("enqueue_round_trip_vs_protobuf", [sent / twins]);
}

const notes: readonly string[] = [
  `payloads of ${kindPayloadBytes} random bytes, a token of 32 B; fetch_N: an answer with N messages; deliver_1: a push with one; key_package: the upload of a real one; batch_enqueue_100: one message to 100 recipients`,
  "KIND_bytes: the message alone as a Cap'n Proto frame with its segment table; KIND_packed_bytes: packed, which quicproquo does not use, for comparison",
  "KIND_rpc_bytes: the frame that goes over the wire, an RPC Call or Return with the message in it; KIND_rpc_overhead_bytes: how much that is beyond the message alone, interface, method, question and lists of capabilities; before QUIC and TLS",
  "KIND_protobuf_bytes: the twin in bench.proto alone: without a length before it, method or call, for which gRPC needs HTTP/2 frames and headers",
  "enqueue_round_trip: Call and Return; of Protobuf request and answer alone",
  "times: from and to plain values, ours with segment table and validation of the whole message, protobufjs static code without a frame; uint64 is a bigint with ours, with protobufjs a number that comes back as a Long; by turns in one process",
];
