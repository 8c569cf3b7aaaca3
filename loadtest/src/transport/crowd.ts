/** What connections themselves cost our server: a full handshake, and one that is idle. A fresh server for each answer. */
import { setTimeout } from "node:timers/promises";
import type { Cores } from "../pinned.ts";
import type { ServerTask } from "./echo-server.ts";
import type { Peer } from "../peer.ts";
import { startPeer, useWithin, type Window } from "./sides.ts";

export type CrowdOptions = ServerTask & { readonly cores: Cores | undefined };

export type Handshakes = { readonly perSecond: number; readonly cpuMs: number };

export async function measureHandshakes(options: CrowdOptions, window: Window): Promise<Handshakes> {
  await using pair = await CrowdedServer.start(options);
  await pair.come();
  await setTimeout(window.warmUpMs);
  const used = await useWithin(pair.server, window.windowMs);
  await pair.leave();
  return { perSecond: (used.handshakes / used.atMs) * 1_000, cpuMs: used.cpuUs / 1_000 / used.handshakes };
}

/** When a server has taken up what a start costs once: code compiled, heap grown. */
const settleMs = 300;

/** Bytes resident of the server with none and with each of the numbers of idle connections, ascending. */
export async function measureMemory(options: CrowdOptions, numbers: readonly number[]): Promise<readonly number[]> {
  await using pair = await CrowdedServer.start(options);
  await pair.come();
  await setTimeout(settleMs);
  await pair.leave();
  const resident: number[] = [];
  for (const connections of [0, ...numbers]) {
    await pair.stay(connections);
    await setTimeout(settleMs);
    resident.push(await pair.server.ask<number>("resident"));
  }
  return resident;
}

class CrowdedServer implements AsyncDisposable {
  readonly server: Peer;
  readonly #crowd: Peer;
  readonly #task: { readonly port: number; readonly certificate: string };

  private constructor(server: Peer, crowd: Peer, task: { readonly port: number; readonly certificate: string }) {
    this.server = server;
    this.#crowd = crowd;
    this.#task = task;
  }

  static async start({ certificate, privateKey, cores }: CrowdOptions): Promise<CrowdedServer> {
    const server = startPeer("quic-server.ts", cores?.server);
    const crowd = startPeer("quic-crowd.ts", cores?.client);
    const port = await server.ask<number>("listen", { certificate, privateKey });
    return new CrowdedServer(server, crowd, { port, certificate });
  }

  async come(): Promise<void> {
    await this.#crowd.ask("come", this.#task);
  }

  async leave(): Promise<void> {
    await this.#crowd.ask("leave");
  }

  async stay(connections: number): Promise<void> {
    await this.#crowd.ask("stay", { ...this.#task, connections });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#crowd[Symbol.asyncDispose](), this.server[Symbol.asyncDispose]()]);
  }
}
