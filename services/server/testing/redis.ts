/** A real Redis for tests, bench and demo: one server, or a Redis Cluster of three. */
import { freePort } from "./free-port.ts";
import { RedisProcess, type RedisSettings } from "./redis-process.ts";

export { RedisProcess, type RedisSettings } from "./redis-process.ts";

const nodeCount = 3;
const slotCount = 16_384;
const formMsMax = 60_000;

/**
 * Three masters without replicas; a slot of one that is killed is served by nobody until it is back. Without TLS: between
 * each other its nodes would have to show certificates of clients too.
 */
export class RedisCluster implements AsyncDisposable {
  readonly nodes: readonly RedisProcess[];

  private constructor(nodes: readonly RedisProcess[]) {
    this.nodes = nodes;
  }

  /** Answers when every node knows that the cluster is whole. */
  static async start({ settings = {} }: Pick<RedisSettings, "settings"> = {}): Promise<RedisCluster> {
    const all: RedisSettings = {
      settings: {
        "cluster-enabled": "yes",
        // a node that is not there must not stop the others
        "cluster-require-full-coverage": "no",
        "cluster-node-timeout": 2_000,
        ...settings,
      },
    };
    const nodes: RedisProcess[] = [];
    const busPorts: number[] = [];
    for (let i = 0; i < nodeCount; i++) {
      // by default 10,000 above the first port, which may be too high
      const busPort = await freePort();
      busPorts.push(busPort);
      nodes.push(await RedisProcess.start({ ...all, settings: { ...all.settings, "cluster-port": busPort } }));
    }
    const cluster = new RedisCluster(nodes);
    await cluster.#form(busPorts[0] as number);
    return cluster;
  }

  /** All nodes, with commas between. */
  get url(): string {
    return this.nodes.map(({ url }, i) => (i === 0 ? url : url.replace(/^\w+:\/\//, ""))).join(",");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.nodes) await node[Symbol.asyncDispose]();
  }

  async #form(firstBusPort: number): Promise<void> {
    for (const [i, node] of this.nodes.entries()) {
      const from = Math.floor((i * slotCount) / nodeCount);
      const to = Math.floor(((i + 1) * slotCount) / nodeCount) - 1;
      node.command("CLUSTER", "ADDSLOTSRANGE", String(from), String(to));
      node.command("CLUSTER", "SET-CONFIG-EPOCH", String(i + 1));
      node.command("CLUSTER", "MEET", "127.0.0.1", String(this.nodes[0]?.port), String(firstBusPort));
    }
    const endMs = performance.now() + formMsMax;
    while (!this.nodes.every((node) => isWhole(node))) {
      if (performance.now() > endMs) throw new Error("the nodes of the Redis Cluster do not find each other");
    }
  }
}

function isWhole(node: RedisProcess): boolean {
  const info = node.command("CLUSTER", "INFO");
  return info.includes("cluster_state:ok") && info.includes(`cluster_known_nodes:${nodeCount}`);
}
