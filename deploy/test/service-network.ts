/**
 * The network of a compose file: a namespace for each service, joined by a bridge, and a hosts file with their names. On
 * 10.89.0.0/24, which nobody outside sees.
 */
import { writeFileSync } from "node:fs";
import { Bridge, type Joined } from "../../services/transport/testing/index.ts";

export class ServiceNetwork implements AsyncDisposable {
  readonly hostsFile: string;
  readonly #bridge: Bridge;
  readonly #services: ReadonlyMap<string, Joined>;

  private constructor(hostsFile: string, services: ReadonlyMap<string, Joined>, bridge: Bridge) {
    this.hostsFile = hostsFile;
    this.#services = services;
    this.#bridge = bridge;
  }

  /** `hostsFile`: where it is written. Needs root. */
  static async open(hostsFile: string, names: readonly string[]): Promise<ServiceNetwork> {
    await using stack = new AsyncDisposableStack();
    const bridge = stack.use(await Bridge.open(() => "10.89.0"));
    const services = new Map<string, Joined>();
    for (const name of names) services.set(name, await bridge.join());
    const named = [...services].map(([name, { address }]) => `${address} ${name}`);
    writeFileSync(hostsFile, `${["127.0.0.1 localhost", "::1 localhost", ...named].join("\n")}\n`);
    stack.move();
    return new ServiceNetwork(hostsFile, services, bridge);
  }

  of(name: string): Joined {
    const service = this.#services.get(name);
    if (service === undefined) throw new Error(`no service ${name}`);
    return service;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bridge[Symbol.asyncDispose]();
  }
}
