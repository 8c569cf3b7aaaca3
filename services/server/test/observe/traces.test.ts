/** Traces of real servers, as a collector gets them that decodes by the official definitions. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Span, SpanKind } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import type { TraceFields } from "quicproquo-proto";
import { freePort } from "../../testing/free-port.ts";
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from "../../testing/otlp-receiver.ts";
import { makeOwnedFolder, removeFolder } from "../../testing/owned-folder.ts";
import { startPrometheus } from "../../testing/prometheus.ts";
import { type ServerProcess, startServerProcess } from "../../testing/server-process.ts";
import { Canaries } from "../e2e/canaries.ts";
import { RawClient } from "../e2e/raw-client.ts";
import { RawSession, TestSink } from "../e2e/raw-session.ts";
import { metric, page, startWorkers, until } from "../workers/rig.ts";

const openMetrics = { accept: "application/openmetrics-text; version=1.0.0" };

type Options = { readonly ratio?: number; readonly env?: Record<string, string>; readonly workers?: number };

function startTraced(receiver: Pick<OtlpReceiver, "endpoint">, options: Options = {}): Promise<ServerProcess> {
  const { ratio = 1, env, workers = 1 } = options;
  return startWorkers({
    settings: { "trace-sample-ratio": ratio, "log-level": "debug", workers },
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, ...env },
  });
}

/** A client that traces what it does, with the reference library. */
class TracingClient implements AsyncDisposable {
  readonly raw: RawClient;
  readonly session: RawSession;
  readonly #provider: TracerProvider;

  private constructor(raw: RawClient, session: RawSession, provider: TracerProvider) {
    this.raw = raw;
    this.session = session;
    this.#provider = provider;
  }

  static async connect(server: ServerProcess, receiver: OtlpReceiver): Promise<TracingClient> {
    const exporter = new OTLPTraceExporter({ url: `${receiver.endpoint}/v1/traces` });
    const provider = new TracerProvider({
      resource: resourceFromAttributes({ "service.name": "client" }),
      spanProcessors: [new SimpleSpanProcessor({ exporter })],
    });
    const raw = await RawClient.connect(server);
    return new TracingClient(raw, new RawSession(raw.service, server.token), provider);
  }

  /** Ids of the trace. */
  async send(recipientKey: Uint8Array, payload: Uint8Array = Buffer.from("x")): Promise<string> {
    const span = this.#provider.getTracer("test").startSpan("send", { kind: SpanKind.CLIENT });
    await this.session.send([{ recipientKey, payload }], traceOf(span));
    span.end();
    return span.spanContext().traceId;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.session[Symbol.dispose]();
    this.raw.close();
    await this.#provider.shutdown();
  }
}

function traceOf(span: Span, flags = span.spanContext().traceFlags): TraceFields {
  const { traceId, spanId } = span.spanContext();
  const word = (digits: string): bigint => BigInt(`0x${digits}`);
  return { traceHi: word(traceId.slice(0, 16)), traceLo: word(traceId.slice(16)), spanId: word(spanId), flags };
}

function treeOf(spans: readonly ReceivedSpan[], traceId: string): string[] {
  const own = spans.filter((span) => span.traceId === traceId);
  const parentOf = ({ parentSpanId }: ReceivedSpan): string =>
    parentSpanId === "" ? "" : (own.find(({ spanId }) => spanId === parentSpanId)?.name ?? "somebody else");
  return own.map((span) => `${parentOf(span)} > ${span.name}`).sort();
}

const isPush = ({ name }: ReceivedSpan): boolean => name === "deliver";

