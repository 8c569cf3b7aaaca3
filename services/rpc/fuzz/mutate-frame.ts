/** Changes within one message: bytes, words, pointers, counts, segments. What comes out may be no message at all. */
import { MessageError, MessageReader } from "../src/message/index.ts";
import { messageTag } from "../src/rpc-layout.ts";
import type { Random } from "./random.ts";
import { resegment } from "./resegment.ts";

type Mutation = (frame: Uint8Array, random: Random) => Uint8Array;

export function mutateFrame(frame: Uint8Array, random: Random): Uint8Array {
  if (frame.length < 16) return flipBits(frame, random);
  return random.weighted(mutations)(frame, random);
}

/** Some messages with a long chain of pointers need more room than chance gives them; not worth a large frame. */
const insertedBytesMax = 64;

const flipBits: Mutation = (frame, random) => {
  const changed = frame.slice();
  for (let n = 1 + random.small(6); n > 0; n--) {
    const at = random.below(changed.length);
    changed[at] = (changed[at] as number) ^ (1 << random.below(8));
  }
  return changed;
};

const setBytes: Mutation = (frame, random) => {
  const changed = frame.slice();
  for (let n = 1 + random.small(4); n > 0; n--) changed[random.below(changed.length)] = random.interesting();
  return changed;
};

const insertBytes: Mutation = (frame, random) => {
  const at = random.below(frame.length);
  return joined(frame.subarray(0, at), random.bytes(1 + random.small(insertedBytesMax)), frame.subarray(at));
};

const deleteBytes: Mutation = (frame, random) => {
  const at = random.below(frame.length);
  return joined(frame.subarray(0, at), frame.subarray(at + 1 + random.small(frame.length - at)));
};

const truncate: Mutation = (frame, random) => frame.slice(0, random.below(frame.length));

const repeatBytes: Mutation = (frame, random) => {
  const at = random.below(frame.length);
  const part = frame.subarray(at, at + 1 + random.small(frame.length - at));
  return joined(frame.subarray(0, at), part, part, frame.subarray(at + part.length));
};

/** A word as a pointer of any kind, mostly into the message. */
const setPointer: Mutation = (frame, random) => {
  const changed = frame.slice();
  const view = viewOf(changed);
  const words = frame.length >> 3;
  const at = 8 * (1 + random.below(words - 1));
  const offset = random.chance(80) ? random.below(2 * words) - words : random.interesting();
  const far = (random.chance(80) ? random.below(words) : random.interesting()) << 3;
  const [low, high] = random.weighted<readonly [number, number]>([
    [30, [offset << 2, random.small(6) | (random.small(6) << 16)]],
    [40, [(offset << 2) | 1, (random.small(words * 8) << 3) | random.below(8)]],
    [5, [(offset << 2) | 1, (random.interesting() << 3) | random.below(8)]],
    [10, [far | 2, random.small(4)]],
    [7, [far | 6, random.small(4)]],
    [5, [3, random.small(4)]],
    [3, [0, 0]],
  ]);
  view.setInt32(at, low, true);
  view.setInt32(at + 4, high, true);
  return changed;
};

/** One half of a word as a small number or one at the end of a range: ids, counts, offsets and tags are such halves. */
const setNumber: Mutation = (frame, random) => {
  const changed = frame.slice();
  const view = viewOf(changed);
  const value = random.chance(60) ? random.small(12) : random.interesting();
  const bytes = random.pick([2, 4]);
  const at = 8 + bytes * random.below(Math.floor((frame.length - 8) / bytes));
  if (bytes === 2) view.setUint16(at, value, true);
  else view.setUint32(at, value, true);
  return changed;
};

/** The tag that says what the message is, or one of the tags behind it. */
const setKind: Mutation = (frame, random) => {
  const changed = frame.slice();
  if (frame.length >= 24)
    viewOf(changed).setUint16(16, random.pick([...Object.values(messageTag), 7, 9, 0xffff]), true);
  return changed;
};

const setHeader: Mutation = (frame, random) => {
  const changed = frame.slice();
  const value = random.chance(50) ? random.small(600) : random.interesting();
  viewOf(changed).setUint32(4 * random.below(2), value, true);
  return changed;
};

const spread: Mutation = (frame, random) => {
  if (!isWhole(frame)) return flipBits(frame, random);
  try {
    return resegment(frame, random);
  } catch {
    return flipBits(frame, random); // a message that only a reader with a fault takes
  }
};

const spreadAndFlip: Mutation = (frame, random) => {
  const spreadFrame = spread(frame, random);
  return random.chance(50) ? setPointer(spreadFrame, random) : flipBits(spreadFrame, random);
};

const mutations: readonly (readonly [number, Mutation])[] = [
  [12, flipBits],
  [8, setBytes],
  [4, insertBytes],
  [4, deleteBytes],
  [3, truncate],
  [3, repeatBytes],
  [14, setPointer],
  [26, setNumber],
  [6, setKind],
  [2, setHeader],
  [10, spread],
  [8, spreadAndFlip],
];

/** A message of one segment that a reader takes. */
function isWhole(frame: Uint8Array): boolean {
  if (viewOf(frame).getUint32(0, true) !== 0) return false;
  try {
    MessageReader.parse(frame);
    return true;
  } catch (error) {
    if (error instanceof MessageError) return false;
    throw error;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
