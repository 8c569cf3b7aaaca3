/** What is fuzzed of the server, and of a client that talks to something that only says it is one. */
import { inboxCodecs, methodCodecs, sessionCodecs, sinkCodecs } from "quicproquo-proto";
import { peerTarget, Random, record, type Recording, type Step, type Target } from "quicproquo-rpc/fuzz";
import { acts } from "./acts.ts";
import { ClientWorld } from "./client-world.ts";
import { NodeWorld, nodeVariants } from "./node-world.ts";
import { scenarios } from "./scenarios.ts";

/** Sessions of acts by chance, beside those that are written down. */
const randomScenarios = 24;

const nodeTarget: Target = {
  name: "node",
  variants: nodeVariants,
  acts: [],
  methods: knownMethods([methodCodecs, sessionCodecs, inboxCodecs]),
  // reading an inbox again and again, and the text of an error for the least call
  amplificationMax: 64,
  open: (variant) => new NodeWorld(variant),
  record: () => recordAll("right"),
};

const clientTarget: Target = {
  name: "client",
  variants: ["plain"],
  acts: Object.keys(acts),
  methods: knownMethods([sinkCodecs]),
  amplificationMax: 64,
  open: () => new ClientWorld(),
  record: () => recordAll("left"),
};

export const targets: readonly Target[] = [peerTarget, nodeTarget, clientTarget];

async function recordAll(side: Step["side"]): Promise<readonly Recording[]> {
  const random = new Random("recordings");
  const recordings: Recording[] = [];
  for (const steps of [...scenarios, ...Array.from({ length: randomScenarios }, () => scenarioOf(random))]) {
    recordings.push((await record({ left: new ClientWorld(), right: new NodeWorld("plain") }, steps))[side]);
  }
  return recordings;
}

function scenarioOf(random: Random): Step[] {
  const names = Object.keys(acts);
  return Array.from({ length: 20 }, () => ({
    side: "left",
    name: random.pick(names),
    a: random.small(5),
    b: random.small(8),
  }));
}

type Codecs = Readonly<Record<string, { readonly method: unknown }>>;

function knownMethods(tables: readonly Codecs[]): Target["methods"] {
  return tables.flatMap((table) =>
    Object.values(table).map(({ method }) => {
      const { interfaceId, ordinal, params } = method as Target["methods"][number] & {
        readonly params: { readonly dataWords: number; readonly pointerWords: number };
      };
      return { interfaceId, ordinal, dataWords: params.dataWords, pointerWords: params.pointerWords };
    }),
  );
}
