/** Everything that is fuzzed, and the fuzzer. Not for production. */
import { fileURLToPath } from "node:url";
import { peerCorpus } from "quicproquo-rpc/fuzz";

export { campaign, inputOf, readCorpus, replay, writeFound } from "quicproquo-rpc/fuzz";
export { targets } from "./targets.ts";

/** Folders of inputs that once found something. */
export const corpora: readonly string[] = [peerCorpus, fileURLToPath(new URL("corpus", import.meta.url))];
