/** The RPC runtime itself: two TestPeers that use every feature on each other, one of them under attack. */
import { fileURLToPath } from "node:url";
import { defaultRpcLimits, type RpcLimits, type RpcSessionOptions } from "../../src/index.ts";
import { Session, TestPeer, type UntypedMethod, Watcher } from "../../testing/test-peer.ts";
import { Random } from "../random.ts";
import { record, type Step } from "../recorder.ts";
import type { Recording, Target } from "../target.ts";
import { acts } from "./acts.ts";
import { referenceRecordings } from "./reference.ts";
import { PeerWorld } from "./world.ts";
import { scenarios } from "./scenarios.ts";

/** Limits that a few messages meet. */
const tightLimits: RpcLimits = {
  ...defaultRpcLimits,
  messageBytesMax: 8_192,
  segmentsMax: 4,
  nestingMax: 8,
  callsInFlightMax: 6,
  callBytesInFlightMax: 600,
  queuedCallsMax: 3,
  answersMax: 12,
  resultBytesKeptMax: 300,
  questionsMax: 6,
  exportsMax: 4,
  importsMax: 4,
  capsPerMessageMax: 4,
  pipelineDepthMax: 2,
  outBytesBusy: 300,
  outBytesMax: 3_000,
  reasonLengthMax: 100,
  drainBytesMax: 200,
};

const variants: Readonly<Record<string, RpcSessionOptions>> = {
  plain: {},
  tight: { limits: tightLimits },
  // frames are gathered over a turn of the event loop, and what errors become is decided by a function that fails
  late: {
    defer: (flush) => void setImmediate(flush),
    errorToException: () => {
      throw new Error("no mapping");
    },
  },
};

/** Sessions of acts by chance, beside those that are written down. */
const randomScenarios = 24;

/** Inputs that once found something. */
export const peerCorpus: string = fileURLToPath(new URL("../corpus", import.meta.url));

export const peerTarget: Target = {
  name: "peer",
  variants: Object.keys(variants),
  acts: Object.keys(acts),
  methods: [TestPeer, Session, Watcher].flatMap((methods) => Object.values<UntypedMethod>(methods)).map(knownMethod),
  // A reason of 1,024 characters of 3 bytes answers each call on a broken answer, which takes 64 bytes to ask for.
  amplificationMax: 64,
  open: (variant) => new PeerWorld(variants[variant] ?? {}),
  async record() {
    const recordings = await recordAll(scenarios);
    recordings.push(...(await referenceRecordings(() => new PeerWorld({}))));
    const random = new Random("recordings");
    recordings.push(...(await recordAll(Array.from({ length: randomScenarios }, () => scenarioOf(random)))));
    return recordings;
  },
};

async function recordAll(sessions: readonly (readonly Step[])[]): Promise<Recording[]> {
  const recordings: Recording[] = [];
  for (const steps of sessions) {
    const { left, right } = await record({ left: new PeerWorld({}), right: new PeerWorld({}) }, steps);
    recordings.push(left, right);
  }
  return recordings;
}

function knownMethod({ interfaceId, ordinal, params }: UntypedMethod): Target["methods"][number] {
  return { interfaceId, ordinal, dataWords: params.dataWords, pointerWords: params.pointerWords };
}

function scenarioOf(random: Random): Step[] {
  const names = Object.keys(acts).filter((name) => name !== "close");
  const step = (side: Step["side"], name: string): Step => ({ side, name, a: random.small(8), b: random.small(8) });
  const sides = ["left", "right"] as const;
  const first = sides.map((side) => ({ ...step(side, "bootstrap"), a: 0, b: 0 }));
  return [...first, ...Array.from({ length: 20 }, () => step(random.pick(sides), random.pick(names)))];
}
