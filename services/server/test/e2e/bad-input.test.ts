/** Whatever a caller or a stranger sends: a clear error with its code, or the end of that connection, and the server goes on. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { methodCodecs, NodeService, QpqError } from "quicproquo-proto";
import { RpcError } from "quicproquo-rpc";
import { type ByteStream, closeCodes, type Connection } from "quicproquo-transport";
import { dialQuic } from "quicproquo-transport/quic";
import { type ServerProcess, startServerProcess } from "../../testing/server-process.ts";
import { methods } from "../../src/calls/methods.ts";
import { anyParams } from "./any-params.ts";
import { type MethodName, RawClient } from "./raw-client.ts";

const depthMax = 3;
const payloadBytesMax = 10_000;
let server: ServerProcess;
before(async () => {
  server = await startServerProcess({
    settings: { "queue-depth-max": depthMax, "payload-bytes-max": payloadBytesMax },
  });
});
after(() => server[Symbol.asyncDispose]());

const key = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const hello = Buffer.from("hello");

async function refused(promise: Promise<unknown>, code: string): Promise<QpqError> {
  const error = await promise.then(
    () => assert.fail(`was accepted, ${code} expected`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof QpqError, String(error));
  assert.equal(error.code, code);
  return error;
}

/** The server answers a new client: it took no harm. */
async function unharmed(): Promise<void> {
  using client = await RawClient.connect(server);
  assert.deepEqual(await client.call("health", {}), { status: "ok" });
}

test("every method with a token refuses an empty one, a wrong one and a wrong version, each with its code", async () => {
  using stranger = await RawClient.connect(server, { token: "" });
  using impostor = await RawClient.connect(server, { token: "x".repeat(server.token.length) });
  using old = await RawClient.connect(server);
  const any = anyParams(key(1));
  const accessToken = Buffer.from(server.token);
  const rows = Object.entries(methods) as [MethodName, { access: unknown }][];
  const names = rows.filter(([, { access }]) => access !== "anybody").map(([name]) => name);
  assert.ok(names.length > 10 && names.length < rows.length);
  for (const name of names) {
    await refused(stranger.call(name, any as never), "E003_UNAUTHENTICATED");
    await refused(impostor.call(name, any as never), "E004_BAD_TOKEN");
    const auth = { version: 2, accessToken, deviceId: new Uint8Array() };
    await refused(old.call(name, { ...any, auth } as never), "E002_VERSION");
  }
  for (const name of ["enqueue", "batchEnqueue", "fetch", "fetchWait", "peek", "ack"] as const) {
    await refused(old.call(name, { ...any, version: 2 } as never), "E002_VERSION");
  }
});

test("keys, channels and idempotency keys of a wrong length are refused", async () => {
  using client = await RawClient.connect(server);
  for (const bytes of [0, 31, 33]) {
    const short = new Uint8Array(bytes);
    const error = await refused(client.call("enqueue", { recipientKey: short, payload: hello }), "E007_KEY_LENGTH");
    assert.equal(error.fields["bytes"], String(bytes));
    await refused(client.call("fetch", { recipientKey: short }), "E007_KEY_LENGTH");
    await refused(client.call("fetchKeyPackage", { identityKey: short }), "E007_KEY_LENGTH");
    await refused(client.call("batchEnqueue", { recipientKeys: [key(1), short], payload: hello }), "E007_KEY_LENGTH");
    await refused(client.call("fetchHybridKeys", { identityKeys: [short] }), "E007_KEY_LENGTH");
  }
  const channel = { recipientKey: key(1), payload: hello, channelId: new Uint8Array(15) };
  await refused(client.call("enqueue", channel), "E012_CHANNEL_ID");
  const burnt = { recipientKey: key(1), payload: hello, idempotencyKey: new Uint8Array(17) };
  await refused(client.call("enqueue", burnt), "E011_IDEMPOTENCY_KEY");
});

test("an empty payload and one over the limit are refused and store nothing", async () => {
  using client = await RawClient.connect(server);
  const recipientKey = key(2);
  await refused(client.call("enqueue", { recipientKey, payload: new Uint8Array() }), "E010_PAYLOAD_EMPTY");
  const error = await refused(
    client.call("enqueue", { recipientKey, payload: new Uint8Array(payloadBytesMax + 1) }),
    "E008_PAYLOAD_TOO_LARGE",
  );
  assert.equal(error.fields["max"], String(payloadBytesMax));
  assert.deepEqual(await client.call("enqueue", { recipientKey, payload: new Uint8Array(payloadBytesMax) }), {
    seq: 1n,
  });
});

test("a full inbox says so with a time to wait, and takes messages again after an ack", async () => {
  using client = await RawClient.connect(server);
  const recipientKey = key(3);
  for (let i = 0; i < depthMax; i++) await client.call("enqueue", { recipientKey, payload: hello });
  const error = await refused(client.call("enqueue", { recipientKey, payload: hello }), "E009_QUEUE_FULL");
  assert.equal(error.kind, "limited");
  assert.ok((error.retryAfterMs ?? 0) > 0);
  assert.deepEqual(
    (await client.call("batchEnqueue", { recipientKeys: [recipientKey, key(4)], payload: hello })).seqs,
    [0n, 1n],
  );
  await client.call("ack", { recipientKey, seqUpTo: 1n });
  assert.deepEqual(await client.call("enqueue", { recipientKey, payload: hello }), { seq: BigInt(depthMax + 1) });
});

