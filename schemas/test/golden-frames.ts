/** The golden frame of each half of each method: where its file lies and what the codecs write today. */
import path from "node:path";
import { inboxCodecs, methodCodecs, sessionCodecs, sinkCodecs } from "quicproquo-proto";
import { hexDump } from "./bytes.ts";
import { type Half, halvesOf } from "./frames.ts";
import { inboxSamples, samples, sessionSamples, sinkSamples } from "./samples.ts";

export const goldenFolder = path.join(import.meta.dirname, "golden");

export type GoldenFrame = {
  readonly half: Half;
  readonly file: string;
  readonly value: unknown;
  readonly dump: string;
};

type Codec = { readonly method: { readonly ordinal: number } };
type Sample = { readonly params: unknown; readonly results: unknown };
type Interface = {
  readonly name: string;
  readonly codecs: Readonly<Record<string, Codec>>;
  readonly samples: Readonly<Record<string, Sample>>;
};

const interfaces: readonly Interface[] = [
  { name: "NodeService", codecs: methodCodecs, samples },
  { name: "Session", codecs: sessionCodecs, samples: sessionSamples },
  { name: "Inbox", codecs: inboxCodecs, samples: inboxSamples },
  { name: "Sink", codecs: sinkCodecs, samples: sinkSamples },
];

export function goldenFrames(): readonly GoldenFrame[] {
  return interfaces.flatMap((one) => Object.keys(one.codecs).flatMap((method) => framesOf(one, method)));
}

function framesOf({ name, codecs, samples }: Interface, method: string): readonly GoldenFrame[] {
  const codec = codecs[method] as Codec;
  const sample = samples[method] as Sample;
  const halves = halvesOf(`${name}.${method}`, codec);
  // NodeService's stand first and without its name: 02-enqueue-params.hex beside Inbox-00-subscribe-params.hex
  const prefix = name === "NodeService" ? "" : `${name}-`;
  const file = `${prefix}${String(codec.method.ordinal).padStart(2, "0")}-${method}`;
  return (["params", "results"] as const).map((side) => ({
    half: halves[side],
    file: path.join(goldenFolder, `${file}-${side}.hex`),
    value: sample[side],
    dump: hexDump(halves[side].encode(sample[side]).frame),
  }));
}
