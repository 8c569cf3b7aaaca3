/**
 * What a hostile peer sends on one connection, and the reason of the Abort it gets. All bytes of a connection are written
 * at once and the stream is ended behind them.
 */
import type { StructBuilder } from "../../src/message/index.ts";
import * as messages from "../../src/outgoing-messages.ts";
import { messageTag } from "../../src/rpc-layout.ts";
import { TestPeer } from "../../testing/test-peer.ts";
import { farPointer, frameOf, listPointer, listTag, structPointer } from "../message/frame-of-words.ts";
import { callFrame, rawMessage, resolveFrame } from "../raw-peer.ts";

export type Attack = {
  readonly name: string;
  readonly reason: RegExp;
  /** Of the n-th connection: attacks by chance are others each time. */
  readonly bytes: (n: number) => Uint8Array;
};

const to = { importId: 0 };
const megaword = 1 << 20;
const outOfBounds = /leads out of its segment/;
const tooManyPointers = /too many pointers/;
const amplified = /larger to read than its bytes allow/;

/** Of the message alone, whatever it is about. */
function frame(name: string, reason: RegExp, bytes: Uint8Array): Attack {
  return { name, reason, bytes: () => bytes };
}

/** After a Bootstrap, question 0, whose answer is export 0. */
function conversation(name: string, reason: RegExp, ...frames: readonly Uint8Array[]): Attack {
  return frame(name, reason, join([messages.bootstrap(0), ...frames]));
}

const echo = callFrame({ questionId: 1, to, method: TestPeer.echo, fill: (p) => p.setData(0, new Uint8Array(200)) });
const never = callFrame({ questionId: 1, to, method: TestPeer.never });
/** Ends every session that is still there. */
const offence = { frame: messages.release(4, 1), reason: /export 4, which does not exist/ };

export const attacks: readonly Attack[] = [
  { name: "random bytes", reason: /./, bytes: (n) => random(n, 300) },
  { name: "random bytes behind a good header", reason: /./, bytes: (n) => withHeader(random(n, 800)) },
  conversation("a truncated frame", /ended inside a message/, echo.subarray(0, 100)),
  frame("a truncated header", /ended inside a message/, echo.subarray(0, 5)),
  frame("a huge segment count", /4294967296 segments/, Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0)),
  frame("a huge segment size", /a message of \d+ bytes/, Uint8Array.of(0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff)),
  frame("512 huge segments", /a message of \d+ bytes/, segmentTable(512, 0xffff_ffff)),
  frame("512 empty segments", /no root pointer/, segmentTable(512, 0)),
  frame("a struct out of bounds", outOfBounds, frameOf([structPointer(0, 1, 0)])),
  frame("a struct in front of its message", outOfBounds, frameOf([structPointer(-9, 1, 0)])),
  frame("a list out of bounds", outOfBounds, frameOf([listPointer(0, 5, (1 << 29) - 1), 0n])),
  frame("a near pointer into the next segment", outOfBounds, frameOf([structPointer(0, 1, 0)], [0n])),
  frame("a far pointer to no segment", /to no segment/, frameOf([farPointer(7, 0)])),
  frame("a far pointer out of its segment", outOfBounds, frameOf([farPointer(1, 5)], [0n])),
  frame("far pointers in a circle", /landing pad/, frameOf([farPointer(1, 0)], [farPointer(0, 0)])),
  frame(
    "a double far pointer to itself",
    /landing pad/,
    frameOf([farPointer(1, 0, true)], [farPointer(1, 0, true), 0n]),
  ),
  frame("a tag that lies", /overrun the list/, frameOf([listPointer(0, 7, 1), listTag((1 << 29) - 1, 1, 0), 0n])),
  frame("a list that holds itself", amplified, frameOf([listPointer(0, 6, 1), listPointer(-1, 6, 1)])),
  frame("a wide list that holds itself", amplified, frameOf(selfHolding(1_000))),
  frame("a list that holds itself, with room to go deep", /nested deeper/, frameOf(selfHolding(1), zeros(1_000))),
  frame("a pointer graph of 2^30 paths", amplified, frameOf(doubling(30))),
  frame(
    "a pointer graph of 2^30 paths with a megabyte of room",
    tooManyPointers,
    frameOf(doubling(30), zeros(megaword / 8)),
  ),
  frame("8 MiB of pointers", tooManyPointers, frameOf(sharing(megaword - 8, 1))),
  frame("structs nested 65 deep", /nested deeper/, frameOf([...nested(65), 0n])),
  frame("structs nested 100,000 deep", /nested deeper/, frameOf([...nested(100_000), 0n])),
  frame("a list of 2^29 elements without bytes", amplified, frameOf([listPointer(0, 0, (1 << 29) - 1)])),
  frame("2^30 structs without bytes", amplified, frameOf([listPointer(0, 7, 0), listTag((1 << 30) - 1, 0, 0)])),
  frame("many pointers to one large list", amplified, frameOf(sharing(100, 10_000))),
  {
    name: "calls with flipped bits",
    reason: /./,
    bytes: (n) => join([messages.bootstrap(0), flipped(n), offence.frame]),
  },
  // what changes nothing is no offence: the peer may not have known better
  conversation("a Finish for a question nobody asked", offence.reason, messages.finish(77, false), offence.frame),
  conversation(
    "a second Finish",
    offence.reason,
    echo,
    messages.finish(1, false),
    messages.finish(1, false),
    offence.frame,
  ),
  conversation("a Return for a question nobody asked", /was not asked/, messages.returnWithout(3, "canceled")),
  conversation("a question id in use", /question 1 is in use/, never, echo),
  conversation("a call to what was not exported", /export 5 does not exist/, echoTo({ importId: 5 })),
  conversation("a call on an unknown answer", offence.reason, echoTo({ questionId: 9, path: [0] }), offence.frame),
  conversation("a call pipelined on itself", offence.reason, echoTo({ questionId: 1, path: [0] }), offence.frame),
  conversation("a pipeline 1,000 fields deep", /deeper than 16/, echoTo({ questionId: 0, path: Array(1_000).fill(0) })),
  conversation("a Release of nothing", /export 4, which does not exist/, messages.release(4, 1)),
  conversation("a Release below zero", /released more often/, messages.release(0, 2)),
  conversation("a Disembargo that leads nowhere", /does not lead back/, messages.disembargo("senderLoopback", 1, to)),
  conversation("an embargo nobody began", /embargo 1 does not exist/, messages.disembargo("receiverLoopback", 1, to)),
  conversation(
    "a Resolve of a hosted capability",
    /not a promise/,
    keep({ kind: "senderHosted", id: 3 }),
    resolveFrame(3, { kind: "senderHosted", id: 8 }),
  ),
  conversation(
    "an own answer as parameter",
    offence.reason,
    keep({ kind: "receiverAnswer", questionId: 1, path: [0] }),
    offence.frame,
  ),
  conversation("2,000 capabilities in one message", /capabilities in one message/, manyCapabilities(2_000)),
  conversation(
    "an Unimplemented",
    /does not implement/,
    rawMessage(messageTag.unimplemented, [1, 1], () => {}),
  ),
];

