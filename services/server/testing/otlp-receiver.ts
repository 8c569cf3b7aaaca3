/**
 * A collector of traces: OTLP over HTTP, decoded by the official definitions
 * (https://github.com/open-telemetry/opentelemetry-proto), as OpenTelemetry's own package has them compiled.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import official from "@opentelemetry/otlp-proto-exporter-base/build/src/generated/root.js";

/** Ids in hex. */
export type ReceivedSpan = {
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty: it has none. */
  readonly parentSpanId: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly isError: boolean;
};

export type OtlpReceiver = AsyncDisposable & {
  /** As a setting has it. */
  readonly endpoint: string;
  readonly spans: readonly ReceivedSpan[];
  /** As they came. */
  readonly bodies: readonly Buffer[];
  readonly headers: readonly NodeJS.Dict<string | string[]>[];
  /** Resolves with the first span that is meant, also when it is there already. */
  span(isMeant: (span: ReceivedSpan) => boolean): Promise<ReceivedSpan>;
};

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const bodies: Buffer[] = [];
  const headers: NodeJS.Dict<string | string[]>[] = [];
  const onSpans = new Set<() => void>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const isOurs = request.url === "/v1/traces" && request.headers["content-type"] === "application/x-protobuf";
    if (!isOurs) return void response.writeHead(404).end();
    const body = Buffer.concat(chunks);
    bodies.push(body);
    headers.push(request.headers);
    spans.push(...spansOf(body));
    response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
    for (const onSpan of onSpans) onSpan();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    bodies,
    headers,
    span: (isMeant) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = spans.find(isMeant);
          if (found === undefined) return;
          onSpans.delete(look);
          resolve(found);
        };
        onSpans.add(look);
        look();
      }),
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Of the definitions what is looked at; they come without types. */
type Root = {
  readonly opentelemetry: {
    readonly proto: {
      readonly collector: {
        readonly trace: { readonly v1: { readonly ExportTraceServiceRequest: { decode(body: Uint8Array): Request } } };
      };
    };
  };
};
type Request = {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly scopeSpans: readonly { readonly spans: readonly DecodedSpan[] }[];
  }[];
};
type Ids = { readonly traceId: Uint8Array; readonly spanId: Uint8Array };
type DecodedSpan = Ids & {
  readonly name: string;
  /** null: it has none. */
  readonly parentSpanId: Uint8Array | null;
  readonly attributes: readonly KeyValue[];
  readonly links: readonly Ids[];
  readonly status: { readonly code: number } | null;
};
type Value = { readonly stringValue?: string | null; readonly intValue?: unknown };
type KeyValue = { readonly key: string; readonly value: Value };

const { ExportTraceServiceRequest } = (official as unknown as Root).opentelemetry.proto.collector.trace.v1;

function spansOf(body: Buffer): ReceivedSpan[] {
  return ExportTraceServiceRequest.decode(body).resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = attributesOf(resource.attributes)["service.name"] ?? "";
    return scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        service,
        name: span.name,
        traceId: hex(span.traceId),
        spanId: hex(span.spanId),
        parentSpanId: hex(span.parentSpanId),
        attributes: attributesOf(span.attributes),
        links: span.links.map((link) => ({ traceId: hex(link.traceId), spanId: hex(link.spanId) })),
        // STATUS_CODE_ERROR
        isError: span.status?.code === 2,
      })),
    );
  });
}

function attributesOf(attributes: readonly KeyValue[]): Record<string, string> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, String(value.stringValue || (value.intValue ?? ""))]),
  );
}

function hex(bytes: Uint8Array | null): string {
  return Buffer.from(bytes ?? []).toString("hex");
}
