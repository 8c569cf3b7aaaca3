/** The promises of BlobStore. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { BlobAppend, UploadName } from "../../src/store/port.ts";
import { chunkOf } from "./account-rows.ts";
import { identityOf, Setup, type Subject } from "./subject.ts";

const alice = identityOf("alice");
const bob = identityOf("bob");
const blobId = identityOf("content");

/** Of pieces that are cut elsewhere than the store cuts its own. */
const content = Uint8Array.from({ length: 700_001 }, (_, i) => (i * 7 + (i >> 8)) & 0xff);

export function describeBlobStore(subject: Subject): void {
  describe(`blob store on ${subject.name}`, () => {
    describeUploads(subject);
    describeReading(subject);
    describeEnds(subject);
  });
}

/** Uploads the whole content in chunks; answers its name. */
async function upload(setup: Setup, options: Partial<BlobAppend> & { bytes?: Uint8Array; chunkBytes?: number } = {}) {
  const { bytes = content, chunkBytes = 256 * 1024, ...fields } = options;
  let uploadId = 0;
  for (let offset = 0; offset === 0 || offset < bytes.length; offset += chunkBytes) {
    const chunk = bytes.subarray(offset, offset + chunkBytes);
    const append = chunkOf(setup, alice, { totalSize: bytes.length, offset, chunk, ...fields });
    const answer = await setup.store.blobs.appendBlob(append);
    assert.equal(answer.kind, "stored");
    assert.equal(answer.receivedBytes, offset + chunk.length);
    assert.ok(uploadId === 0 || uploadId === answer.uploadId);
    uploadId = answer.uploadId;
  }
  return { owner: fields.owner ?? alice, blobId: fields.blobId ?? blobId, uploadId } satisfies UploadName;
}

async function complete(setup: Setup, name: UploadName, lifeMs = 100_000): Promise<void> {
  assert.equal(await setup.store.blobs.completeBlob({ upload: name, expiresAtMs: setup.nowMs + lifeMs }), true);
}

