/** What a load test has beside the server: a real agent with something to do, and a page with the series that k6 would write. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { startTestAgent } from "../../loadtest/test/agent/rig.ts";
import type { ServerProcess } from "../../services/server/testing/server-process.ts";

/** Often enough that every scrape finds something new. */
const actEveryMs = 200;

/** Names and labels as loadtest/k6/README.md has them, from the documentation of k6's remote write; k6 is not installed here. */
const k6Page = `# TYPE k6_dropped_iterations_total counter
k6_dropped_iterations_total{scenario="enqueue"} 0
# TYPE k6_qpq_action_duration_p99 gauge
k6_qpq_action_duration_p99{action="enqueue",scenario="enqueue"} 0.01
# TYPE k6_vus gauge
k6_vus 5
`;

export class LoadSide implements AsyncDisposable {
  readonly ports: readonly number[];
  readonly #ends: AsyncDisposableStack;

  private constructor(ports: readonly number[], ends: AsyncDisposableStack) {
    this.ports = ports;
    this.#ends = ends;
  }

  static async start(server: ServerProcess): Promise<LoadSide> {
    const ends = new AsyncDisposableStack();
    const agent = ends.use(await startTestAgent(server, { connections: 1, sizes: { users: 1 } }));
    const k6 = await servePage(k6Page);
    ends.defer(() => void k6.close().closeAllConnections());
    const acting = setInterval(() => {
      // one that is refused is a series too
      for (const action of ["enqueue", "no-such"]) {
        fetch(`http://127.0.0.1:${agent.port}/v1/${action}`, { method: "POST" }).catch(() => undefined);
      }
    }, actEveryMs);
    ends.defer(() => clearInterval(acting));
    return new LoadSide([agent.port, (k6.address() as AddressInfo).port], ends);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ends.disposeAsync();
  }
}

async function servePage(page: string): Promise<Server> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "text/plain; version=0.0.4" }).end(page);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}
