/**
 * A network of pods: each has an address of its own, and they and this machine reach each other, as in a cluster. It ends
 * with this process, however that ends.
 */
import { spawnSync } from "node:child_process";
import { Bridge } from "quicproquo-transport/testing";

export class PodNetwork implements AsyncDisposable {
  /** Of this machine. */
  readonly hostAddress: string;
  readonly #bridge: Bridge;

  private constructor(hostAddress: string, bridge: Bridge) {
    this.hostAddress = hostAddress;
    this.#bridge = bridge;
  }

  static async open(): Promise<PodNetwork> {
    await using stack = new AsyncDisposableStack();
    // two test processes at the same time have two networks
    const bridge = stack.use(await Bridge.open((pid) => `10.${200 + (pid % 50)}.${Math.floor(pid / 50) % 250}`));
    const { pid } = bridge.namespace;
    const [link, hostAddress] = [`qpq${pid}`, `${bridge.net}.1`];
    // its other end goes with the namespace
    ip("link", "add", link, "type", "veth", "peer", "name", "uplink", "netns", String(pid));
    bridge.namespace.run(["ip", "link", "set", "uplink", "master", "br0", "up"]);
    ip("addr", "add", `${hostAddress}/24`, "dev", link);
    ip("link", "set", link, "up");
    stack.move();
    return new PodNetwork(hostAddress, bridge);
  }

  addPod(): ReturnType<Bridge["join"]> {
    return this.#bridge.join();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bridge[Symbol.asyncDispose]();
  }
}

function ip(...args: readonly string[]): void {
  const { status, stderr } = spawnSync("ip", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`ip ${args.join(" ")}: ${stderr}`);
}