test("too many recipients and the same one twice are refused", async () => {
  using client = await RawClient.connect(server);
  await refused(
    client.call("batchEnqueue", { recipientKeys: [key(5), key(5)], payload: hello }),
    "E017_DUPLICATE_RECIPIENT",
  );
  const many = Array.from({ length: 1_001 }, () => randomBytes(32));
  await refused(client.call("batchEnqueue", { recipientKeys: many, payload: hello }), "E016_TOO_MANY_RECIPIENTS");
  await refused(client.call("fetchHybridKeys", { identityKeys: many }), "E016_TOO_MANY_RECIPIENTS");
});

test("a KeyPackage of a wrong size, a full pool and an unsigned hybrid key are refused", async () => {
  using client = await RawClient.connect(server);
  const identityKey = key(6);
  await refused(client.call("uploadKeyPackage", { identityKey, package: new Uint8Array() }), "E013_KEY_PACKAGE_SIZE");
  await refused(
    client.call("uploadKeyPackage", { identityKey, package: new Uint8Array(1024 * 1024 + 1) }),
    "E013_KEY_PACKAGE_SIZE",
  );
  for (let i = 0; i < 100; i++) await client.call("uploadKeyPackage", { identityKey, package: randomBytes(32) });
  await refused(
    client.call("uploadKeyPackage", { identityKey, package: randomBytes(32) }),
    "E014_KEY_PACKAGE_POOL_FULL",
  );
  const unsigned = { identityKey, hybridPublicKey: randomBytes(1216), signature: randomBytes(64) };
  await refused(client.call("uploadHybridKey", unsigned), "E015_HYBRID_KEY");
  await refused(client.call("uploadHybridKey", { ...unsigned, signature: new Uint8Array() }), "E015_HYBRID_KEY");
});

test("an unknown method and another interface are unimplemented", async () => {
  using client = await RawClient.connect(server);
  for (const method of [
    { ...methodCodecs.health.method, ordinal: 999 },
    { ...methodCodecs.health.method, ordinal: Object.keys(NodeService.methods).length },
    { ...methodCodecs.health.method, interfaceId: 1n },
  ]) {
    const error = await Promise.resolve(
      client.service.call(method as typeof methodCodecs.health.method, () => {}),
    ).then(
      () => assert.fail("was accepted"),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof RpcError);
    assert.equal(error.type, "unimplemented");
    assert.match(error.reason, /^E019_UNKNOWN_METHOD /);
  }
});

async function rawStream(): Promise<{ connection: Connection; stream: ByteStream; ended: Promise<unknown> }> {
  const connection = await dialQuic({
    host: "127.0.0.1",
    port: server.port,
    serverName: "localhost",
    alpn: ["capnp"],
    trust: { caCertificate: server.certificate },
  });
  const stream = connection.openStream();
  stream.onData = () => undefined;
  const ended = new Promise((resolve) => {
    stream.onClose = resolve;
    stream.onEnd = () => resolve("ended");
  });
  return { connection, stream, ended };
}

const hostileBytes: Readonly<Record<string, () => Uint8Array>> = {
  "random bytes": () => randomBytes(4_000),
  "a frame of 2^32 segments": () => new Uint8Array(16).fill(0xff),
  "a frame of 4 GiB": () => Uint8Array.of(0, 0, 0, 0, 0xff, 0xff, 0xff, 0x1f),
  "a struct that points outside": () => Uint8Array.of(0, 0, 0, 0, 1, 0, 0, 0, 0xfc, 0xff, 0xff, 0x7f, 1, 0, 1, 0),
  HTTP: () => Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
};

for (const [what, bytes] of Object.entries(hostileBytes)) {
  test(`${what} on the stream: that session ends, others go on`, async () => {
    using bystander = await RawClient.connect(server);
    await bystander.call("health", {});
    const { connection, stream, ended } = await rawStream();
    stream.write(bytes());
    await ended;
    connection.close(closeCodes.done, "");
    assert.deepEqual(await bystander.call("health", {}), { status: "ok" });
    await unharmed();
  });
}

test("a truncated frame and then the end of the stream: the session ends, others go on", async () => {
  const { connection, stream, ended } = await rawStream();
  stream.write(Uint8Array.of(0, 0, 0, 0, 2, 0, 0, 0, 1, 2, 3));
  stream.end();
  await ended;
  connection.close(closeCodes.done, "");
  await unharmed();
});

test("random datagrams harm nobody", async () => {
  using bystander = await RawClient.connect(server);
  const socket = createSocket("udp4");
  for (let i = 0; i < 2_000; i++) {
    const datagram = randomBytes(1 + ((i * 7) % 1_400));
    // half of them look like a long header of version 1
    if (i % 2 === 0 && datagram.length > 5) datagram.set([0xc0 | (i & 0x3f), 0, 0, 0, 1]);
    socket.send(datagram, server.port, "127.0.0.1");
  }
  // the spoofed 0-RTT datagram that ends a server on the binding's own classes (quic.md)
  const earlyData = Buffer.alloc(60);
  earlyData.set([0xd0, 0, 0, 0, 1, 16], 0);
  socket.send(earlyData, server.port, "127.0.0.1");
  const closed = once(socket, "close");
  socket.close();
  await closed;
  assert.deepEqual(await bystander.call("health", {}), { status: "ok" });
  await unharmed();
});
