/** A mutation fuzzer for RPC sessions, for packages that serve something with them. Not for production. */
export { campaign } from "./campaign.ts";
export { readCorpus, replay, writeFound } from "./corpus.ts";
export { FedStream, joinStreams } from "./fed-stream.ts";
export { Finding } from "./finding.ts";
export { Held } from "./held.ts";
export { inputOf } from "./input.ts";
export { Objects } from "./objects.ts";
export { OwnCalls, Refused } from "./own-calls.ts";
export { peerCorpus, peerTarget } from "./peer/target.ts";
export { Random } from "./random.ts";
export { record, type Step, stepsIn } from "./recorder.ts";
export { turn } from "./run.ts";
export type { Recording, Target, World } from "./target.ts";