test("one trace goes from the client's send over the front-end's call to the commit and the publish; the delivery is a trace of its own and names no other", async (t) => {
  await using receiver = await startOtlpReceiver();
  const folder = makeOwnedFolder("qpq-traces-");
  t.after(() => removeFolder(folder));
  const file = join(folder, "headers");
  writeFileSync(file, "key=a%20b\n");
  await using server = await startTraced(receiver, { env: { OTEL_EXPORTER_OTLP_HEADERS_FILE: file } });
  await using client = await TracingClient.connect(server, receiver);
  const recipientKey = randomBytes(32);
  const sink = new TestSink();
  client.session.inbox(recipientKey).subscribe(sink);
  await sink.until(() => sink.pushes.length === 1);
  const traceId = await client.send(recipientKey);
  await sink.until(() => sink.seqs.length === 1);
  const push = await receiver.span(isPush);
  await receiver.span((span) => span.traceId === traceId && span.name === "publish");
  await receiver.span((span) => span.traceId === traceId && span.name === "qpq.Session/send");
  assert.deepEqual(treeOf(receiver.spans, traceId), [
    " > send",
    "qpq.Session/send > commit",
    "qpq.Session/send > publish",
    "send > qpq.Session/send",
  ]);
  const call = await receiver.span(({ name }) => name === "qpq.Session/send");
  assert.deepEqual(
    [call.service, call.attributes],
    ["qpq-server", { "rpc.system.name": "capnproto", "rpc.method": "qpq.Session/send" }],
  );
  assert.notEqual(push.traceId, traceId);
  assert.deepEqual([push.parentSpanId, push.links], ["", []]);
  assert.ok(receiver.headers.some(({ key }) => key === "a b"));
});

test("with QPQ_TRACE_LINK_DELIVERY=1 deliveries link to the traces of what they deliver, pushed and fetched", async () => {
  await using receiver = await startOtlpReceiver();
  // deliveries are traced because of what they link to, not by chance
  await using server = await startTraced(receiver, { ratio: 0, env: { QPQ_TRACE_LINK_DELIVERY: "1" } });
  await using client = await TracingClient.connect(server, receiver);
  const [pushedTo, fetched] = [randomBytes(32), randomBytes(32)];
  const sink = new TestSink();
  client.session.inbox(pushedTo).subscribe(sink);
  const waiting = client.raw.call("fetchWait", { recipientKey: fetched, timeoutMs: 60_000n });
  for (const recipientKey of [pushedTo, fetched]) {
    const traceId = await client.send(recipientKey);
    const delivery = await receiver.span((span) => isPush(span) && span.links.some((link) => link.traceId === traceId));
    assert.notEqual(delivery.traceId, traceId);
    assert.equal(delivery.parentSpanId, "");
    const call = await receiver.span((span) => span.traceId === traceId && span.name === "qpq.Session/send");
    assert.deepEqual(delivery.links, [{ traceId, spanId: call.spanId }]);
  }
  assert.equal((await waiting).payloads.length, 1);
  await client.raw.call("enqueue", { recipientKey: pushedTo, payload: Buffer.from("untraced") });
  await sink.until(() => sink.seqs.length === 2);
  // spans are sent in the order of their ends
  const later = await client.send(randomBytes(32));
  await receiver.span((span) => span.traceId === later && span.name === "qpq.Session/send");
  assert.equal(receiver.spans.filter(isPush).length, 2);
});

test("who sends a context decides whether a call is traced; errors are in the span as codes", async () => {
  await using receiver = await startOtlpReceiver();
  await using server = await startTraced(receiver);
  await using client = await TracingClient.connect(server, receiver);
  const context = { traceHi: 1n, traceLo: 2n, spanId: 3n };
  const entries = [{ recipientKey: randomBytes(32), payload: Buffer.from("x") }];
  await client.session.send(entries, { ...context, flags: 0 });
  await assert.rejects(
    client.session.send([{ recipientKey: randomBytes(3), payload: Buffer.from("x") }], { ...context, flags: 1 }),
  );
  const refused = await receiver.span(({ isError }) => isError);
  assert.equal(refused.attributes["error.type"], "E007_KEY_LENGTH");
  assert.deepEqual([refused.traceId, refused.parentSpanId], ["00000000000000010000000000000002", "0000000000000003"]);
  assert.equal(receiver.spans.filter(({ name }) => name === "qpq.Session/send").length, 1);
});

