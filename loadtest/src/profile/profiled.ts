/** A front-end under load with V8's profiler on in each of its threads, and what it wrote for a window of that. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeOwnedFolder, removeFolder } from "quicproquo-server/testing/owned-folder";
import type { Window } from "../closed-loop.ts";
import { threadsCpuUsOf } from "../cpu-time.ts";
import { startCluster } from "../delivery/cluster.ts";
import { startEmbedded, startFrontEnd } from "../delivery/front-ends.ts";
import { Load } from "../delivery/load.ts";
import { SubscribedSide } from "../delivery/subscribed.ts";
import type { Allocated } from "./allocations.ts";
import { callTree, type Node, readProfile, type TimeSpan } from "./cpu-profile.ts";
import { type Part, parts, samplesByPart } from "./parts.ts";

/** `enqueue`: durable messages in. `subscribe`: each of them also pushed to a reader and acknowledged by it. */
export type Path = { readonly store: "embedded" | "cluster"; readonly work: "enqueue" | "subscribe" };

export type Profiled = {
  readonly messages: number;
  /** User and system of the process, a message; without the profiler's own thread. */
  readonly cpuUs: number;
  /** Of cpuUs. */
  readonly byPart: Readonly<Record<Part, number>>;
  readonly mainThreadUs: number;
  /** In V8's heap of all threads, a message. */
  readonly allocatedBytes: number;
  /** Of the main thread. */
  readonly tree: Node;
};

export type ProfiledOptions = Path & {
  readonly window: Window;
  /** Another checkout whose qpq-server it is. */
  readonly serverFolder?: string | undefined;
};

const connections = 8;
/** What a load runs before its window; it is measured too. */
const warmUpMsMin = 100;

export async function profiled({ store, work, window, serverFolder }: ProfiledOptions): Promise<Profiled> {
  const folder = makeOwnedFolder("qpq-profile-");
  try {
    await using started = new AsyncDisposableStack();
    const cluster = store === "cluster" ? started.use(await startCluster()) : undefined;
    const preload = fileURLToPath(new URL("./allocations.ts", import.meta.url));
    const env = {
      NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${folder} --import=${preload}`,
      QPQ_PROFILE_DIR: folder,
    };
    const program =
      serverFolder === undefined ? {} : { program: join(serverFolder, "services/server/bin/qpq-server.mjs") };
    const options = { env, ...program };
    const frontEnd = started.use(
      cluster === undefined ? await startEmbedded(options) : await startFrontEnd(cluster.address, options),
    );
    const side =
      work === "subscribe"
        ? started.use(await SubscribedSide.start([frontEnd]))
        : started.use(await Load.start("enqueue", { frontEnds: [frontEnd.address], connections }));
    const run = async (windowMs: number): Promise<unknown> => await side.run({ warmUpMs: warmUpMsMin, windowMs });
    await run(window.warmUpMs);
    const { pid } = frontEnd.process;
    const countFrom = await frontEnd.enqueued();
    const [fromUs, usedFrom] = [nowUs(), threadsCpuUsOf(pid)];
    await run(window.windowMs);
    const [toUs, usedTo] = [nowUs(), threadsCpuUsOf(pid)];
    const messages = (await frontEnd.enqueued()) - countFrom;
    await side[Symbol.asyncDispose]();
    // the profiles are written when it ends by itself
    await frontEnd.process.kill("SIGTERM");
    const measured = { messages, ...usesOf(usedFrom, usedTo, messages) };
    return { ...measured, ...readFolder(folder, { fromUs, toUs }, measured) };
  } finally {
    removeFolder(folder);
  }
}

/** us of CPU a message. */
type Uses = {
  readonly cpuUs: number;
  readonly mainThreadUs: number;
  /** Of the store's threads on the embedded store. */
  readonly workersUs: number;
  readonly v8Us: number;
  readonly restUs: number;
};

type Measured = Uses & Pick<Profiled, "messages">;

function usesOf(from: ReadonlyMap<string, number>, to: ReadonlyMap<string, number>, messages: number): Uses {
  const uses = { cpuUs: 0, mainThreadUs: 0, workersUs: 0, v8Us: 0, restUs: 0 };
  for (const [name, usedUs] of to) {
    if (name.startsWith("v8:Prof")) continue;
    const us = (usedUs - (from.get(name) ?? 0)) / messages;
    uses.cpuUs += us;
    if (name === "node-MainThread") uses.mainThreadUs += us;
    else if (name.startsWith("qpq-")) uses.workersUs += us;
    else if (name === "node-V8Worker") uses.v8Us += us;
    else uses.restUs += us;
  }
  return uses;
}

function readFolder(
  folder: string,
  span: TimeSpan,
  measured: Measured,
): Pick<Profiled, "byPart" | "allocatedBytes" | "tree"> {
  const files = readdirSync(folder);
  // CPU.<date>.<time>.<pid>.<thread>.<number>.cpuprofile
  const ofThreads = files
    .filter((file) => file.endsWith(".cpuprofile"))
    .map((file) => ({
      isMain: file.split(".")[4] === "0",
      tree: callTree(readProfile(join(folder, file)), span),
    }));
  const main = ofThreads.find(({ isMain }) => isMain);
  if (main === undefined) throw new Error("the server wrote no profile");
  const byPart = Object.fromEntries(Object.keys(parts).map((part) => [part, 0])) as Record<Part, number>;
  const spread = (trees: readonly Node[], cpuUs: number): void => {
    const samples = trees.reduce((sum, tree) => sum + tree.samples, 0);
    for (const tree of trees) {
      for (const [part, of] of Object.entries(samplesByPart(tree))) {
        if (samples > 0) byPart[part as Part] += (of / samples) * cpuUs;
      }
    }
  };
  spread([main.tree], measured.mainThreadUs);
  spread(
    ofThreads.filter(({ isMain }) => !isMain).map(({ tree }) => tree),
    measured.workersUs,
  );
  byPart.gc += measured.v8Us;
  byPart.native += measured.restUs;
  const allocated = files
    .filter((file) => file.startsWith("allocated-"))
    .map((file) => allocatedWithin(folder, file, span));
  return {
    byPart,
    tree: main.tree,
    allocatedBytes: allocated.reduce((sum, bytes) => sum + bytes, 0) / measured.messages,
  };
}

/** By the notes next to its ends, scaled to its length. */
function allocatedWithin(folder: string, file: string, { fromUs, toUs }: TimeSpan): number {
  const noted = JSON.parse(readFileSync(join(folder, file), "utf8")) as Allocated;
  const within = noted.filter(({ atUs }) => atUs >= fromUs && atUs <= toUs);
  const [first, last] = [within[0], within.at(-1)];
  if (first === undefined || last === undefined || first === last) return 0;
  return ((last.bytes - first.bytes) / (last.atUs - first.atUs)) * (toUs - fromUs);
}

function nowUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}
