/**
 * Runs one input against a fresh session and looks at everything that must hold whatever the peer does:
 *
 * - no callback of the stream throws, no rejection is left unhandled, the stream's contract is kept;
 * - the session goes on and answers, or ends with an Abort whose reason is a rule of the protocol;
 * - what it sends keeps the rules of rpc.capnp (Ledger), is bounded by what came, and ends when nothing comes;
 * - when it is over its tables are empty, every call of its own is settled, every object was given back once.
 */
import type { RpcCounts, RpcError, RpcSession } from "../src/index.ts";
import { MessageBuilder } from "../src/message/index.ts";
import { bootstrapAt, messageSize, messageTag } from "../src/rpc-layout.ts";
import { Finding } from "./finding.ts";
import { HostileMessages } from "./hostile-messages.ts";
import type { Input, Op } from "./input.ts";
import { Ledger } from "./ledger.ts";
import { Random } from "./random.ts";
import type { Target, World } from "./target.ts";
import { unhandled } from "./unhandled.ts";

export type Ran = {
  /** Without improvisation: the messages it made stand as bytes. */
  readonly ops: readonly Op[];
  readonly finding: Finding | undefined;
  /** How the session stood when the input was over. */
  readonly end: "alive" | "aborted" | "closed";
  readonly fedBytes: number;
  readonly sentBytes: number;
};

/** `calls`: recorded messages that improvised ones are made from. */
export async function run(target: Target, input: Input, calls: readonly Uint8Array[] = []): Promise<Ran> {
  const running = new Running(target, target.open(input.variant), calls);
  const finding = await running.all(input.ops);
  const { fedBytes, sentBytes } = running.world.stream;
  return { ops: running.performed, finding, end: running.end, fedBytes, sentBytes };
}

/** Everything that was on its way has had its effect: sessions here work in microtasks only. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Bytes a session may send for nothing: an Abort, and what the probe of its life is answered. */
const freeBytes = 16 << 10;
/** Every 8 bytes fed can be worth a message: a descriptor of 16 bytes a Release. */
const bytesPerFrame = 8;
const freeFrames = 64;
/** What came is worked off in one; more means that it keeps itself busy. */
const quietTurnsMax = 8;

class Running {
  readonly world: World;
  readonly performed: Op[] = [];
  end: Ran["end"] = "alive";
  readonly #target: Target;
  readonly #calls: readonly Uint8Array[];
  readonly #ledger = new Ledger();
  #over: RpcError | undefined;
  #acts = 0;

