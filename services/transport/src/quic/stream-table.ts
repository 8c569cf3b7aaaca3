/**
 * The open streams of one connection, and how streams the peer opened are found.
 *
 * The library could list readable streams, but building that list through the binding doubled the server's CPU (p99 9
 * -> 57 ms). So ids are asked for one by one: those that are open, the one the peer uses next, and, only when bytes are
 * still waiting after that (a datagram was lost or reordered), those up to the stream limit.
 */
import { QpqError } from "quicproquo-proto";
import { type MayHaveData, QuicStream, type StreamHost } from "./stream.ts";

/** RFC 9000 section 2.1: the two low bits tell who opened a stream, 0 the client and 1 the server, bidirectional. */
const idStep = 4;
const firstId = { client: 0, server: 1 } as const;

export type Role = keyof typeof firstId;

const nothing = new Uint8Array(0);

export class StreamTable {
  readonly #host: StreamHost;
  readonly #streamsMax: number;
  readonly #open = new Map<number, QuicStream>();
  #nextOwnId: number;
  #nextPeerId: number;
  /** Peer ids below #nextPeerId that have not been seen yet. At most streamsMax: the peer has no more credit. */
  readonly #skipped = new Set<number>();

  constructor(role: Role, host: StreamHost, streamsMax: number) {
    this.#host = host;
    this.#streamsMax = streamsMax;
    this.#nextOwnId = firstId[role];
    this.#nextPeerId = firstId[role === "client" ? "server" : "client"];
  }

  /** Throws E021_OVERLOADED when the peer's stream limit is reached. */
  open(): QuicStream {
    const id = this.#nextOwnId;
    try {
      // Makes the stream in the library and takes the credit; nothing is sent yet.
      this.#host.native.streamSend(id, nothing, false);
    } catch (cause) {
      throw new QpqError("E021_OVERLOADED", { text: "the peer allows no more streams", cause });
    }
    this.#nextOwnId += idStep;
    return this.#add(id);
  }

  /** Reads, sends and closes what is due on every stream; `announce` gets each new one before its first byte. */
  service(heard: boolean, announce: (stream: QuicStream) => void): void {
    // heard: a datagram has come; it has nearly always something for a stream
    const mayHaveData = heard || this.#host.native.isReadable();
    const data = !mayHaveData ? "none" : heard && this.#open.size === 1 ? "likely" : "perhaps";
    for (const stream of this.#open.values()) this.#serve(stream, data);
    // What the open streams left unread is of new ones, or of paused ones.
    if (mayHaveData && this.#host.native.isReadable()) this.#discover(announce);
  }

  /** Does what comes on some stream wait in the library? */
  get anyHeld(): boolean {
    return this.#open.values().some((stream) => stream.isHeld);
  }

  closeAll(error: QpqError): void {
    for (const stream of this.#open.values()) stream.finish(error);
    this.#open.clear();
  }

  #discover(announce: (stream: QuicStream) => void): void {
    const { native } = this.#host;
    const take = (id: number): void => {
      const stream = this.#add(id);
      announce(stream);
      this.#serve(stream, "perhaps");
    };
    for (const id of this.#skipped) {
      if (!native.streamReadable(id)) continue;
      this.#skipped.delete(id);
      take(id);
    }
    for (; native.streamReadable(this.#nextPeerId); this.#nextPeerId += idStep) take(this.#nextPeerId);
    if (!native.isReadable()) return;
    const end = this.#nextPeerId + idStep * this.#streamsMax;
    for (let id = this.#nextPeerId + idStep; id < end; id += idStep) {
      if (!native.streamReadable(id)) continue;
      for (; this.#nextPeerId < id; this.#nextPeerId += idStep) this.#skipped.add(this.#nextPeerId);
      this.#nextPeerId = id + idStep;
      take(id);
    }
  }

  #add(id: number): QuicStream {
    const stream = new QuicStream(id, this.#host);
    this.#open.set(id, stream);
    return stream;
  }

  #serve(stream: QuicStream, data: MayHaveData): void {
    stream.service(data);
    if (stream.closed) this.#open.delete(stream.id);
  }
}
