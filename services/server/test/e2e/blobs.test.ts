/** Blobs over real QUIC: uploaded in chunks, continued elsewhere and after SIGKILL, downloaded by who knows the id. */
import assert from "node:assert/strict";
import { hash, randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { QpqError } from "quicproquo-proto";
import { sharedPostgres } from "../../testing/postgres.ts";
import { type ServerProcess, startServerProcess } from "../../testing/server-process.ts";
import { codeOf } from "./code-of.ts";
import { arrive } from "./people.ts";
import { RawClient } from "./raw-client.ts";
import { stores } from "./stores.ts";

const chunkBytes = 256 * 1024;
const mimeType = "application/octet-stream";

class Content {
  readonly bytes: Uint8Array;
  readonly blobHash: Uint8Array;

  constructor(size: number) {
    this.bytes = randomBytes(size);
    this.blobHash = hash("sha256", this.bytes, "buffer");
  }

  get size(): number {
    return this.bytes.length;
  }

  async upload(client: RawClient, from = 0, to = this.size): Promise<void> {
    for (let offset = from; offset < to; offset += chunkBytes) {
      const chunk = this.bytes.subarray(offset, Math.min(offset + chunkBytes, to));
      const { blobId } = await this.put(client, offset, chunk);
      assert.deepEqual(Buffer.from(blobId), this.blobHash);
    }
  }

  put(client: RawClient, offset: number, chunk: Uint8Array) {
    const { blobHash, size } = this;
    return client.call("uploadBlob", { blobHash, chunk, offset: BigInt(offset), totalSize: BigInt(size), mimeType });
  }

  /** Where it goes on. */
  async offset(client: RawClient): Promise<number> {
    const error = await this.put(client, this.size, new Uint8Array()).then(
      () => assert.fail("it is complete"),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof QpqError && error.code === "E073_BLOB_OFFSET" && error.kind === "conflict");
    return Number(error.fields["offset"]);
  }

  async download(client: RawClient): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for (let at = 0; at < this.size; ) {
      const query = { blobId: this.blobHash, offset: BigInt(at), length: 0 };
      const part = await client.call("downloadBlob", query);
      assert.deepEqual([part.totalSize, part.mimeType], [BigInt(this.size), mimeType]);
      parts.push(Uint8Array.from(part.chunk));
      at += part.chunk.length;
    }
    return Buffer.concat(parts);
  }
}

for (const { name, start } of stores) {
  describe(`blobs over ${name}`, () => {
    let server: ServerProcess;
    let [alice, bob] = [] as unknown as [RawClient, RawClient];
    before(async () => {
      server = await start({ settings: { "blob-quota-bytes-max": 4_000_000 } });
      const connect = async (username: string) =>
        await RawClient.connect(server, { token: (await arrive(server, username)).token });
      [alice, bob] = [await connect("alice"), await connect("bob")];
    });
    after(async () => {
      for (const client of [alice, bob]) client.close();
      await server[Symbol.asyncDispose]();
    });

    test("what one uploads another downloads, the same bytes, and so does the holder of the static token", async () => {
      const content = new Content(3 * chunkBytes + 17);
      await content.upload(alice);
      assert.ok(Buffer.from(content.bytes).equals(await content.download(bob)));
      using operator = await RawClient.connect(server);
      assert.ok(Buffer.from(content.bytes).equals(await content.download(operator)));
      assert.equal(await codeOf(content.put(operator, 0, content.bytes.subarray(0, 9))), "E006_FORBIDDEN");
    });

    test("before its end nobody downloads it, and one that is not what it said is refused", async () => {
      const content = new Content(2 * chunkBytes);
      await content.upload(alice, 0, chunkBytes);
      const download = () => codeOf(content.download(bob));
      assert.equal(await download(), "E026_BLOB_NOT_FOUND");
      assert.equal(await codeOf(content.put(alice, chunkBytes, new Uint8Array(chunkBytes))), "E025_BLOB_HASH");
      assert.equal(await download(), "E026_BLOB_NOT_FOUND");
      assert.equal(await content.offset(alice), 0);
    });

    test("limits are told by their codes", async () => {
      const size = 50 * 1024 * 1024 + 1;
      const large = { blobHash: new Uint8Array(32), chunk: new Uint8Array(1), offset: 0n, mimeType };
      assert.equal(
        await codeOf(alice.call("uploadBlob", { ...large, totalSize: BigInt(size) })),
        "E024_BLOB_TOO_LARGE",
      );
      const chunk = new Uint8Array(chunkBytes + 1);
      const totalSize = BigInt(chunk.length);
      assert.equal(await codeOf(alice.call("uploadBlob", { ...large, chunk, totalSize })), "E024_BLOB_TOO_LARGE");
      assert.equal(await codeOf(alice.call("uploadBlob", { ...large, totalSize: 4_000_001n })), "E027_BLOB_QUOTA");
      assert.equal(await codeOf(alice.call("uploadBlob", { ...large, totalSize: 0n })), "E001_BAD_REQUEST");
    });
  });
}

test("an upload goes on behind what was acknowledged when its server was killed", async () => {
  const first = await startServerProcess();
  const alice = await arrive(first, "alice");
  const content = new Content(6 * chunkBytes + 1);
  {
    using client = await RawClient.connect(first, { token: alice.token });
    await content.upload(client, 0, 3 * chunkBytes);
    // one more, of which the client never learns
    void content.put(client, 3 * chunkBytes, content.bytes.subarray(3 * chunkBytes, 4 * chunkBytes)).catch(() => {});
    await first.kill("SIGKILL");
  }
  await using server = await startServerProcess({ dataDir: first.dataDir });
  using client = await RawClient.connect(server, { token: alice.token });
  const offset = await content.offset(client);
  assert.ok(offset === 3 * chunkBytes || offset === 4 * chunkBytes);
  await content.upload(client, offset);
  assert.ok(Buffer.from(content.bytes).equals(await content.download(client)));
  await first[Symbol.asyncDispose]();
});

test("on a cluster an upload goes on at another front-end, and is downloaded at either", async () => {
  const { url: databaseUrl } = await (await sharedPostgres()).createDatabase();
  await using here = await startServerProcess({ cluster: { databaseUrl } });
  await using there = await startServerProcess({ cluster: { databaseUrl } });
  const { token } = await arrive(here, "alice");
  using atHere = await RawClient.connect(here, { token });
  using atThere = await RawClient.connect(there, { token });
  const content = new Content(3 * chunkBytes);
  await content.upload(atHere, 0, chunkBytes);
  await content.upload(atThere, await content.offset(atThere), 2 * chunkBytes);
  await content.upload(atHere, await content.offset(atHere));
  for (const client of [atHere, atThere]) assert.ok(Buffer.from(content.bytes).equals(await content.download(client)));
});