function describeUploads(subject: Subject): void {
  test("only the chunk at the next offset is stored; others are told where it goes on", async () => {
    await using setup = await Setup.make(subject);
    const at = (offset: number, text: string) =>
      setup.store.blobs.appendBlob(chunkOf(setup, alice, { offset, chunk: Buffer.from(text) }));
    assert.deepEqual(await at(4, "4567"), { kind: "otherOffset", uploadId: 0, receivedBytes: 0 });
    const { uploadId, ...begun } = await at(0, "0123");
    assert.deepEqual(begun, { kind: "stored", receivedBytes: 4 });
    assert.deepEqual(await at(0, "0123"), { kind: "otherOffset", uploadId, receivedBytes: 4 });
    assert.deepEqual(await at(5, "5"), { kind: "otherOffset", uploadId, receivedBytes: 4 });
    if (subject.keeps) await setup.reopen();
    assert.deepEqual(await at(4, "4567"), { kind: "stored", uploadId, receivedBytes: 8 });
    assert.deepEqual(await at(8, "89"), { kind: "stored", uploadId, receivedBytes: 10 });
    const name = { owner: alice, blobId, uploadId };
    assert.equal(textOf(await setup.store.blobs.readUpload({ upload: name, offset: 0, length: 99 })), "0123456789");
  });

  test("of parallel chunks at one offset one is stored", async () => {
    await using setup = await Setup.make(subject);
    for (const offset of [0, 1]) {
      const chunks = Array.from({ length: 10 }, (_, i) =>
        chunkOf(setup, alice, { offset, chunk: Buffer.from(`${i}`) }),
      );
      const answers = await Promise.all(chunks.map((chunk) => setup.store.blobs.appendBlob(chunk)));
      assert.equal(answers.filter(({ kind }) => kind === "stored").length, 1);
      assert.ok(answers.every(({ receivedBytes }) => receivedBytes <= offset + 1));
    }
  });

  test("an upload has one total size, and what is completed takes no more", async () => {
    await using setup = await Setup.make(subject);
    const { blobs } = setup.store;
    await blobs.appendBlob(chunkOf(setup, alice, { chunk: Buffer.from("01234") }));
    const other = chunkOf(setup, alice, { offset: 5, totalSize: 11, chunk: Buffer.from("56789a") });
    assert.deepEqual(await blobs.appendBlob(other), { kind: "otherSize", uploadId: 0, receivedBytes: 0 });
    const { uploadId } = await blobs.appendBlob(chunkOf(setup, alice, { offset: 5, chunk: Buffer.from("56789") }));
    await complete(setup, { owner: alice, blobId, uploadId });
    for (const offset of [0, 5, 10]) {
      const again = chunkOf(setup, alice, { offset });
      assert.deepEqual(await blobs.appendBlob(again), { kind: "complete", uploadId, receivedBytes: 10 });
    }
  });

  test("an upload is completed with all its bytes only, by its own name, again and again", async () => {
    await using setup = await Setup.make(subject);
    const { blobs } = setup.store;
    const { uploadId } = await blobs.appendBlob(chunkOf(setup, alice, { chunk: Buffer.from("01234") }));
    const name = { owner: alice, blobId, uploadId };
    const finish = (upload: UploadName) => blobs.completeBlob({ upload, expiresAtMs: setup.nowMs + 1_000 });
    assert.equal(await finish(name), false);
    await blobs.appendBlob(chunkOf(setup, alice, { offset: 5, chunk: Buffer.from("56789") }));
    for (const wrong of [{ owner: bob }, { blobId: bob }, { uploadId: uploadId + 1 }]) {
      assert.equal(await finish({ ...name, ...wrong }), false);
    }
    assert.equal(await blobs.readBlob({ blobId, offset: 0, length: 10 }), undefined);
    for (let i = 0; i < 2; i++) assert.equal(await finish(name), true);
    assert.equal(textOf((await blobs.readBlob({ blobId, offset: 0, length: 10 }))?.chunk), "0123456789");
  });

  test("an empty blob is a blob", async () => {
    await using setup = await Setup.make(subject);
    await complete(setup, await upload(setup, { bytes: new Uint8Array(0) }));
    const part = await setup.store.blobs.readBlob({ blobId, offset: 0, length: 10 });
    assert.deepEqual(part, { chunk: new Uint8Array(0), totalSize: 0, mimeType: "application/octet-stream" });
  });

  test("uploads and blobs count for the quota by their total size until they end; beyond it none begins", async () => {
    await using setup = await Setup.make(subject);
    const { blobs } = setup.store;
    const begin = (name: string, totalSize: number, owner = alice) =>
      blobs.appendBlob(chunkOf(setup, owner, { blobId: identityOf(name), totalSize, quotaBytesMax: 100 }));
    assert.equal((await begin("a", 60)).kind, "stored");
    assert.deepEqual(await begin("b", 41), { kind: "quota", uploadId: 0, receivedBytes: 0 });
    assert.equal((await begin("b", 40)).kind, "stored");
    assert.equal(await blobs.blobBytesOf(alice), 100);
    assert.equal((await begin("b", 100, bob)).kind, "stored");
    // one that has begun goes on
    assert.equal((await begin("a", 60)).kind, "stored");
    setup.nowMs += 60_000;
    assert.equal(await blobs.blobBytesOf(alice), 0);
    assert.equal((await begin("c", 100)).kind, "stored");
  });

  test("of parallel uploads no more begin than the quota allows", async () => {
    await using setup = await Setup.make(subject);
    const { blobs } = setup.store;
    const appends = Array.from({ length: 12 }, (_, i) =>
      chunkOf(setup, alice, { blobId: identityOf(`${i}`), totalSize: 30, quotaBytesMax: 100 }),
    );
    const answers = await Promise.all(appends.map((append) => blobs.appendBlob(append)));
    assert.equal(answers.filter(({ kind }) => kind === "stored").length, 3);
    assert.equal(await blobs.blobBytesOf(alice), 90);
  });
}

