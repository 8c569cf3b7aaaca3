/** A Session as an application uses it, against a real server over QUIC. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import type { QpqError } from "quicproquo-proto";
import { type ServerProcess, startServerProcess } from "quicproquo-server/testing";
import { startOtlpReceiver } from "quicproquo-server/testing/otlp-receiver";
import { NodeClient, type SessionClient, type SubscriptionReader } from "../src/index.ts";

let server: ServerProcess;
before(async () => {
  server = await startServerProcess();
});
after(() => server[Symbol.asyncDispose]());

const connect = (to: ServerProcess = server): Promise<NodeClient> =>
  NodeClient.connect({
    host: "127.0.0.1",
    port: to.port,
    serverName: "localhost",
    trust: { caCertificate: to.certificate },
  });
const open = (client: NodeClient, token = server.token): SessionClient => client.openSession(Buffer.from(token));
const message = (recipientKey: Uint8Array, text: string) => ({ recipientKey, payload: Buffer.from(text) });
const fromStart = { after: 0n, storeEpoch: 0n };

class Reader implements SubscriptionReader {
  readonly texts: string[] = [];
  readonly acknowledged: bigint[] = [];
  ended: QpqError | undefined;
  #changed = Promise.withResolvers<void>();

  deliver(...[envelopes, gap]: Parameters<SubscriptionReader["deliver"]>): void {
    for (const { data } of envelopes) this.texts.push(Buffer.from(data).toString());
    if (gap.kind === "none") this.acknowledged.push(gap.upTo);
    this.#change();
  }

  end(error: QpqError): void {
    assert.equal(this.ended, undefined, "told twice");
    this.ended = error;
    this.#change();
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.#changed.promise;
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

test("messages are pushed in order, and what is acknowledged is not pushed again", async () => {
  const key = randomBytes(32);
  using client = await connect();
  using session = open(client);
  assert.equal(await session.expiresAtMs, Number.POSITIVE_INFINITY);
  assert.deepEqual(await session.send([message(key, "one"), message(key, "two")]), [1n, 2n]);
  using inbox = session.inbox(key);
  const reader = new Reader();
  using subscription = inbox.subscribe(fromStart, reader);
  await session.send([message(key, "three")]);
  await reader.until(() => reader.texts.length === 3);
  assert.deepEqual(reader.texts, ["one", "two", "three"]);
  await inbox.ack(2n, 0n);
  subscription[Symbol.dispose]();
  const again = new Reader();
  using _later = inbox.subscribe(fromStart, again);
  await again.until(() => again.texts.length === 1);
  assert.deepEqual([again.texts, again.acknowledged[0]], [["three"], 2n]);
  assert.equal(reader.ended, undefined);
});

test("a call that names the trace it is part of is a span of that trace at the server", async () => {
  await using collector = await startOtlpReceiver();
  const settings = { "otlp-endpoint": collector.endpoint, "trace-sample-ratio": 0 };
  await using traced = await startServerProcess({ settings });
  using client = await connect(traced);
  using session = open(client, traced.token);
  const key = randomBytes(32);
  const trace = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", traceFlags: 1 };
  await session.send([message(key, "not traced")]);
  await session.send([message(key, "traced")], { trace });
  using inbox = session.inbox(key);
  await inbox.ack(2n, 0n, { trace });
  const calls = [
    await collector.span(({ name }) => name === "qpq.Session/send"),
    await collector.span(({ name }) => name === "qpq.Inbox/ack"),
  ];
  for (const { traceId, parentSpanId } of calls) {
    assert.deepEqual([traceId, parentSpanId], [trace.traceId, trace.spanId]);
  }
  assert.equal(collector.spans.filter(({ name }) => name === "qpq.Session/send").length, 1);
  await assert.rejects(session.send([message(key, "x")], { trace: { ...trace, spanId: "" } }), /16 hex digits/);
});

test("the loss of the connection ends a subscription with E042_CONNECTION_LOST, a drain with E033_SHUTTING_DOWN", async () => {
  for (const [signal, code] of [
    ["SIGKILL", "E042_CONNECTION_LOST"],
    ["SIGTERM", "E033_SHUTTING_DOWN"],
  ] as const) {
    await using going = await startServerProcess({ settings: { "idle-ms": 1_000 } });
    using client = await connect(going);
    const reader = new Reader();
    using _subscription = open(client, going.token).inbox(randomBytes(32)).subscribe(fromStart, reader);
    await reader.until(() => reader.acknowledged.length === 1);
    await going.kill(signal);
    await reader.until(() => reader.ended !== undefined);
    assert.equal(reader.ended?.code, code);
  }
});

test("a refused token rejects every call of the session and ends its subscription", async () => {
  using client = await connect();
  const session = open(client, "x".repeat(server.token.length));
  const reader = new Reader();
  session.inbox(randomBytes(32)).subscribe(fromStart, reader);
  await reader.until(() => reader.ended !== undefined);
  assert.equal(reader.ended?.code, "E004_BAD_TOKEN");
  await assert.rejects(session.expiresAtMs, { code: "E004_BAD_TOKEN" });
  await assert.rejects(session.send([message(randomBytes(32), "x")]), { code: "E004_BAD_TOKEN" });
});

test("a reader that throws is told E063_SINK_FAILED, and the messages stand", async () => {
  const key = randomBytes(32);
  using client = await connect();
  using session = open(client);
  await session.send([message(key, "one")]);
  const reader = new Reader();
  const failing: SubscriptionReader = {
    deliver: () => Promise.reject(new Error("the disk is full")),
    end: (error) => reader.end(error),
  };
  using _first = session.inbox(key).subscribe(fromStart, failing);
  await reader.until(() => reader.ended !== undefined);
  assert.equal(reader.ended?.code, "E063_SINK_FAILED");
  const next = new Reader();
  using _second = session.inbox(key).subscribe(fromStart, next);
  await next.until(() => next.texts.length === 1);
});
