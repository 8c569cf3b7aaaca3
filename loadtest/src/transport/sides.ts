/**
 * The three ways that are compared, each an echo server and its load in processes of their own for each number of
 * connections. All are started and connected before the first measurement, so that a window begins at once.
 */
import { setTimeout } from "node:timers/promises";
import type { Cores } from "../pinned.ts";
import type { ServerTask, ServerUse } from "./echo-server.ts";
import { messageBytes } from "./load.ts";
import { Peer } from "../peer.ts";

export const sides = {
  ours: { server: "quic-server.ts", load: "quic-load.ts" },
  classes: { server: "../../peers/quic-classes.mjs", load: "quic-load.ts" },
  node_tls: { server: "tls-server.ts", load: "tls-load.ts" },
} as const;
export type Side = keyof typeof sides;

export type Window = { readonly warmUpMs: number; readonly windowMs: number };
export type RoundTrips = { readonly perSecond: number; readonly cpuUs: number };

export function startPeer(program: string, core: number | undefined): Peer {
  return Peer.start(new URL(program, import.meta.url), core);
}

/** Nothing comes through a short window when other programs have a core all the time: it is measured again. */
const attemptsMax = 10;

export class LoadedSide implements AsyncDisposable {
  readonly #server: Peer;
  readonly #load: Peer;

  private constructor(server: Peer, load: Peer) {
    this.#server = server;
    this.#load = load;
  }

  static async start(
    side: Side,
    task: ServerTask & { readonly connections: number; readonly cores: Cores | undefined },
  ): Promise<LoadedSide> {
    const { certificate, privateKey, connections, cores } = task;
    const server = startPeer(sides[side].server, cores?.server);
    const load = startPeer(sides[side].load, cores?.client);
    const port = await server.ask<number>("listen", { certificate, privateKey });
    await load.ask("connect", { port, connections, certificate });
    return new LoadedSide(server, load);
  }

  /** Of the window alone: the server's CPU and what it echoed, read in one message. */
  async measure({ warmUpMs, windowMs }: Window): Promise<RoundTrips> {
    await this.#load.ask("on");
    await setTimeout(warmUpMs);
    const used = await this.#useOfRoundTrips(windowMs);
    await this.#load.ask("off");
    const roundTrips = used.echoedBytes / messageBytes;
    return { perSecond: (roundTrips / used.atMs) * 1_000, cpuUs: used.cpuUs / roundTrips };
  }

  async #useOfRoundTrips(windowMs: number): Promise<ServerUse> {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const used = await useWithin(this.#server, windowMs);
      if (used.echoedBytes >= messageBytes) return used;
    }
    throw new Error(`no round trip in ${attemptsMax} windows of ${windowMs} ms`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#load[Symbol.asyncDispose](), this.#server[Symbol.asyncDispose]()]);
  }
}

/** What the server used and did from now on for so long; atMs is how long it was by the server's clock. */
export async function useWithin(server: Peer, windowMs: number): Promise<ServerUse> {
  const from = await server.ask<ServerUse>("use");
  await setTimeout(windowMs);
  const to = await server.ask<ServerUse>("use");
  return {
    atMs: to.atMs - from.atMs,
    cpuUs: to.cpuUs - from.cpuUs,
    echoedBytes: to.echoedBytes - from.echoedBytes,
    handshakes: to.handshakes - from.handshakes,
  };
}
