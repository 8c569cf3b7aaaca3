/** The golden frame of each half of each served method: where its file lies and what the codecs write today. */
import path from "node:path";
import { methodCodecs } from "quicproquo-proto";
import { hexDump } from "./bytes.ts";
import { type Half, halvesOf } from "./frames.ts";
import { type MethodName, samples } from "./samples.ts";

export const goldenFolder = path.join(import.meta.dirname, "golden");

export type GoldenFrame = {
  readonly half: Half;
  readonly file: string;
  readonly value: unknown;
  readonly dump: string;
};

export function goldenFrames(): readonly GoldenFrame[] {
  return Object.entries(methodCodecs).flatMap(([name, codec]) => {
    const sample = samples[name as MethodName];
    const halves = halvesOf(name, codec);
    return (["params", "results"] as const).map((side) => ({
      half: halves[side],
      file: path.join(goldenFolder, `${String(codec.method.ordinal).padStart(2, "0")}-${name}-${side}.hex`),
      value: sample[side],
      dump: hexDump(halves[side].encode(sample[side]).frame),
    }));
  });
}
