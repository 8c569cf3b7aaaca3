/**
 * Records two worlds that talk to each other: every message in both directions, and between which of them each side did
 * what. Played back to one of them alone, its recording gives the same session again.
 */
import { FrameReader } from "../src/message/index.ts";
import type { Op } from "./input.ts";
import { turn } from "./run.ts";
import type { Recording, World } from "./target.ts";

/** One side does something, and everything comes to rest. */
export type Step = { readonly side: "left" | "right"; readonly name: string; readonly a: number; readonly b: number };

/** Written down: `left login 0 2` each a line, or without numbers. */
export function stepsIn(text: string): Step[] {
  return text
    .trim()
    .split("\n")
    .map((line) => {
      const [side = "", name = "", a, b] = line.trim().split(" ");
      return { side: side === "right" ? "right" : "left", name, a: Number(a ?? 0), b: Number(b ?? 0) };
    });
}

export async function record(worlds: Record<Step["side"], World>, steps: readonly Step[]): Promise<Recordings> {
  const sides = { left: new Side(worlds.left), right: new Side(worlds.right) };
  for (const { side, ...step } of steps) {
    sides[side].act({ kind: "act", ...step });
    do {
      await turn();
    } while ([sides.left.deliverTo(sides.right), sides.right.deliverTo(sides.left)].some(Boolean));
  }
  const recordings = { left: sides.left.recording, right: sides.right.recording };
  await end(Object.values(worlds));
  return recordings;
}

/** Plays a recording to a session made for it; answers the messages it sends, and ends it. */
export async function play(world: World, ops: readonly Op[]): Promise<Uint8Array[]> {
  const sent: Uint8Array[] = [];
  const frames = new FrameReader((frame) => sent.push(frame.slice()));
  world.stream.onSent = (chunk) => frames.push(chunk.slice());
  for (const op of ops) {
    if (op.kind === "bytes") world.stream.feed(op.bytes);
    else if (op.kind === "act") world.act(op.name, op.a, op.b);
    else await turn();
  }
  await end([world]);
  return sent;
}

async function end(worlds: readonly World[]): Promise<void> {
  for (const { stream } of worlds) stream.cut();
  await turn();
  for (const world of worlds) {
    world.endHandlers();
    world.letGo();
  }
  await turn();
}

export type Recordings = Readonly<Record<Step["side"], Recording>>;

class Side {
  readonly #world: World;
  readonly #ops: Op[] = [];
  readonly #sent: Uint8Array[] = [];
  #delivered = 0;

  constructor(world: World) {
    this.#world = world;
    const frames = new FrameReader((frame) => this.#sent.push(frame.slice()));
    world.stream.onSent = (chunk) => frames.push(chunk.slice());
  }

  get recording(): Recording {
    return { ops: [...this.#ops], sent: [...this.#sent] };
  }

  act(op: Op & { kind: "act" }): void {
    this.#ops.push(op);
    this.#world.act(op.name, op.a, op.b);
    this.#turn();
  }

  /** False: there was nothing. */
  deliverTo(other: Side): boolean {
    const frames = this.#sent.slice(this.#delivered);
    this.#delivered = this.#sent.length;
    for (const bytes of frames) other.#receive(bytes);
    if (frames.length > 0) other.#turn();
    return frames.length > 0;
  }

  #receive(bytes: Uint8Array): void {
    this.#ops.push({ kind: "bytes", bytes });
    this.#world.stream.feed(bytes);
  }

  #turn(): void {
    this.#ops.push({ kind: "turn" });
  }
}
