/** A blob is what its name says, arrives in chunks that may be continued anywhere, and stays within its limits. */
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { type LimitName, QpqError } from "quicproquo-proto";
import { Blobs, type BlobsParts } from "../../src/blobs/blobs.ts";
import { LocalRates } from "../../src/store/local-rates.ts";
import { keyOf, limits, memoryStore } from "../access/accounts.ts";

const alice = keyOf(1);
const bob = keyOf(2);
const day = 86_400_000;
const piece = 256 * 1024;

const contentOf = (bytes: number, seed = 0): Uint8Array =>
  Uint8Array.from({ length: bytes }, (_, i) => (i * 7 + seed) & 0xff);

function start(given: Partial<Record<LimitName, number>> = {}, parts: Partial<BlobsParts> = {}) {
  const world = { nowMs: 0 };
  const clock = () => world.nowMs;
  const { blobs: store, log } = memoryStore(clock);
  const rest = { rates: new LocalRates(clock), limits: { ...limits, ...given }, clock };
  const newFrontEnd = () => new Blobs({ store, ...rest, ...parts });
  const blobs = newFrontEnd();
  type Options = { from?: number; to?: number; owner?: typeof alice; at?: Blobs; name?: Uint8Array; total?: number };
  const chunkOf = (content: Uint8Array, { from = 0, to = content.length, name, total }: Options = {}) => ({
    blobHash: name ?? hash("sha256", content, "buffer"),
    chunk: content.subarray(from, to),
    offset: BigInt(from),
    totalSize: BigInt(total ?? content.length),
    mimeType: "application/octet-stream",
  });
  const put = (content: Uint8Array, options: Options = {}) =>
    (options.at ?? blobs).upload(options.owner ?? alice, chunkOf(content, options));
  const get = (content: Uint8Array, offset = 0, length = 0) =>
    blobs.download(bob, { blobId: hash("sha256", content, "buffer"), offset: BigInt(offset), length });
  return Object.assign(world, { store, log, blobs, newFrontEnd, chunkOf, put, get });
}

function code(expected: string, fields: Record<string, unknown> = {}) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof QpqError, String(error));
    assert.deepEqual([error.code, error.fields], [expected, { ...error.fields, ...fields }]);
    return true;
  };
}

test("what was uploaded in chunks of any size is downloaded in parts of any size, the same bytes", async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(sizes, fc.integer({ min: 1, max: 999 }), async (chunks, partBytes) => {
      const { put, get } = start();
      const content = contentOf(chunks.reduce((sum, bytes) => sum + bytes, 0));
      let from = 0;
      for (const bytes of chunks) await put(content, { from, to: (from += bytes) });
      const parts: Uint8Array[] = [];
      for (let at = 0; at < content.length; at += partBytes) parts.push((await get(content, at, partBytes)).chunk);
      assert.deepEqual(Buffer.concat(parts), Buffer.from(content));
      const { totalSize, mimeType, chunk } = await get(content, content.length);
      assert.deepEqual([totalSize, mimeType, chunk.length], [content.length, "application/octet-stream", 0]);
    }),
    { numRuns: 30 },
  );
});

test("an upload that broke off is continued at another front-end, where it is asked for the offset", async () => {
  const { put, get, newFrontEnd } = start();
  const content = contentOf(1_000);
  await put(content, { from: 0, to: 400 });
  const at = newFrontEnd();
  await assert.rejects(put(content, { at, from: 1_000, to: 1_000 }), code("E073_BLOB_OFFSET", { offset: 400 }));
  await assert.rejects(put(content, { at, from: 500, to: 600 }), code("E073_BLOB_OFFSET", { offset: 400 }));
  await assert.rejects(put(content, { at, from: 300, to: 600 }), code("E073_BLOB_OFFSET", { offset: 400 }));
  await put(content, { at, from: 100, to: 400 });
  await assert.rejects(get(content), code("E026_BLOB_NOT_FOUND"));
  await put(content, { at, from: 400 });
  assert.equal((await get(content)).totalSize, 1_000);
  for (const from of [0, 400, 1_000]) await put(content, { from, to: 1_000 }); // again, and all is there
});