function describeReading(subject: Subject): void {
  for (const chunkBytes of [256 * 1024, 100_000]) {
    test(`any part of a blob uploaded in chunks of ${chunkBytes} bytes reads as it was sent`, async () => {
      await using setup = await Setup.make(subject);
      const name = await upload(setup, { chunkBytes, mimeType: "text/ünï" });
      const parts: readonly [number, number][] = [
        [0, 700_001],
        [0, 1],
        [262_143, 2],
        [262_144, 262_144],
        [200_000, 262_144],
        [700_000, 10],
        [700_001, 10],
        [900_000, 10],
        [5, 0],
      ];
      for (const isComplete of [false, true]) {
        if (isComplete) await complete(setup, name);
        if (isComplete && subject.keeps) await setup.reopen();
        for (const [offset, length] of parts) {
          const expected = content.subarray(offset, offset + length);
          const part = await setup.store.blobs.readBlob({ blobId, offset, length });
          const own = await setup.store.blobs.readUpload({ upload: name, offset, length });
          assert.ok(own !== undefined && Buffer.compare(own, expected) === 0, `${offset} ${length}`);
          if (!isComplete) {
            assert.equal(part, undefined);
            continue;
          }
          assert.equal(part?.totalSize, 700_001);
          assert.equal(part.mimeType, "text/ünï");
          assert.ok(Buffer.compare(part.chunk, expected) === 0, `${offset} ${length}`);
        }
      }
    });
  }

  test("an unfinished upload is read by its name only; several owners upload the same blob at once", async () => {
    await using setup = await Setup.make(subject);
    const { blobs } = setup.store;
    const [ours, theirs] = [await upload(setup), await upload(setup, { owner: bob })];
    const read = (upload: UploadName) => blobs.readUpload({ upload, offset: 0, length: 1 });
    assert.equal(await read({ ...ours, owner: bob }), undefined);
    assert.equal(await read({ ...ours, uploadId: theirs.uploadId }), undefined);
    assert.equal((await read(theirs))?.length, 1);
    await complete(setup, ours, 50_000);
    await complete(setup, theirs, 100_000);
    assert.deepEqual([await blobs.blobBytesOf(alice), await blobs.blobBytesOf(bob)], [700_001, 700_001]);
    setup.nowMs += 50_000;
    assert.equal((await blobs.readBlob({ blobId, offset: 0, length: 1 }))?.totalSize, 700_001);
    await setup.sweepAll();
    assert.equal((await blobs.readBlob({ blobId, offset: 0, length: 1 }))?.totalSize, 700_001);
    setup.nowMs += 50_000;
    assert.equal(await blobs.readBlob({ blobId, offset: 0, length: 1 }), undefined);
  });
}

function describeEnds(subject: Subject): void {
  test("an upload that was given up is gone, and one under the same name begins anew under another", async () => {
    await using setup = await Setup.make(subject);
    const { blobs } = setup.store;
    const first = await upload(setup);
    for (let i = 0; i < 2; i++) await blobs.removeUpload(first);
    assert.equal(await blobs.readUpload({ upload: first, offset: 0, length: 1 }), undefined);
    assert.equal(await blobs.blobBytesOf(alice), 0);
    const second = await upload(setup);
    assert.notEqual(second.uploadId, first.uploadId);
    // who verified the first one must not complete the second
    assert.equal(await blobs.completeBlob({ upload: first, expiresAtMs: setup.nowMs + 1_000 }), false);
    await complete(setup, second);
    await blobs.removeUpload(second);
    await setup.sweepAll();
    assert.equal((await blobs.readBlob({ blobId, offset: 0, length: 1 }))?.totalSize, 700_001);
  });

  test("uploads and blobs end with their lives, are swept, and may be uploaded again", async () => {
    await using setup = await Setup.make(subject);
    const { blobs, log } = setup.store;
    const unfinished = await upload(setup, { blobId: identityOf("other") });
    const name = await upload(setup);
    await complete(setup, name, 100_000);
    setup.nowMs += 60_000;
    assert.equal(await blobs.readUpload({ upload: unfinished, offset: 0, length: 1 }), undefined);
    assert.equal(await blobs.completeBlob({ upload: unfinished, expiresAtMs: setup.nowMs + 1 }), false);
    assert.equal(await blobs.blobBytesOf(alice), 700_001);
    // completed again it lives longer, and never shorter
    await complete(setup, name, 50_000);
    await complete(setup, name, 10_000);
    await setup.sweepAll();
    setup.nowMs += 49_999;
    assert.equal((await blobs.readBlob({ blobId, offset: 700_000, length: 5 }))?.chunk.length, 1);
    setup.nowMs += 1;
    assert.equal(await blobs.readBlob({ blobId, offset: 0, length: 1 }), undefined);
    await complete(setup, await upload(setup));
    await setup.sweepAll();
    assert.equal(await log.sweep(100), 0);
    const part = await blobs.readBlob({ blobId, offset: 0, length: 700_001 });
    assert.ok(part !== undefined && Buffer.compare(part.chunk, content) === 0);
  });
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes && Buffer.from(bytes).toString();
}
