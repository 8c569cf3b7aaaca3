/** Makes an input that fails smaller while it fails in the same way: fewer steps, then fewer and simpler bytes. */
import { FrameReader, MessageError } from "../src/message/index.ts";
import type { Finding } from "./finding.ts";
import type { Input, Op } from "./input.ts";
import { joined } from "./mutate-frame.ts";
import { run } from "./run.ts";
import type { Target } from "./target.ts";

export type Shrunk = { readonly input: Input; readonly finding: Finding; readonly runs: number };

/** `input` is one that made `finding`. At most so many runs. */
export async function shrink(target: Target, input: Input, finding: Finding, runsMax = 3_000): Promise<Shrunk> {
  const shrinking = new Shrinking(target, { input, finding, runs: 0 }, runsMax);
  for (let before = ""; before !== shrinking.shape; ) {
    before = shrinking.shape;
    await shrinking.joinChunks();
    await shrinking.dropOps();
    await shrinking.simplifyBytes();
  }
  return shrinking.best;
}

class Shrinking {
  best: Shrunk;
  readonly #target: Target;
  readonly #runsMax: number;

  constructor(target: Target, best: Shrunk, runsMax: number) {
    this.#target = target;
    this.best = best;
    this.#runsMax = runsMax;
  }

  /** Changes while the input gets smaller. */
  get shape(): string {
    return this.best.input.ops.map((op) => (op.kind === "bytes" ? op.bytes.length : op.kind)).join();
  }

  /** Chunks that come one after another as the messages they are. */
  async joinChunks(): Promise<void> {
    const ops: Op[] = [];
    let chunks: Uint8Array[] = [];
    const flush = (): void => {
      const bytes = joined(...chunks);
      if (bytes.length > 0) for (const message of messagesIn(bytes)) ops.push({ kind: "bytes", bytes: message });
      chunks = [];
    };
    for (const op of this.#ops) {
      if (op.kind === "bytes") chunks.push(op.bytes);
      else {
        flush();
        ops.push(op);
      }
    }
    flush();
    await this.#try(ops);
  }

  /** Long stretches first. */
  async dropOps(): Promise<void> {
    for (let count = this.#ops.length; count >= 1; count = Math.floor(count / 2)) {
      for (let at = 0; at + count <= this.#ops.length; ) {
        const isGone = await this.#try([...this.#ops.slice(0, at), ...this.#ops.slice(at + count)]);
        if (!isGone) at += count;
      }
    }
  }

  async simplifyBytes(): Promise<void> {
    for (let at = 0; at < this.#ops.length; at++) {
      await this.#cutBytes(at);
      await this.#clearWords(at);
    }
  }

  /** Stretches of a chunk, long ones first. */
  async #cutBytes(at: number): Promise<void> {
    for (let count = this.#bytesOf(at).length >> 1; count >= 1; count >>= 1) {
      for (let from = 0; from + count <= this.#bytesOf(at).length; ) {
        const bytes = this.#bytesOf(at);
        const shorter = Uint8Array.of(...bytes.subarray(0, from), ...bytes.subarray(from + count));
        if (!(await this.#tryBytes(at, shorter))) from += count;
      }
    }
  }

  async #clearWords(at: number): Promise<void> {
    for (let word = 0; word < this.#bytesOf(at).length; word += 8) {
      const cleared = this.#bytesOf(at).slice();
      if (cleared.fill(0, word, word + 8).every((byte, index) => byte === this.#bytesOf(at)[index])) continue;
      await this.#tryBytes(at, cleared);
    }
  }

  get #ops(): readonly Op[] {
    return this.best.input.ops;
  }

  /** Empty for a step that is no chunk. */
  #bytesOf(at: number): Uint8Array {
    const op = this.#ops[at];
    return op?.kind === "bytes" ? op.bytes : new Uint8Array();
  }

  #tryBytes(at: number, bytes: Uint8Array): Promise<boolean> {
    return this.#try(this.#ops.with(at, { kind: "bytes", bytes }));
  }

  /** True: it fails in the same way, and is the best now. */
  async #try(ops: readonly Op[]): Promise<boolean> {
    const { runs } = this.best;
    if (runs >= this.#runsMax) return false;
    const input = { ...this.best.input, ops };
    const { finding } = await run(this.#target, input);
    this.best = { ...this.best, runs: runs + 1 };
    if (finding?.kind !== this.best.finding.kind) return false;
    this.best = { input, finding, runs: runs + 1 };
    return true;
  }
}

/** As far as the bytes are messages; the rest is one piece. */
function messagesIn(bytes: Uint8Array): Uint8Array[] {
  const messages: Uint8Array[] = [];
  const frames = new FrameReader((frame) => messages.push(frame));
  try {
    frames.push(bytes);
  } catch (error) {
    if (!(error instanceof MessageError)) throw error;
  }
  const taken = messages.reduce((sum, message) => sum + message.length, 0);
  return taken < bytes.length ? [...messages, bytes.subarray(taken)] : messages;
}
