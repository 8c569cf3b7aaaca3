/** Changes to a session as a whole: messages left out, repeated, moved, taken from elsewhere, cut into other chunks. */
import type { Op } from "./input.ts";
import { joined, mutateFrame } from "./mutate-frame.ts";
import type { Random } from "./random.ts";

/** Where messages of other sessions, and of the other direction of this one, come from. */
export type Donors = {
  readonly ops: readonly Op[];
  readonly otherDirection: readonly Uint8Array[];
  /** Names of what the session's own side can do. */
  readonly acts: readonly string[];
};

type Mutation = (ops: Op[], random: Random, donors: Donors) => void;

/** Steps of a run; a mutation may double them, and several come together. */
const opsMax = 400;

export function mutateOps(recorded: readonly Op[], random: Random, donors: Donors): Op[] {
  const ops = [...recorded];
  for (let n = 1 + random.small(6); n > 0; n--) {
    if (ops.length > 0 && ops.length < opsMax) random.weighted(mutations)(ops, random, donors);
  }
  if (random.chance(50)) thinTurns(ops, random);
  return random.chance(30) ? rechunked(ops, random) : ops;
}

const changeFrame: Mutation = (ops, random) => {
  const at = indexOfBytes(ops, random);
  const op = ops[at];
  if (op?.kind === "bytes") ops[at] = { kind: "bytes", bytes: mutateFrame(op.bytes, random) };
};

const drop: Mutation = (ops, random) => {
  ops.splice(random.below(ops.length), 1 + random.small(3));
};

const repeat: Mutation = (ops, random) => {
  const at = random.below(ops.length);
  const part = ops.slice(at, at + 1 + random.small(4));
  const times = random.chance(90) ? 1 : 1 + random.small(Math.floor(opsMax / part.length));
  ops.splice(at, 0, ...Array.from({ length: times }, () => part).flat());
};

const move: Mutation = (ops, random) => {
  const moved = ops.splice(random.below(ops.length), 1 + random.small(3));
  ops.splice(random.below(ops.length + 1), 0, ...moved);
};

const splice: Mutation = (ops, random, { ops: other }) => {
  const from = random.below(other.length);
  const part = other.slice(from, from + 1 + random.small(8));
  ops.splice(random.below(ops.length + 1), random.small(3), ...part);
};

const takeOtherDirection: Mutation = (ops, random, { otherDirection }) => {
  if (otherDirection.length === 0) return;
  ops.splice(random.below(ops.length + 1), 0, { kind: "bytes", bytes: random.pick(otherDirection) });
};

const improvise: Mutation = (ops, random) => {
  const op: Op = { kind: "improvise", seed: random.uint32(), count: 1 + random.small(12) };
  ops.splice(random.below(ops.length + 1), 0, op, { kind: "turn" });
};

const act: Mutation = (ops, random, { acts }) => {
  if (acts.length === 0) return;
  const op: Op = { kind: "act", name: random.pick(acts), a: random.small(8), b: random.small(8) };
  ops.splice(random.below(ops.length + 1), 0, op);
};

const disturb: Mutation = (ops, random) => {
  const kind = random.weighted<Op["kind"]>([
    [4, "turn"],
    [3, "block"],
    [3, "drain"],
    [1, "end"],
    [1, "cut"],
  ]);
  ops.splice(random.below(ops.length + 1), 0, { kind } as Op);
};

const stop: Mutation = (ops, random) => {
  ops.length = random.below(ops.length);
};

const mutations: readonly (readonly [number, Mutation])[] = [
  [34, changeFrame],
  [7, drop],
  [7, repeat],
  [7, move],
  [7, splice],
  [4, takeOtherDirection],
  [18, improvise],
  [8, act],
  [6, disturb],
  [2, stop],
];

/** Messages that came one after another come at once: what the session does between them is another thing then. */
function thinTurns(ops: Op[], random: Random): void {
  const percent = random.pick([20, 50, 100]);
  for (let at = ops.length - 1; at >= 0; at--)
    if (ops[at]?.kind === "turn" && random.chance(percent)) ops.splice(at, 1);
}

/** The same bytes in other chunks, where nothing stands between them. */
function rechunked(ops: readonly Op[], random: Random): Op[] {
  const result: Op[] = [];
  let bytes: Uint8Array[] = [];
  const flush = (): void => {
    const all = joined(...bytes);
    bytes = [];
    const most = random.pick([1, 8, 40, 1_000, 100_000, 100_000, 100_000]);
    // a byte at a time is worth it for small messages only
    const size = Math.max(most, Math.ceil(all.length / 100));
    for (let at = 0; at < all.length; ) {
      const next = Math.min(all.length, at + 1 + random.below(size));
      result.push({ kind: "bytes", bytes: all.subarray(at, next) });
      at = next;
    }
  };
  for (const op of ops) {
    if (op.kind === "bytes") bytes.push(op.bytes);
    else {
      if (bytes.length > 0) flush();
      result.push(op);
    }
  }
  if (bytes.length > 0) flush();
  return result;
}

function indexOfBytes(ops: readonly Op[], random: Random): number {
  const start = random.below(ops.length);
  for (let n = 0; n < ops.length; n++) {
    const at = (start + n) % ops.length;
    if (ops[at]?.kind === "bytes") return at;
  }
  return -1;
}
