/** Recordings of sessions with the C++ reference implementation; record-reference.ts makes them. */
import { fileURLToPath } from "node:url";
import { readCorpus } from "../corpus.ts";
import { inputOf } from "../input.ts";
import { play } from "../recorder.ts";
import type { Recording, World } from "../target.ts";

export const referenceFolder: string = fileURLToPath(new URL("reference", import.meta.url));

export async function referenceRecordings(open: () => World): Promise<Recording[]> {
  const recordings: Recording[] = [];
  for (const [, text] of readCorpus(referenceFolder)) {
    const { ops } = inputOf(text);
    recordings.push({ ops, sent: await play(open(), ops) });
  }
  return recordings;
}
