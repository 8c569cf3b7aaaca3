/** A load that is connected and runs windows when it is told to; and what front-ends used meanwhile. */
import { setTimeout } from "node:timers/promises";
import type { LoopResult, Window } from "../closed-loop.ts";
import { Peer } from "../peer.ts";
import type { FrontEnd } from "./front-ends.ts";

/** Callers of every side, where a run does not say otherwise. */
export const callers = 256;

export type Shape = { readonly callers: number; readonly connections?: number };

type Program = "store" | "enqueue" | "redis" | "nats" | "rabbitmq" | "subscribe" | "wait" | "login";

export function startProgram(name: Program): Peer {
  return Peer.start(new URL(`./${name}-load.ts`, import.meta.url), undefined);
}

export class Load implements AsyncDisposable {
  readonly peer: Peer;

  private constructor(peer: Peer) {
    this.peer = peer;
  }

  static async start(program: Program, task: object): Promise<Load> {
    const peer = startProgram(program);
    await peer.ask("connect", task);
    return new Load(peer);
  }

  /** A window in which nothing was answered, on a machine that had something else to do, is taken again. */
  async run(window: Window, shape: Shape = { callers }): Promise<LoopResult> {
    for (;;) {
      const result = await this.peer.ask<LoopResult>("run", { ...shape, ...window });
      if (result.requests > 0) return result;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.peer[Symbol.asyncDispose]();
  }
}

export type Used = { readonly cpuUsPerRequest: number };

/** The front-ends' CPU is read when the window begins and when it ends. */
export async function runWithUse(
  load: Load,
  frontEnds: readonly FrontEnd[],
  window: Window,
): Promise<LoopResult & Used> {
  const [result, cpuUs] = await Promise.all([load.run(window), useWithin(frontEnds, window)]);
  return { ...result, cpuUsPerRequest: cpuUs / result.requests };
}

async function useWithin(frontEnds: readonly FrontEnd[], { warmUpMs, windowMs }: Window): Promise<number> {
  await setTimeout(warmUpMs);
  const from = await cpuUsOf(frontEnds);
  await setTimeout(windowMs);
  return (await cpuUsOf(frontEnds)) - from;
}

async function cpuUsOf(frontEnds: readonly FrontEnd[]): Promise<number> {
  const each = await Promise.all(frontEnds.map((frontEnd) => frontEnd.cpuUs()));
  return each.reduce((sum, value) => sum + value, 0);
}