function join(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** Bytes that look like chance, the same for the same n. */
function random(n: number, length: number): Uint8Array {
  let state = Math.imul(n + 1, 0x9e3779b1);
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 0x41c64e6d) + 12_345) | 0;
    return state >>> 16;
  });
}

/** As one segment: the bytes are looked at as pointers. The root is made a struct of pointers, or all would end there. */
function withHeader(bytes: Uint8Array): Uint8Array {
  const words = new BigUint64Array(bytes.slice().buffer);
  return frameOf([structPointer(0, 0, words.length), ...words]);
}

function segmentTable(segments: number, words: number): Uint8Array {
  const table = new Uint32Array(segments + 2 - (segments % 2)).fill(words);
  table[0] = segments - 1;
  if (segments % 2 === 0) table[segments + 1] = 0; // padding
  return new Uint8Array(table.buffer);
}

function zeros(words: number): readonly bigint[] {
  return Array<bigint>(words).fill(0n);
}

/** A list of pointers, each to the list itself. */
function selfHolding(count: number): readonly bigint[] {
  return [listPointer(0, 6, count), ...Array.from({ length: count }, (_, i) => listPointer(-(i + 1), 6, count))];
}

/** Each level is two pointers to the same next level. */
function doubling(levels: number): readonly bigint[] {
  const pairs = Array.from({ length: levels }, () => [listPointer(1, 6, 2), listPointer(0, 6, 2)]).flat();
  return [listPointer(0, 6, 2), ...pairs, 0n, 0n];
}

function nested(depth: number): readonly bigint[] {
  return Array.from({ length: depth }, () => structPointer(0, 0, 1));
}

/** So many pointers to one list of so many words. */
function sharing(count: number, words: number): readonly bigint[] {
  const pointers = Array.from({ length: count }, (_, i) => listPointer(count - 1 - i, 5, words));
  return [listPointer(0, 6, count), ...pointers, ...zeros(words)];
}

function flipped(n: number): Uint8Array {
  const bytes = echo.slice();
  for (const [index, chance] of random(n, 3).entries()) {
    const bit = (chance * 37 + index * 997 + n * 101) % (bytes.length * 8);
    bytes[bit >>> 3] = (bytes[bit >>> 3] as number) ^ (1 << (bit & 7));
  }
  return bytes;
}

function echoTo(target: Parameters<typeof callFrame>[0]["to"]): Uint8Array {
  return callFrame({ questionId: 1, to: target, method: TestPeer.echo });
}

/** A call that brings the capability; the server keeps it. */
function keep(capability: messages.Descriptor): Uint8Array {
  const fill = (p: StructBuilder): void => p.setCapability(0, "the first");
  return callFrame({ questionId: 1, to, method: TestPeer.keep, fill, capabilities: [capability] });
}

function manyCapabilities(count: number): Uint8Array {
  const capabilities = Array.from({ length: count }, (_, id) => ({ kind: "senderHosted", id }) as const);
  return callFrame({ questionId: 1, to, method: TestPeer.keep, capabilities });
}
