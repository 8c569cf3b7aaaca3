/**
 * The network of a compose file: a namespace for each service, joined by a bridge, and a hosts file with their names. On
 * 10.89.0.0/24, which nobody outside sees.
 */
import { writeFileSync } from "node:fs";
import { Namespace } from "../../services/transport/testing/index.ts";

type Service = { readonly namespace: Namespace; readonly address: string };

export class ServiceNetwork implements AsyncDisposable {
  readonly hostsFile: string;
  readonly #namespaces: AsyncDisposableStack;
  readonly #services: ReadonlyMap<string, Service>;

  private constructor(hostsFile: string, services: ReadonlyMap<string, Service>, namespaces: AsyncDisposableStack) {
    this.hostsFile = hostsFile;
    this.#services = services;
    this.#namespaces = namespaces;
  }

  /** `hostsFile`: where it is written. Needs root. */
  static async open(hostsFile: string, names: readonly string[]): Promise<ServiceNetwork> {
    await using stack = new AsyncDisposableStack();
    const bridge = stack.use(await Namespace.open());
    bridge.run(["ip", "link", "add", "bridge", "type", "bridge"]);
    bridge.run(["ip", "link", "set", "bridge", "up"]);
    const services = new Map<string, Service>();
    const hosts = ["127.0.0.1 localhost", "::1 localhost"];
    for (const [index, name] of names.entries()) {
      const service = stack.use(await Namespace.open());
      const link = `service${index}`;
      const address = `10.89.0.${index + 2}`;
      bridge.run(["ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", String(service.pid)]);
      bridge.run(["ip", "link", "set", link, "master", "bridge", "up"]);
      service.run(["ip", "address", "add", `${address}/24`, "dev", "eth0"]);
      for (const device of ["lo", "eth0"]) service.run(["ip", "link", "set", device, "up"]);
      services.set(name, { namespace: service, address });
      hosts.push(`${address} ${name}`);
    }
    writeFileSync(hostsFile, `${hosts.join("\n")}\n`);
    return new ServiceNetwork(hostsFile, services, stack.move());
  }

  of(name: string): Service {
    const service = this.#services.get(name);
    if (service === undefined) throw new Error(`no service ${name}`);
    return service;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#namespaces.disposeAsync();
  }
}
