/** Files as encrypted blobs on a real server: whole, in pieces, and not what somebody else made of them. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, test } from "node:test";
import { generateFileKey } from "quicproquo-core";
import { type ErrorCode, QpqError } from "quicproquo-proto";
import { Files, type ReconnectingClient } from "quicproquo-sdk";
import { startServerProcess } from "quicproquo-server/testing";
import { User } from "./user.ts";

const server = await startServerProcess({ settings: { "login-attempts-per-minute": 1_000, "log-level": "warn" } });
after(() => server[Symbol.asyncDispose]());

// four chunks, the last of which is not full
const content = new Uint8Array(randomBytes(800_000));
const [name, mime] = ["photo.jpg", "image/jpeg"];

function fails(work: () => Promise<unknown>, code: ErrorCode): Promise<void> {
  return assert.rejects(work, (error: unknown) => error instanceof QpqError && error.code === code);
}

type Call = (name: "uploadBlob", params: { offset: bigint }) => Promise<object>;

/** `between` stands between these files and the server. */
function filesOf({ client: honest, account }: User, between: (call: Call) => Call = (call) => call): Files {
  const call = between(async (name, params) => await honest.call(name, params as never));
  return new Files({ client: { call } as unknown as ReconnectingClient, accessToken: account.accessToken });
}

test("what one uploads another one reads by the message alone, and the server has nothing of it in clear", async () => {
  await using alice = await User.arrive(server, "alice");
  await using bob = await User.arrive(server, "bob");
  const file = await filesOf(alice).upload({ content, name, mime, key: generateFileKey() });
  assert.deepEqual([file.name, file.mime, file.sizeBytes], [name, mime, 800_000n]);
  assert.deepEqual(await filesOf(bob).download(file), content);
  const chunks = await Array.fromAsync(filesOf(bob).chunks(file));
  assert.ok(!Buffer.concat(chunks).includes(content.subarray(0, 16)));
  const key = { ...generateFileKey(), nonce: file.nonce };
  await fails(() => filesOf(bob).download({ ...file, ...key }), "E043_ENVELOPE_REFUSED");
  const empty = await filesOf(alice).upload({ content: new Uint8Array(), name, mime, key: generateFileKey() });
  assert.deepEqual(await filesOf(bob).download(empty), new Uint8Array());
});

test("an upload that broke off goes on where the server stands, and a finished one is not sent again", async () => {
  await using carol = await User.arrive(server, "carol");
  const key = generateFileKey();
  let calls = 0;
  const dying = filesOf(carol, (call) => async (name, params) => {
    if (++calls > 3) throw new Error("the process ends here");
    return await call(name, params);
  });
  await assert.rejects(dying.upload({ content, name, mime, key }), /ends here/);
  const offsets: bigint[] = [];
  const next = filesOf(carol, (call) => async (name, params) => {
    offsets.push(params.offset);
    return await call(name, params);
  });
  const file = await next.upload({ content, name, mime, key });
  const chunk = 256n * 1024n;
  assert.deepEqual(offsets, [800_016n, 2n * chunk, 3n * chunk]);
  offsets.length = 0;
  assert.deepEqual(await next.upload({ content, name, mime, key }), file);
  assert.deepEqual(offsets, [800_016n]);
  assert.deepEqual(await next.download(file), content);
});

test("a download goes on behind what is there already, wherever that ends", async () => {
  await using dave = await User.arrive(server, "dave");
  const file = await filesOf(dave).upload({ content, name, mime, key: generateFileKey() });
  const blob = Buffer.concat(await Array.fromAsync(filesOf(dave).chunks(file)));
  for (const bytes of [1, 262_144, 300_001, blob.length]) {
    assert.deepEqual(await filesOf(dave).download(file, blob.subarray(0, bytes)), content, String(bytes));
  }
  await fails(() => filesOf(dave).download(file, Buffer.concat([Buffer.of(1), blob.subarray(1, 9)])), "E025_BLOB_HASH");
});

test("a blob that was altered, or is of another size than its message says, is refused", async () => {
  await using erin = await User.arrive(server, "erin");
  const file = await filesOf(erin).upload({ content, name, mime, key: generateFileKey() });
  const lying = (changed: (answer: { chunk: Uint8Array }) => object): Files =>
    filesOf(erin, (call) => async (name, params) => {
      const answer = (await call(name, params)) as { chunk: Uint8Array };
      return { ...answer, ...changed(answer) };
    });
  const flipped = lying(({ chunk }) => ({ chunk: chunk.map((byte, i) => (i === 9 ? byte ^ 1 : byte)) }));
  await fails(() => flipped.download(file), "E025_BLOB_HASH");
  await fails(() => lying(() => ({ totalSize: 1n })).download(file), "E025_BLOB_HASH");
  await fails(() => lying(() => ({ chunk: new Uint8Array() })).download(file), "E025_BLOB_HASH");
  await fails(() => lying(() => ({ chunk: new Uint8Array(300_000) })).download(file), "E025_BLOB_HASH");
  await fails(() => filesOf(erin).download({ ...file, sizeBytes: 2n ** 60n }), "E024_BLOB_TOO_LARGE");
  await fails(() => filesOf(erin).download({ ...file, blobId: new Uint8Array(32) }), "E026_BLOB_NOT_FOUND");
});