test("without an upload every offset but 0 is told to begin there", async () => {
  const { put } = start();
  const content = contentOf(10);
  for (const from of [5, 10]) await assert.rejects(put(content, { from }), code("E073_BLOB_OFFSET", { offset: 0 }));
});

test("an end of which nobody knows the outcome is made up for by the last chunk again, or by an empty one", async () => {
  for (const from of [6, 10]) {
    const { store, put, get } = start();
    const content = contentOf(10);
    const { completeBlob } = store;
    store.completeBlob = () => Promise.reject(new QpqError("E020_STORE_UNAVAILABLE"));
    await put(content, { from: 0, to: 6 });
    await assert.rejects(put(content, { from: 6 }), code("E020_STORE_UNAVAILABLE"));
    store.completeBlob = completeBlob;
    await assert.rejects(get(content), code("E026_BLOB_NOT_FOUND"));
    await put(content, { from });
    assert.equal((await get(content)).totalSize, 10);
  }
});

test("content that is not what its name says is refused, gone, and counts for nothing; it can be uploaded anew", async () => {
  const { put, get, store } = start();
  const content = contentOf(piece + 10);
  const name = hash("sha256", content, "buffer");
  const altered = Uint8Array.from(content);
  altered[piece + 3] = (altered[piece + 3] as number) ^ 1;
  await put(altered, { name, to: piece });
  await assert.rejects(put(altered, { name, from: piece }), code("E025_BLOB_HASH"));
  assert.equal(await store.blobBytesOf(alice), 0);
  await assert.rejects(get(content), code("E026_BLOB_NOT_FOUND"));
  await put(content, { to: piece });
  await put(content, { from: piece });
  assert.equal((await get(content, piece)).chunk.length, 10);
});

test("nobody's unfinished upload is in another's way, or helps it", async () => {
  const { put, get } = start();
  const content = contentOf(100);
  await put(content, { to: 60, owner: bob });
  await assert.rejects(put(content, { from: 60 }), code("E073_BLOB_OFFSET", { offset: 0 }));
  await put(content);
  assert.equal((await get(content)).totalSize, 100);
  await assert.rejects(put(content, { total: 99, to: 10, owner: bob }), code("E001_BAD_REQUEST"));
});

test("what is too large, has no sense, or would spoil a row is refused before anything is stored", async () => {
  const { blobs, store, chunkOf } = start({ blobBytesMax: 1_000, blobChunkBytesMax: 600 });
  const good = chunkOf(contentOf(10));
  const max = 2n ** 64n - 1n;
  for (const [change, expected] of [
    [{ totalSize: 1_001n }, "E024_BLOB_TOO_LARGE"],
    [{ totalSize: max }, "E024_BLOB_TOO_LARGE"],
    [{ totalSize: 1_000n, chunk: contentOf(601) }, "E024_BLOB_TOO_LARGE"],
    [{ totalSize: 0n, chunk: new Uint8Array() }, "E001_BAD_REQUEST"],
    [{ offset: 1n }, "E001_BAD_REQUEST"],
    [{ offset: max }, "E001_BAD_REQUEST"],
    [{ chunk: new Uint8Array() }, "E001_BAD_REQUEST"],
    [{ blobHash: new Uint8Array(31) }, "E001_BAD_REQUEST"],
    [{ mimeType: "text/plain\0" }, "E001_BAD_REQUEST"],
    [{ mimeType: "text/\u{1F600}" }, "E001_BAD_REQUEST"],
    [{ mimeType: "x".repeat(256) }, "E001_BAD_REQUEST"],
  ] as const) {
    await assert.rejects(blobs.upload(alice, { ...good, ...change }), code(expected));
  }
  assert.equal(await store.blobBytesOf(alice), 0);
  const blobId = new Uint8Array(32);
  for (const query of [
    { blobId, offset: max, length: 1 },
    { blobId: new Uint8Array(5), offset: 0n, length: 1 },
  ]) {
    await assert.rejects(blobs.download(bob, query), code("E001_BAD_REQUEST"));
  }
});