  constructor(target: Target, world: World, calls: readonly Uint8Array[]) {
    this.#target = target;
    this.#calls = calls;
    this.world = world;
    world.stream.onSent = (chunk) => this.#ledger.sent(chunk);
    void world.session.closed.then((error) => (this.#over = error));
  }

  /** Answers the first finding. */
  async all(ops: readonly Op[]): Promise<Finding | undefined> {
    unhandled.length = 0;
    try {
      for (const op of ops) await this.#perform(op);
      await this.#settle();
      this.#checkNoted();
      await this.#checkEnd();
      await this.world.checkBeside?.();
      await this.#close();
      this.#checkNoted();
      this.#checkBalance();
      return undefined;
    } catch (error) {
      this.world.stream.cut();
      this.world.endHandlers();
      this.world.letGo();
      if (error instanceof Finding) return error;
      // the fuzzer reads messages as the runtime does: what is wrong there makes it stumble as well
      return new Finding("threw", `outside of the stream: ${String(error)}`, { cause: error });
    }
  }

  /** What was noted on the way. */
  #checkNoted(): void {
    const [first] = [...this.world.stream.findings, ...this.#ledger.findings];
    if (first !== undefined) throw first;
    if (unhandled.length > 0) throw new Finding("unhandled", String(unhandled[0]), { cause: unhandled[0] });
  }

  async #perform(op: Op): Promise<void> {
    if (op.kind === "improvise") return this.#improvise(op.seed, op.count);
    this.performed.push(op);
    const { stream } = this.world;
    switch (op.kind) {
      case "bytes":
        this.#ledger.fed(op.bytes);
        return stream.feed(op.bytes);
      case "act":
        this.#acts++;
        return this.world.act(op.name, op.a, op.b);
      case "turn":
        await turn();
        return stream.pump();
      case "end":
        return stream.feedEnd();
      case "cut":
        return stream.cut();
      case "block":
        return stream.block();
      case "drain":
        return stream.drain();
    }
  }

  async #improvise(seed: number, count: number): Promise<void> {
    const random = new Random(seed);
    const messages = new HostileMessages(random, { methods: this.#target.methods, calls: this.#calls });
    for (let n = 0; n < count; n++) {
      const bytes = messages.next(this.#ledger.ids);
      await this.#perform({ kind: "bytes", bytes });
      if (random.chance(30)) await this.#perform({ kind: "turn" });
    }
  }

  /** Until it sends nothing more. */
  async #settle(): Promise<void> {
    const { stream } = this.world;
    stream.drain();
    for (let turns = 0; turns < quietTurnsMax; turns++) {
      const { sentBytes } = stream;
      await this.#rest();
      if (stream.sentBytes === sentBytes && stream.isRead) return;
    }
    throw new Finding("restless", `it has not come to rest after ${quietTurnsMax} turns`);
  }

  /** Two turns: what is gathered until the next one is sent in it. */
  async #rest(): Promise<void> {
    for (let turns = 0; turns < 2; turns++) {
      await turn();
      this.world.stream.pump();
    }
  }

  async #checkEnd(): Promise<void> {
    const { abortReason, peerAborted } = this.#ledger;
    if (!this.#ledger.isSentWhole) throw new Finding("bad-output", "half a message was sent");
    if (this.#over === undefined) {
      if (abortReason !== undefined) throw new Finding("bad-output", `it lives behind its Abort: ${abortReason}`);
      this.#checkTables();
      const { violation } = this.#ledger;
      if (violation !== undefined) throw new Finding("lenient", `it lives, and the peer sent ${violation}`);
      if (this.#ledger.isAtFrame && !peerAborted) await this.#probe();
      return;
    }
    this.end = abortReason === undefined ? "closed" : "aborted";
    const { message, cause } = this.#over;
    if (!message.startsWith("the session was aborted here")) return;
    if (abortReason === undefined && !this.world.stream.isClosed) {
      throw new Finding("silent-end", `no Abort was sent: ${message}`);
    }
    if (message.endsWith(": internal")) throw new Finding("internal", `aborted by ${String(cause)}`, { cause });
    if (abortReason === "") throw new Finding("silent-end", "an Abort without a reason");
  }

  /** Of a session that lives and is at rest: all that came has been worked off, all that was to be said was said. */
  #checkTables(): void {
    const [unanswered] = this.#ledger.ofPeer.idsWhere(({ isFinished, isReturned }) => isFinished && !isReturned);
    if (unanswered !== undefined) throw new Finding("deaf", `question ${unanswered} was finished and never answered`);
    const { tables } = this.#ledger;
    if (tables === undefined) return;
    const { counts } = this.world.session;
    for (const name of ["questions", "answers", "imports", "exports"] as const) {
      if (counts[name] === tables[name]) continue;
      throw new Finding("leak", `${counts[name]} ${name} where the peer knows of ${tables[name]}`);
    }
  }

  /** Asks for the bootstrap capability. */
  async #probe(): Promise<void> {
    const questionId = 0xfff0_0000;
    const builder = new MessageBuilder({ firstBytes: 64 });
    const root = builder.initRootStruct(messageSize.dataWords, messageSize.pointerWords);
    root.setUint16(0, messageTag.bootstrap);
    root.initStruct(0, bootstrapAt.dataWords, bootstrapAt.pointerWords).setUint32(bootstrapAt.questionId, questionId);
    const frame = builder.toFrame();
    this.#ledger.fed(frame);
    this.world.stream.feed(frame);
    await this.#rest();
    if (this.#over !== undefined) return await this.#checkEnd(); // one more than it takes
    if (!this.#ledger.ofPeer.isUnanswered(questionId)) return;
    throw new Finding("deaf", "a Bootstrap was not answered");
  }

  async #close(): Promise<void> {
    const { stream, session } = this.world;
    stream.cut();
    await turn();
    this.world.endHandlers();
    await turn();
    this.world.checkCalls();
    this.world.letGo();
    await turn();
    if (this.#over === undefined) throw new Finding("leak", "a session without a stream lives");
    const left = notEmpty(session);
    if (left.length > 0) throw new Finding("leak", `in the tables when it was over: ${left.join(", ")}`);
    this.world.check();
  }

  /** Bounds that only a fault or an amplification passes; see Target.amplificationMax. */
  #checkBalance(): void {
    const { fedBytes, sentBytes } = this.world.stream;
    const bytesMax = fedBytes * this.#target.amplificationMax + this.world.ownBytes + freeBytes;
    if (sentBytes > bytesMax) {
      throw new Finding("amplification", `${sentBytes} bytes were sent for ${fedBytes}, at most ${bytesMax} may be`);
    }
    const framesMax = fedBytes / bytesPerFrame + this.#acts * 8 + freeFrames;
    const { sentFrames } = this.#ledger;
    if (sentFrames > framesMax) {
      throw new Finding("amplification", `${sentFrames} messages were sent for ${fedBytes} bytes`);
    }
  }
}

function notEmpty({ counts }: RpcSession): string[] {
  const names = Object.keys(counts) as (keyof RpcCounts)[];
  return names.filter((name) => counts[name] !== 0).map((name) => `${counts[name]} ${name}`);
}
