/** A bridge in a namespace of its own, and namespaces with an address each that it joins. Needs root. */
import { Namespace } from "./namespace.ts";

export type Joined = { readonly namespace: Namespace; readonly address: string };

export class Bridge implements AsyncDisposable {
  /** Its first three bytes, as text. */
  readonly net: string;
  /** Where the bridge is; its device is br0. */
  readonly namespace: Namespace;
  readonly #stack: AsyncDisposableStack;
  #joined = 0;

  private constructor(net: string, namespace: Namespace, stack: AsyncDisposableStack) {
    this.net = net;
    this.namespace = namespace;
    this.#stack = stack;
  }

  /** `netOf`: its first three bytes, of the process that holds the namespace. */
  static async open(netOf: (pid: number) => string): Promise<Bridge> {
    await using stack = new AsyncDisposableStack();
    const namespace = stack.use(await Namespace.open());
    namespace.run(["ip", "link", "add", "br0", "type", "bridge"]);
    namespace.run(["ip", "link", "set", "br0", "up"]);
    return new Bridge(netOf(namespace.pid), namespace, stack.move());
  }

  /** A new namespace, with the next address; the first is .2. It ends with the bridge. */
  async join(): Promise<Joined> {
    const namespace = this.#stack.use(await Namespace.open());
    const link = `port${++this.#joined}`;
    const address = `${this.net}.${this.#joined + 1}`;
    const near = ["ip", "link", "add", link, "type", "veth"];
    this.namespace.run([...near, "peer", "name", "eth0", "netns", String(namespace.pid)]);
    this.namespace.run(["ip", "link", "set", link, "master", "br0", "up"]);
    namespace.run(["ip", "address", "add", `${address}/24`, "dev", "eth0"]);
    for (const device of ["lo", "eth0"]) namespace.run(["ip", "link", "set", device, "up"]);
    return { namespace, address };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
