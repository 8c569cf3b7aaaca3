/** Many callers' messages in few calls, against a real server over QUIC. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { QpqError } from "quicproquo-proto";
import { type ServerProcess, startServerProcess } from "quicproquo-server/testing";
import { GatheringSender, NodeClient, type OutgoingMessage, type SessionClient } from "../src/index.ts";

const depthMax = 400;
let server: ServerProcess;
before(async () => {
  server = await startServerProcess({ settings: { "queue-depth-max": depthMax } });
});
after(() => server[Symbol.asyncDispose]());

const connect = (): Promise<NodeClient> =>
  NodeClient.connect({
    host: "127.0.0.1",
    port: server.port,
    serverName: "localhost",
    trust: { caCertificate: server.certificate },
  });
const open = (client: NodeClient): SessionClient => client.openSession(Buffer.from(server.token));
const message = (recipientKey: Uint8Array, text: string): OutgoingMessage => ({
  recipientKey,
  payload: Buffer.from(text),
  idempotencyKey: randomBytes(16),
});

/** Counts the calls. */
class Counted {
  readonly sizes: number[] = [];
  readonly #session: SessionClient;
  onSend: () => void = () => undefined;

  constructor(session: SessionClient) {
    this.#session = session;
  }

  send(messages: readonly OutgoingMessage[]): Promise<readonly bigint[]> {
    this.sizes.push(messages.length);
    const answer = this.#session.send(messages);
    this.onSend();
    return answer;
  }
}

const codeOf = (result: PromiseSettledResult<bigint>): string => {
  assert.equal(result.status, "rejected");
  assert.ok(result.reason instanceof QpqError);
  return result.reason.code;
};

async function textsOf(client: NodeClient, recipientKey: Uint8Array): Promise<readonly string[]> {
  const auth = { version: 1, accessToken: Buffer.from(server.token), deviceId: new Uint8Array() };
  const where = { recipientKey, channelId: new Uint8Array(), version: 1, auth, limit: 0, after: 0n, storeEpoch: 0n };
  const { payloads } = await client.call("peek", where);
  return payloads.map(({ data }) => Buffer.from(data).toString());
}

test("what is sent in one turn goes in one call up to its limits, in order, and each caller learns its own seq", async () => {
  using client = await connect();
  using session = open(client);
  const counted = new Counted(session);
  const sender = new GatheringSender(counted);
  const [one, other] = [randomBytes(32), randomBytes(32)];
  const sends = Array.from({ length: 300 }, (_, i) => sender.send(message(i % 2 === 0 ? one : other, `${i}`)));
  const seqs = await Promise.all(sends);
  assert.deepEqual(
    seqs,
    Array.from({ length: 300 }, (_, i) => BigInt((i >> 1) + 1)),
  );
  assert.deepEqual(counted.sizes, [256, 44]);
  assert.deepEqual((await textsOf(client, other)).slice(0, 3), ["1", "3", "5"]);
  const large = "x".repeat(200 << 10);
  await Promise.all([sender.send(message(randomBytes(32), large)), sender.send(message(randomBytes(32), large))]);
  assert.deepEqual(counted.sizes.slice(2), [1, 1]);
});

test("a message that is refused spoils none of those beside it, and each is stored once", async () => {
  using client = await connect();
  using session = open(client);
  const sender = new GatheringSender(session);
  const key = randomBytes(32);
  const [first, empty, last] = await Promise.allSettled(
    ["first", "", "last"].map((text) => sender.send(message(key, text))),
  );
  assert.equal(codeOf(empty as PromiseSettledResult<bigint>), "E010_PAYLOAD_EMPTY");
  assert.deepEqual([first?.status, last?.status], ["fulfilled", "fulfilled"]);
  assert.deepEqual((await textsOf(client, key)).toSorted(), ["first", "last"]);
});

test("an inbox that is full is told to who sent to it alone", async () => {
  using client = await connect();
  using session = open(client);
  const sender = new GatheringSender(session);
  const [full, free] = [randomBytes(32), randomBytes(32)];
  await Promise.all(Array.from({ length: depthMax }, (_, i) => sender.send(message(full, `${i}`))));
  const [refused, stored] = await Promise.allSettled([
    sender.send(message(full, "too much")),
    sender.send(message(free, "has room")),
  ]);
  assert.equal(codeOf(refused), "E009_QUEUE_FULL");
  assert.equal(stored.status, "fulfilled");
});

test("nothing goes a second time when the connection is lost and nobody knows whether it was stored", async () => {
  using client = await connect();
  using session = open(client);
  await session.expiresAtMs;
  const counted = new Counted(session);
  counted.onSend = () => client.close();
  const sender = new GatheringSender(counted);
  const results = await Promise.allSettled([1, 2].map((i) => sender.send(message(randomBytes(32), `${i}`))));
  assert.deepEqual(results.map(codeOf), ["E042_CONNECTION_LOST", "E042_CONNECTION_LOST"]);
  assert.deepEqual(counted.sizes, [2]);
});
