/**
 * What V8's sampling profiler wrote (node --cpu-prof), cut to a window. Weights are samples, not times: on a machine that
 * does other work too a thread that had to wait gets one sample for the wait, and the sum of its times would be the
 * machine's and not the thread's.
 */
import { readFileSync } from "node:fs";

export type Frame = {
  readonly functionName: string;
  /** file:// or node:; empty of what is native. */
  readonly url: string;
  /** From 0; -1 of what is native. */
  readonly lineNumber: number;
};

/** https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile */
export type RawProfile = {
  readonly nodes: readonly { readonly id: number; readonly callFrame: Frame; readonly children?: readonly number[] }[];
  /** us of the monotonic clock, which is process.hrtime's too. */
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
};

/** A function where it was called from, with its samples and those of what it called. */
export type Node = {
  readonly frame: Frame;
  readonly parent: Node | undefined;
  readonly children: readonly Node[];
  readonly selfSamples: number;
  readonly samples: number;
};

/** us of the monotonic clock. */
export type TimeSpan = { readonly fromUs: number; readonly toUs: number };

export function readProfile(file: string): RawProfile {
  return JSON.parse(readFileSync(file, "utf8")) as RawProfile;
}

/** The tree of calls within the span, without the time in which the thread had nothing to do. */
export function callTree(profile: RawProfile, { fromUs, toUs }: TimeSpan): Node {
  const counts = new Map<number, number>();
  let atUs = profile.startTime;
  for (const [i, id] of profile.samples.entries()) {
    atUs += profile.timeDeltas[i] as number;
    if (atUs >= fromUs && atUs <= toUs) counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  const byId = new Map(profile.nodes.map((node) => [node.id, node]));
  const build = (id: number, parent: Node | undefined): Node => {
    const { callFrame, children = [] } = byId.get(id) as RawProfile["nodes"][number];
    const selfSamples = callFrame.functionName === "(idle)" ? 0 : (counts.get(id) ?? 0);
    const node = { frame: callFrame, parent, children: [] as Node[], selfSamples, samples: selfSamples };
    for (const child of children) {
      const built = build(child, node);
      if (built.samples === 0) continue;
      node.children.push(built);
      node.samples += built.samples;
    }
    return node;
  };
  return build((profile.nodes[0] as RawProfile["nodes"][number]).id, undefined);
}
