/** /livez, /readyz and /metrics over plain HTTP, for probes and scrapers of the operator; loopback by default. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { errorCodeOf, QpqError } from "quicproquo-proto";
import type { MetricsPage } from "../observe/metrics-page.ts";
import type { StoreParts } from "../observe/observer.ts";

export type OpsPages = {
  /** Answers 503 with the error's code when it rejects. */
  readonly ready: () => Promise<void>;
  /**
   * Who drains stays ready to the end: a load balancer that is told otherwise forgets its flows of UDP at once, and the
   * last answers are lost. New clients are kept away by whoever sent the signal.
   */
  readonly isDraining: () => boolean;
  /** Who is ready without one of them is degraded, and says so. */
  readonly parts: () => Promise<StoreParts>;
  /** `accept`: the request's header. undefined: they are off. */
  readonly metrics?: (accept: string | undefined) => Promise<MetricsPage>;
};

export type OpsServer = { readonly port: number; close(): Promise<void> };

export async function startOpsServer(listen: { host: string; port: number }, pages: OpsPages): Promise<OpsServer> {
  const server = createServer((request, response) => {
    const answer = (status: number, text: string, type = "text/plain; charset=utf-8"): void => {
      response.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(text);
    };
    if (request.method !== "GET" && request.method !== "HEAD") return answer(405, "only GET\n");
    switch (request.url?.split("?", 1)[0]) {
      case "/livez":
        return answer(200, "ok\n");
      case "/readyz":
        readyText(pages).then(
          (text) => answer(200, text),
          (error: unknown) => answer(503, `${errorCodeOf(error)}\n`),
        );
        return;
      case "/metrics":
        if (pages.metrics === undefined) return answer(404, "metrics are off: see the setting metrics\n");
        pages.metrics(request.headers.accept).then(
          ({ text, contentType }) => answer(200, text, contentType),
          () => answer(500, "E034_INTERNAL\n"),
        );
        return;
      default:
        return answer(404, "there are /livez, /readyz and /metrics\n");
    }
  });
  server.requestTimeout = 5_000;
  await listening(server, listen);
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function readyText(pages: OpsPages): Promise<string> {
  if (pages.isDraining()) return "ok, draining\n";
  await pages.ready();
  const missing = Object.entries(await pages.parts()).filter(([, { isUp }]) => !isUp);
  return missing.length === 0 ? "ok\n" : `ok, degraded: without ${missing.map(([part]) => part).join(", ")}\n`;
}

function listening(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const taken = error.code === "EADDRINUSE";
      const text = taken ? `TCP port ${port} is taken; try --ops-port 0` : `cannot listen on ${host}: ${error.code}`;
      reject(new QpqError(taken ? "E047_PORT_IN_USE" : "E046_CONFIG", { text, cause: error }));
    });
    server.listen(port, host, resolve);
  });
}
