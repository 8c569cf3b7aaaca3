/**
 * A network of pods: each has an address of its own, and they and this machine reach each other, as in a cluster. It ends
 * with this process, however that ends.
 */
import { spawnSync } from "node:child_process";
import { Namespace } from "quicproquo-transport/testing";

export class PodNetwork implements AsyncDisposable {
  /** Of this machine. */
  readonly hostAddress: string;
  readonly #net: string;
  readonly #bridge: Namespace;
  readonly #stack: AsyncDisposableStack;
  #pods = 0;

  private constructor(net: string, bridge: Namespace, stack: AsyncDisposableStack) {
    this.#net = net;
    this.hostAddress = `${net}.1`;
    this.#bridge = bridge;
    this.#stack = stack;
  }

  static async open(): Promise<PodNetwork> {
    await using stack = new AsyncDisposableStack();
    const bridge = stack.use(await Namespace.open());
    // two test processes at the same time have two networks
    const net = `10.${200 + (bridge.pid % 50)}.${Math.floor(bridge.pid / 50) % 250}`;
    const link = `qpq${bridge.pid}`;
    bridge.run(["ip", "link", "add", "br0", "type", "bridge"]);
    bridge.run(["ip", "link", "set", "br0", "up"]);
    // its other end goes with the namespace
    ip("link", "add", link, "type", "veth", "peer", "name", "uplink", "netns", String(bridge.pid));
    bridge.run(["ip", "link", "set", "uplink", "master", "br0", "up"]);
    ip("addr", "add", `${net}.1/24`, "dev", link);
    ip("link", "set", link, "up");
    return new PodNetwork(net, bridge, stack.move());
  }

  async addPod(): Promise<{ readonly namespace: Namespace; readonly address: string }> {
    const namespace = this.#stack.use(await Namespace.open());
    const name = `pod${++this.#pods}`;
    const address = `${this.#net}.${this.#pods + 1}`;
    this.#bridge.run([
      "ip",
      "link",
      "add",
      name,
      "type",
      "veth",
      "peer",
      "name",
      "eth0",
      "netns",
      String(namespace.pid),
    ]);
    this.#bridge.run(["ip", "link", "set", name, "master", "br0", "up"]);
    namespace.run(["ip", "link", "set", "lo", "up"]);
    namespace.run(["ip", "addr", "add", `${address}/24`, "dev", "eth0"]);
    namespace.run(["ip", "link", "set", "eth0", "up"]);
    return { namespace, address };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

function ip(...args: readonly string[]): void {
  const { status, stderr } = spawnSync("ip", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`ip ${args.join(" ")}: ${stderr}`);
}