test("a download gives a chunk at most, however much is asked for", async () => {
  const { put, get } = start({ blobChunkBytesMax: 600 });
  const content = contentOf(1_000);
  await put(content, { to: 600 });
  await put(content, { from: 600 });
  assert.equal((await get(content, 0, 2 ** 32 - 1)).chunk.length, 600);
  assert.equal((await get(content, 0, 0)).chunk.length, 600);
});

test("an account's uploads and blobs stay within its quota, another's take none of it, and what has ended is given back", async () => {
  const world = start({ blobQuotaBytesMax: 1_000, blobLifeSecs: 10 * 86_400, uploadLifeSecs: 86_400 });
  const { put, get, log } = world;
  const [whole, begun] = [contentOf(600, 1), contentOf(300, 2)];
  await put(whole);
  await put(begun, { to: 1 });
  await assert.rejects(put(contentOf(101, 3)), code("E027_BLOB_QUOTA", { max: 1_000 }));
  await put(contentOf(1_000, 4), { owner: bob });
  await put(whole); // what is there already costs nothing
  world.nowMs = day;
  await assert.rejects(put(begun, { from: 1 }), code("E073_BLOB_OFFSET", { offset: 0 }));
  await put(contentOf(400, 3));
  world.nowMs = 10 * day;
  await assert.rejects(get(whole), code("E026_BLOB_NOT_FOUND"));
  assert.ok((await log.sweep(1_000)) > 0);
  await put(contentOf(600, 5));
});

test("50 MiB are verified a piece at a time, once for all who send the last chunk, and a few blobs at once", async () => {
  const reading = { now: 0, most: 0, bytes: 0 };
  const { store, put, newFrontEnd } = start({ blobChunkBytesMax: 4 * 1024 * 1024 }, { verificationsMax: 2 });
  const { readUpload } = store;
  const gate = Promise.withResolvers<void>();
  store.readUpload = async (query) => {
    reading.most = Math.max(reading.most, ++reading.now);
    reading.bytes += query.length;
    assert.ok(query.length <= piece);
    await gate.promise;
    reading.now--;
    return await readUpload(query);
  };
  const content = new Uint8Array(50 * 1024 * 1024).fill(3);
  const step = 4 * 1024 * 1024;
  let from = 0;
  for (; from + step < content.length; from += step) await put(content, { from, to: from + step });
  const at = newFrontEnd();
  const ends = [1, 2, 3].map(() => put(content, { from, at }));
  const small = [put(contentOf(10), { at }), put(contentOf(11), { at })];
  const settled = Promise.allSettled([...ends, ...small]);
  await new Promise(setImmediate);
  gate.resolve();
  const refused = (await settled).map((end) => (end.status === "rejected" ? (end.reason as QpqError).code : ""));
  assert.deepEqual(refused, ["", "", "", "", "E021_OVERLOADED"]);
  assert.deepEqual(reading, { now: 0, most: 2, bytes: content.length + piece });
  await put(contentOf(11), { at, from: 11 });
});

test("an account that moves more bytes than it may is told when to come back, and others go on", async () => {
  const world = start({ blobBytesPerMinute: 6_000 });
  const { put, get } = world;
  await put(contentOf(5_000));
  const error = await put(contentOf(2_000)).then(
    () => assert.fail("it was admitted"),
    (reason: unknown) => reason as QpqError,
  );
  assert.deepEqual(
    [error.code, error.fields["limit"], error.retryAfterMs],
    ["E018_RATE_LIMIT", "blobBytesPerMinute", 10_000],
  );
  await put(contentOf(2_000), { owner: keyOf(3) });
  await get(contentOf(5_000), 0, 6_000);
  await assert.rejects(get(contentOf(5_000), 0, 1), code("E018_RATE_LIMIT"));
  world.nowMs = 10_000;
  await put(contentOf(2_000));
});
