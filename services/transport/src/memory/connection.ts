/** One side of a connection in memory. Frames reach the other side in order, each in a turn of its own. */
import { QpqError } from "quicproquo-proto";
import { closedByPeer, closedHere, printable } from "../closed.ts";
import {
  type ByteStream,
  type CloseCode,
  type Connection,
  type ConnectionClosed,
  type ConnectionInfo,
  type ConnectionStats,
  closeCodes,
} from "../port.ts";
import type { Frame, MemoryLimits } from "./frame.ts";
import { MemoryStream, type StreamLink } from "./stream.ts";

/** Runs a task later, never at once. A virtual clock may delay tasks and mix connections: order within one is kept. */
export type Schedule = (task: () => void) => void;

export type MemoryConnectionOptions = {
  readonly role: "client" | "server";
  readonly alpn: string | undefined;
  readonly peerHost: string;
  readonly peerPort: number;
  readonly limits: MemoryLimits;
  readonly schedule: Schedule;
  readonly onFault: (error: unknown) => void;
  readonly onGone: (connection: MemoryConnection) => void;
};

/** open --close() or the peer's close--> closing --one turn later: streams, then onClose--> closed */
export class MemoryConnection implements Connection, StreamLink {
  readonly limits: MemoryLimits;
  readonly info: ConnectionInfo;
  readonly peer: Connection["peer"];
  readonly inEarlyData = false;
  onStream: ((stream: ByteStream) => void) | undefined;
  onClose: ((closed: ConnectionClosed) => void) | undefined;

  readonly #options: MemoryConnectionOptions;
  readonly #streams = new Map<number, MemoryStream>();
  /** Tasks in order; each runs when a scheduled turn comes, whichever that is. */
  #tasks: (() => void)[] = [];
  readonly #turn = (): void => this.#tasks.shift()?.();
  #peer: MemoryConnection | undefined;
  #open = true;
  #nextOwnId: number;
  #nextPeerId: number;
  /** Peer ids below #nextPeerId whose first frame has not come: at most streamsMax. */
  readonly #skipped = new Set<number>();
  #ownOpen = 0;
  #bytesIn = 0;
  #bytesOut = 0;

  constructor(options: MemoryConnectionOptions) {
    this.#options = options;
    this.limits = options.limits;
    this.#nextOwnId = options.role === "client" ? 0 : 1;
    this.#nextPeerId = options.role === "client" ? 1 : 0;
    this.peer = { host: options.peerHost, port: options.peerPort };
    this.info = {
      protocol: "memory",
      quicVersion: undefined,
      tlsVersion: undefined,
      cipher: undefined,
      alpn: options.alpn,
      peerHost: options.peerHost,
      peerPort: options.peerPort,
      resumed: false,
    };
  }

  /** Joins the two sides. */
  static join(a: MemoryConnection, b: MemoryConnection): void {
    a.#peer = b;
    b.#peer = a;
  }

  stats(): ConnectionStats {
    return { datagramsIn: 0, datagramsOut: 0, bytesIn: this.#bytesIn, bytesOut: this.#bytesOut, lost: 0, rttMs: 0 };
  }

  openStream(): ByteStream {
    if (!this.#open) throw new QpqError("E042_CONNECTION_LOST");
    if (this.#ownOpen >= this.limits.streamsMax) {
      throw new QpqError("E021_OVERLOADED", { text: "the peer allows no more streams" });
    }
    this.#ownOpen += 1;
    const stream = this.#add(this.#nextOwnId);
    this.#nextOwnId += 4;
    return stream;
  }

  close(code: CloseCode, reason: string): void {
    if (!this.#open) return;
    this.#open = false;
    const text = printable(reason);
    const peer = this.#peer;
    peer?.later(() => peer.#closedByPeer(code, text));
    this.later(() => this.#finish(closedHere(code, text)));
  }

  send(frame: Frame): void {
    if (!this.#open) return;
    if (frame.kind === "data") this.#bytesOut += frame.chunk.length;
    const peer = this.#peer;
    peer?.later(() => peer.#receive(frame));
  }

  later(task: () => void): void {
    this.#tasks.push(task);
    this.#options.schedule(this.#turn);
  }

  fault(error: unknown): void {
    this.#options.onFault(error);
    this.close(closeCodes.internal, "internal error");
  }

  release(stream: MemoryStream): void {
    this.#streams.delete(stream.id);
    if (this.#isOwn(stream.id)) return;
    this.send({ kind: "released" });
  }

  #receive(frame: Frame): void {
    if (!this.#open) return;
    if (frame.kind === "released") {
      this.#ownOpen -= 1;
      return;
    }
    if (frame.kind === "data") this.#bytesIn += frame.chunk.length;
    const stream = this.#streams.get(frame.id) ?? this.#meet(frame.id);
    stream?.receive(frame);
  }

  /** The peer's next stream; undefined for one that is over here. */
  #meet(id: number): MemoryStream | undefined {
    if (this.#isOwn(id) || (id < this.#nextPeerId && !this.#skipped.delete(id))) return undefined;
    for (; this.#nextPeerId <= id; this.#nextPeerId += 4) {
      if (this.#nextPeerId < id) this.#skipped.add(this.#nextPeerId);
    }
    const stream = this.#add(id);
    if (this.onStream === undefined) {
      stream.reset(closeCodes.protocolViolation);
      return undefined;
    }
    try {
      this.onStream(stream);
    } catch (error) {
      this.fault(error);
    }
    return stream;
  }

  #closedByPeer(code: number, reason: string): void {
    if (!this.#open) return;
    this.#open = false;
    this.#finish(closedByPeer(code, reason));
  }

  #finish(closed: ConnectionClosed): void {
    const error = closed.error ?? new QpqError("E042_CONNECTION_LOST");
    for (const stream of this.#streams.values()) stream.finish(error);
    try {
      this.onClose?.(closed);
    } catch (thrown) {
      this.#options.onFault(thrown);
    }
    this.#options.onGone(this);
  }

  #add(id: number): MemoryStream {
    const stream = new MemoryStream(id, this);
    this.#streams.set(id, stream);
    return stream;
  }

  #isOwn(id: number): boolean {
    return id % 4 === (this.#options.role === "client" ? 0 : 1);
  }
}
