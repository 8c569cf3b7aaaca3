/** The frame reader finds message borders in any chunking and refuses oversized frames before allocating. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { defaultMessageLimits, FrameReader, MessageBuilder, MessageError } from "../../src/message/index.ts";
import { frameOf } from "./frame-of-words.ts";

function header(...numbers: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(numbers.length * 4));
  numbers.forEach((number, index) => view.setUint32(index * 4, number, true));
  return new Uint8Array(view.buffer);
}

function assertRefused(action: () => unknown, code: MessageError["code"]): void {
  assert.throws(action, (error: unknown) => error instanceof MessageError && error.code === code);
}

test("frames come out whole and in order however the stream is cut", () => {
  const segment = fc.array(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), { maxLength: 6 });
  const frames = fc.array(fc.array(segment, { minLength: 1, maxLength: 5 }), { maxLength: 6 });
  fc.assert(
    fc.property(frames, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (messages, cuts) => {
      const sent = messages.map((segments) => frameOf(...segments));
      const stream = new Uint8Array(sent.flatMap((frame) => [...frame]));
      const received: number[][] = [];
      const reader = new FrameReader((frame) => received.push([...frame]));
      for (let at = 0, cut = 0; at < stream.length; cut++) {
        const end = at + (cuts[cut % cuts.length] as number);
        reader.push(stream.slice(at, end));
        at = end;
      }
      assert.deepEqual(
        received,
        sent.map((frame) => [...frame]),
      );
      assert.equal(reader.pendingBytes, 0);
    }),
  );
});

test("a frame that lies whole in a chunk is handed out without a copy", () => {
  const chunk = new Uint8Array([...frameOf([1n]), ...frameOf([2n, 3n])]);
  const frames: Uint8Array[] = [];
  new FrameReader((frame) => frames.push(frame)).push(chunk);
  assert.equal(frames.length, 2);
  for (const frame of frames) assert.equal(frame.buffer, chunk.buffer);
});

test("pendingBytes tells what is held of an incomplete frame", () => {
  const reader = new FrameReader(() => assert.fail("no frame is complete"));
  reader.push(header(0, 100).subarray(0, 3));
  assert.equal(reader.pendingBytes, 3);
  reader.push(header(0, 100).subarray(3));
  assert.equal(reader.pendingBytes, 8);
});

test("a segment count of 2^32 - 1 and one above the limit are refused from the header alone", () => {
  assertRefused(() => new FrameReader(() => {}).push(header(0xffff_ffff, 0)), "tooManySegments");
  assertRefused(() => new FrameReader(() => {}).push(header(512, 0)), "tooManySegments");
  new FrameReader(() => {}).push(header(511, 0));
});

test("a size beyond the limit is refused from the header alone, a size at the limit is not", () => {
  const wordsMax = defaultMessageLimits.messageBytesMax / 8 - 1; // the header is a word as well
  assertRefused(() => new FrameReader(() => {}).push(header(0, wordsMax + 1)), "tooLarge");
  assertRefused(() => new FrameReader(() => {}).push(header(0, 0xffff_ffff)), "tooLarge");
  assertRefused(() => new FrameReader(() => {}).push(header(2, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff)), "tooLarge");
  new FrameReader(() => {}).push(header(0, wordsMax));
});

test("the limits can be set", () => {
  const limits = { ...defaultMessageLimits, segmentsMax: 2, messageBytesMax: 32 };
  assertRefused(() => new FrameReader(() => {}, limits).push(header(2, 0)), "tooManySegments");
  assertRefused(() => new FrameReader(() => {}, limits).push(header(0, 4)), "tooLarge");
  new FrameReader(() => {}, limits).push(header(0, 3));
});

test("headers that announce 8 MiB do not make 1,000 readers allocate", () => {
  const before = process.memoryUsage().arrayBuffers;
  const readers = Array.from({ length: 1_000 }, () => new FrameReader(() => {}));
  for (const reader of readers) reader.push(header(0, (8 << 17) - 1));
  const grown = process.memoryUsage().arrayBuffers - before;
  assert.ok(grown < 1 << 20, `${grown} bytes for ${readers.length} headers`);
});

test("a reader that failed fails again and hands nothing out", () => {
  const reader = new FrameReader(() => assert.fail("handed out a frame"));
  assertRefused(() => reader.push(header(0, 0xffff_ffff)), "tooLarge");
  assertRefused(() => reader.push(frameOf([0n])), "tooLarge");
});

test("after stop, not even the rest of the chunk is handed out", () => {
  let frames = 0;
  const reader = new FrameReader(() => {
    frames++;
    reader.stop();
  });
  reader.push(new Uint8Array([...frameOf([1n]), ...frameOf([2n])]));
  reader.push(frameOf([3n]));
  assert.equal(frames, 1);
  assert.equal(reader.pendingBytes, 0);
});

test("a message of 1 MiB in chunks of 1,200 bytes arrives unchanged", () => {
  const builder = new MessageBuilder();
  builder.initRootStruct(0, 1).setData(0, new Uint8Array(1 << 20).fill(7));
  const frame = builder.toFrame();
  let received: Uint8Array | undefined;
  const reader = new FrameReader((it) => {
    received = it;
  });
  for (let at = 0; at < frame.length; at += 1_200) reader.push(frame.slice(at, at + 1_200));
  assert.equal(Buffer.compare(received as Uint8Array, frame), 0);
});
