/**
 * A front-end's end of the way to the process that owns the store: calls out, answers and hints in, and a new connection
 * when that one is lost.
 *
 * Every call is settled exactly once: by its answer, by its failure, or, when the owner is lost, with
 * E020_STORE_UNAVAILABLE: then the outcome is unknown. While there is no owner calls are rejected at once. How many calls
 * may be in flight is bounded before it (connect.ts).
 */
import { connect } from "node:net";
import { type InboxKey, QpqError } from "quicproquo-proto";
import type { ByteReader, ByteWriter } from "../../ipc/bytes.ts";
import { FrameSocket, frameLimits, isEmptyFrame, newFrame } from "../../ipc/frames.ts";
import { type CallName, type Calls, callNames, codecs, isRead } from "../packing/index.ts";
import { protocolNumber, readLimits, readText, toFrontEnd, toStore } from "./protocol.ts";
import { RemoteWakeups } from "./remote-wakeups.ts";

/** The owner is started again within a second: soon enough, and no load while it is away. */
const redial = { firstMs: 10, mostMs: 200 } as const;

type Pending<N extends CallName = CallName> = {
  readonly name: N;
  readonly resolve: (answer: Calls[N]["answer"]) => void;
  readonly reject: (error: QpqError) => void;
};
type WaitingRead = { readonly pending: Pending; readonly request: Calls[CallName]["request"] };

export class StoreClient {
  readonly wakeups: RemoteWakeups;
  readonly #path: string;
  #frames: FrameSocket | undefined;
  /** Words for the owner; undefined while there is none. */
  #out: ByteWriter | undefined;
  #flushIsDue = false;
  readonly #sent = new Map<number, Pending>();
  readonly #waitingReads: WaitingRead[] = [];
  #readsOut = 0;
  #nextId = 0;
  #redialMs: number = redial.firstMs;
  #redialTimer: ReturnType<typeof setTimeout> | undefined;
  #onConnected: (() => void) | undefined;
  #onIdle: (() => void) | undefined;
  #isClosed = false;

  constructor(path: string) {
    this.#path = path;
    const tell = (word: number) => (inbox: InboxKey) => this.#say(word, inbox);
    this.wakeups = new RemoteWakeups({
      subscribe: tell(toStore.subscribe),
      unsubscribe: tell(toStore.unsubscribe),
      publish: tell(toStore.publish),
      claim: (inbox, word) => this.#say(toStore.claim, inbox, word),
    });
  }

  /** Resolves when the owner is reached for the first time; until `close` it is sought again whenever it is lost. */
  open(): Promise<void> {
    return new Promise((resolve) => {
      this.#onConnected = resolve;
      this.#dial();
    });
  }

  call<N extends CallName>(name: N, request: Calls[N]["request"]): Promise<Calls[N]["answer"]> {
    return new Promise((resolve, reject) => {
      if (this.#out === undefined) return reject(ownerLost());
      const pending = { name, resolve, reject } as unknown as Pending;
      if (!isRead(name)) this.#send(pending, request);
      else if (this.#readsOut < readLimits.sentMax) this.#sendRead({ pending, request });
      else this.#waitingReads.push({ pending, request });
    });
  }

  /** Waits for what is in flight. */
  async close(): Promise<void> {
    if (this.#sent.size > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    this.#isClosed = true;
    clearTimeout(this.#redialTimer);
    this.wakeups.close();
    this.#frames?.end();
    this.#out = undefined;
  }

  #dial(): void {
    const frames = new FrameSocket(connect(this.#path), {
      onFrame: (reader) => this.#receive(frames, reader),
      onDrain: () => this.#flush(),
      onClose: () => this.#onLost(frames),
    });
    this.#frames = frames;
  }

  #receive(frames: FrameSocket, reader: ByteReader): void {
    while (!reader.isAtEnd) this.#obey(frames, reader);
    this.#sendWaitingReads();
    if (this.#sent.size === 0) this.#onIdle?.();
  }

  #obey(frames: FrameSocket, reader: ByteReader): void {
    switch (reader.u8()) {
      case toFrontEnd.hello:
        if (reader.u32() !== protocolNumber) return frames.destroy();
        return this.#onHello();
      case toFrontEnd.hint:
        return this.wakeups.tell(reader.latin1() as InboxKey);
      case toFrontEnd.claim:
        return this.wakeups.tellClaim(reader.latin1() as InboxKey, reader.latin1());
      case toFrontEnd.answer: {
        const { name, resolve } = this.#takeSent(reader.u32());
        return resolve(codecs[name].readAnswer(reader));
      }
      case toFrontEnd.failure: {
        const { reject } = this.#takeSent(reader.u32());
        return reject(QpqError.fromReason(readText(reader)) ?? new QpqError("E034_INTERNAL"));
      }
      default:
        throw new RangeError("no such word");
    }
  }

  #onHello(): void {
    this.#out = newFrame();
    this.#redialMs = redial.firstMs;
    this.wakeups.resume();
    this.#onConnected?.();
    this.#onConnected = undefined;
  }

  #onLost(frames: FrameSocket): void {
    if (frames !== this.#frames || this.#isClosed) return;
    this.#out = undefined;
    const lost = [...this.#sent.values(), ...this.#waitingReads.map(({ pending }) => pending)];
    this.#sent.clear();
    this.#waitingReads.length = 0;
    this.#readsOut = 0;
    for (const { reject } of lost) reject(ownerLost());
    this.#onIdle?.();
    this.#redialTimer = setTimeout(() => this.#dial(), this.#redialMs);
    this.#redialMs = Math.min(2 * this.#redialMs, redial.mostMs);
  }

  #takeSent(id: number): Pending {
    const pending = this.#sent.get(id);
    if (pending === undefined) throw new RangeError("no such call");
    this.#sent.delete(id);
    if (isRead(pending.name)) this.#readsOut--;
    return pending;
  }

  #sendWaitingReads(): void {
    while (this.#readsOut < readLimits.sentMax) {
      const next = this.#waitingReads.shift();
      if (next === undefined) return;
      this.#sendRead(next);
    }
  }

  #sendRead({ pending, request }: WaitingRead): void {
    this.#readsOut++;
    this.#send(pending, request);
  }

  #send(pending: Pending, request: Calls[CallName]["request"]): void {
    const out = this.#out;
    if (out === undefined) return pending.reject(ownerLost());
    // an id comes again after 2^32 calls: none is in flight so long
    const id = this.#nextId++ >>> 0;
    this.#sent.set(id, pending);
    out.u8(toStore.call);
    out.u32(id);
    out.u8(callNames.indexOf(pending.name));
    codecs[pending.name].writeRequest(out, request as never);
    this.#flushWhenDue(out);
  }

  #say(word: number, ...texts: readonly string[]): void {
    const out = this.#out;
    if (out === undefined) return;
    out.u8(word);
    for (const text of texts) out.latin1(text);
    this.#flushWhenDue(out);
  }

  /** At the end of the turn, so that the calls of one turn travel together. */
  #flushWhenDue(out: ByteWriter): void {
    if (out.length >= frameLimits.frameBytes) return this.#flush();
    if (this.#flushIsDue) return;
    this.#flushIsDue = true;
    setImmediate(() => {
      this.#flushIsDue = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#out === undefined || this.#frames === undefined || isEmptyFrame(this.#out)) return;
    this.#frames.send(this.#out);
    this.#out = newFrame();
  }
}

function ownerLost(): QpqError {
  return new QpqError("E020_STORE_UNAVAILABLE", { text: "the process that owns the store cannot be reached" });
}