test("no secret of a call is in any byte of traces, log or metrics", async () => {
  await using receiver = await startOtlpReceiver();
  await using server = await startTraced(receiver, { env: { QPQ_TRACE_LINK_DELIVERY: "1" } });
  await using client = await TracingClient.connect(server, receiver);
  const canaries = new Canaries();
  const recipientKey = randomBytes(32);
  const fields = {
    recipientKey,
    payload: randomBytes(64),
    idempotencyKey: randomBytes(16),
    identityKey: randomBytes(32),
  };
  const ofUser = { username: `somebody-${randomBytes(8).toString("hex")}`, request: randomBytes(32) };
  const channelId = randomBytes(16);
  canaries.addAll("call", { ...fields, ...ofUser, channelId, token: Buffer.from(server.token) });
  const sink = new TestSink();
  client.session.inbox(recipientKey).subscribe(sink);
  await client.raw.call("enqueue", fields);
  const traceId = await client.send(recipientKey, fields.payload);
  const tried = [
    client.raw.call("enqueue", { ...fields, channelId }),
    client.raw.call("fetchKeyPackage", fields),
    client.raw.call("uploadKeyPackage", { ...fields, package: fields.payload }),
    client.raw.call("opaqueLoginStart", ofUser),
    client.raw.call("opaqueRegisterStart", ofUser),
    client.raw.call("resolveUser", ofUser),
    client.raw.call("fetch", fields),
  ];
  await Promise.allSettled(tried);
  await sink.until(() => sink.seqs.length === 2);
  const wanted = ["enqueue", "fetchKeyPackage", "uploadKeyPackage", "opaqueLoginStart", "opaqueRegisterStart", "fetch"];
  for (const method of wanted) await receiver.span(({ name }) => name === `qpq.NodeService/${method}`);
  await receiver.span(({ links }) => links.some((link) => link.traceId === traceId));
  const told: Readonly<Record<string, string>> = {
    traces: Buffer.concat(receiver.bodies).toString("latin1"),
    log: server.log(),
    metrics: (await page(server, "/metrics")).text,
    exemplars: await (await fetch(`http://127.0.0.1:${server.opsPort}/metrics`, { headers: openMetrics })).text(),
  };
  for (const [where, text] of Object.entries(told)) {
    assert.deepEqual(canaries.findIn(text), [], where);
    assert.notEqual(text, "", where);
  }
  // what OpenTelemetry tells of a process where nobody says what it may: its arguments, its account, its machine
  for (const attribute of ["process.", "host.", "os."]) assert.ok(!told["traces"]?.includes(attribute), attribute);
  assert.match(told["exemplars"] as string, /qpq_rpc_call_duration_seconds_bucket\{.* # \{trace_id="/);
});

test("buckets of the time a call took name a trace of each, which a real Prometheus takes, from the page of several workers too", async () => {
  await using receiver = await startOtlpReceiver();
  await using server = await startTraced(receiver, { workers: 2 });
  await using client = await TracingClient.connect(server, receiver);
  const traceId = await client.send(randomBytes(32));
  await using prometheus = await startPrometheus([server.opsPort]);
  type Exemplars = readonly { readonly exemplars: readonly { readonly labels: Readonly<Record<string, string>> }[] }[];
  const query =
    'query_exemplars?query=qpq_rpc_call_duration_seconds_bucket{method="Session.send"}&start=0&end=9999999999';
  let labels: Readonly<Record<string, string>> | undefined;
  await until(async () => {
    labels = (await prometheus.ask<Exemplars>(query))[0]?.exemplars[0]?.labels;
    return labels !== undefined;
  });
  const call = await receiver.span(({ name }) => name === "qpq.Session/send");
  assert.deepEqual(labels, { trace_id: traceId, span_id: call.spanId });
});

test("a collector that is away costs no call and no stop; what was lost is counted", async () => {
  await using server = await startTraced({ endpoint: `http://127.0.0.1:${await freePort()}` });
  using client = await RawClient.connect(server);
  for (let i = 0; i < 20; i++) assert.equal((await client.call("health", {})).status, "ok");
  await until(async () => (await metric(server, "qpq_trace_spans_total", '"failed"')) >= 20);
  client.close();
  assert.equal(await server.kill("SIGTERM"), 0);
});

test("without an endpoint nothing of OpenTelemetry is loaded", async () => {
  const hook = `import { registerHooks } from "node:module";
    registerHooks({ resolve(name, context, next) {
      if (name.startsWith("@opentelemetry/sdk-trace")) process.stderr.write("loads " + name + "\\n");
      return next(name, context);
    } });`;
  const env = { NODE_OPTIONS: `--import "data:text/javascript,${encodeURIComponent(hook)}"` };
  const loads = async (more: Record<string, string>): Promise<boolean> => {
    await using server = await startServerProcess({ env: { ...env, ...more } });
    using client = await RawClient.connect(server);
    await client.call("health", {});
    return server.log().includes("loads @opentelemetry/sdk-trace");
  };
  assert.equal(await loads({}), false);
  assert.equal(await loads({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" }), true);
});
