/**
 * A client and a server with a router between them, each in a network namespace of its own, joined by veth pairs: real
 * sockets over a real kernel's IP, with faults that a test switches on and off while processes talk.
 *
 *     client 10.77.1.2, fd77:1::2  --  router  --  10.77.2.2, fd77:2::2 server
 */
import { Namespace } from "./namespace.ts";
import {
  type CounterName,
  counterNames,
  type Loss,
  type RouterRules,
  rulesScript,
  tableScript,
} from "./router-rules.ts";

export type NetworkOptions = {
  /** Of all links, in bytes; 1,280 to 1,500. */
  readonly mtuBytes?: number;
};

// three namespaces and three processes each: more at a time in one process is a test that forgets them
const openMax = 4;
// two ranges that a translation takes in turn: so the server sees another port after a rebinding
const portRanges = [
  [20_000, 29_999],
  [30_000, 39_999],
] as const;

let open = 0;

export class TestNetwork implements AsyncDisposable {
  readonly client: Namespace;
  readonly server: Namespace;
  readonly serverHost = "10.77.2.2";
  readonly serverHost6 = "fd77:2::2";
  readonly #router: Namespace;
  readonly #namespaces: AsyncDisposableStack;
  #rules: RouterRules = { loss: undefined, udp: "pass", translateTo: undefined };
  #rebindings = 0;
  #clientNumber = 2;

  private constructor(
    sides: readonly [client: Namespace, router: Namespace, server: Namespace],
    all: AsyncDisposableStack,
  ) {
    [this.client, this.#router, this.server] = sides;
    this.#namespaces = all;
  }

  /** Rejects with what is missing where namespaces are forbidden or a tool isn't installed. */
  static async open({ mtuBytes = 1_500 }: NetworkOptions = {}): Promise<TestNetwork> {
    if (open >= openMax) throw new Error(`a process may have ${openMax} test networks at a time`);
    open += 1;
    await using stack = new AsyncDisposableStack();
    stack.defer(() => {
      open -= 1;
    });
    const client = stack.use(await Namespace.open());
    const router = stack.use(await Namespace.open());
    const server = stack.use(await Namespace.open());
    router.run(["ip", "-batch", "-"], routerScript({ mtuBytes, client, server }));
    router.run(["sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward && echo 1 >/proc/sys/net/ipv6/conf/all/forwarding"]);
    router.run(["nft", "-f", "-"], tableScript());
    client.run(["ip", "-batch", "-"], hostScript({ mtuBytes, net: 1 }));
    server.run(["ip", "-batch", "-"], hostScript({ mtuBytes, net: 2 }));
    return new TestNetwork([client, router, server], stack.move());
  }

  /** From now on, in place of what an earlier call said. */
  lose(loss: Loss): void {
    this.#apply({ loss });
  }

  /** What a network does that knows only the web. TCP passes. */
  blockUdp(how: "drop" | "reject"): void {
    this.#apply({ udp: how });
  }

  passUdp(): void {
    this.#apply({ udp: "pass" });
  }

  /** From now on the router is a NAT: the server sees its address and a port of its choice. */
  translate(): void {
    this.#apply({ translateTo: portRanges[this.#rebindings % 2] });
  }

  /** The NAT forgets every flow; the client's next datagram comes from another port. */
  rebind(): void {
    this.#rebindings += 1;
    this.translate();
    this.#router.run(["conntrack", "--flush"]);
  }

  /** Ports that the server sees the client's UDP flows come from, as the NAT knows them. */
  translatedPorts(): readonly number[] {
    const flows = this.#router.run(["conntrack", "--dump", "--proto", "udp"]).split("\n");
    const fromClient = flows.filter((flow) => flow.includes(` src=10.77.1.${this.#clientNumber} `));
    return fromClient.map((flow) => Number(/.* dport=(\d+)/.exec(flow)?.[1]));
  }

  /** The client's interface loses its IPv4 address and gets another, as a phone that changes its network. */
  moveClient(): void {
    const before = this.#clientNumber;
    this.#clientNumber += 1;
    this.client.run(
      ["ip", "-batch", "-"],
      `addr del 10.77.1.${before}/24 dev uplink
       addr add 10.77.1.${this.#clientNumber}/24 dev uplink
       route replace default via 10.77.1.1`,
    );
  }

  /** Datagrams lost so far each way, and IP fragments seen. */
  counts(): Readonly<Record<CounterName, number>> {
    const listed = this.#router.run(["nft", "list", "counters"]);
    const count = (name: string): number =>
      Number(new RegExp(`counter ${name} \\{\\s+packets (\\d+)`).exec(listed)?.[1]);
    return Object.fromEntries(counterNames.map((name) => [name, count(name)])) as Record<CounterName, number>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#namespaces.disposeAsync();
  }

  #apply(change: Partial<RouterRules>): void {
    this.#rules = { ...this.#rules, ...change };
    this.#router.run(["nft", "-f", "-"], rulesScript(this.#rules));
  }
}

type Link = { readonly mtuBytes: number };

function routerScript({
  mtuBytes,
  client,
  server,
}: Link & { readonly client: Namespace; readonly server: Namespace }): string {
  return `
    link set lo up
    link add inside mtu ${mtuBytes} type veth peer name uplink netns ${client.pid}
    link add outside mtu ${mtuBytes} type veth peer name uplink netns ${server.pid}
    addr add 10.77.1.1/24 dev inside
    addr add 10.77.2.1/24 dev outside
    addr add fd77:1::1/64 dev inside nodad
    addr add fd77:2::1/64 dev outside nodad
    link set inside up
    link set outside up
  `;
}

function hostScript({ mtuBytes, net }: Link & { readonly net: number }): string {
  return `
    link set lo up
    link set uplink mtu ${mtuBytes} up
    addr add 10.77.${net}.2/24 dev uplink
    addr add fd77:${net}::2/64 dev uplink nodad
    route add default via 10.77.${net}.1
    route add default via fd77:${net}::1
  `;
}
