/**
 * The workers' links to each other, over which they hand on datagrams that the kernel gave to the wrong one. Straight
 * from worker to worker, by a Unix socket each: the supervisor touches no byte of the network.
 *
 * A newcomer links itself to all that are there before it opens its port, so that nobody can have a stray for it and no
 * link. A link that is lost means that the sibling has ended. What a sibling does not take is dropped, as a network does.
 */
import { unlink } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { ByteReader } from "../ipc/bytes.ts";
import { FrameSocket, frameLimits, isEmptyFrame, newFrame } from "../ipc/frames.ts";
import { socketOf } from "./messages.ts";

type From = { readonly host: string; readonly port: number };

export type SiblingsOptions = {
  /** Where the sockets are: the working folder of all workers. */
  readonly folder: string;
  readonly workerId: number;
  readonly workers: number;
  /** A sibling has handed it on. The bytes belong to the receiver. */
  readonly onDatagram: (datagram: Uint8Array, from: From) => void;
};

/** A frame is a row of words: hello with the worker's number, first of all, or a datagram. */
const words = { hello: 1, datagram: 2 } as const;

export class Siblings {
  readonly #options: SiblingsOptions;
  /** By the worker it leads to: the newest. */
  readonly #links = new Map<number, Link>();
  readonly #open = new Set<Link>();
  readonly #server: Server;
  /** Datagrams that a sibling was too slow to take. */
  dropped = 0;

  private constructor(options: SiblingsOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#link(socket));
  }

  static async open(options: SiblingsOptions): Promise<Siblings> {
    const siblings = new Siblings(options);
    const path = `${options.folder}/${socketOf.worker(options.workerId)}`;
    await unlink(path).catch(() => undefined); // of a predecessor that was killed
    await new Promise<void>((resolve, reject) => {
      siblings.#server.once("error", reject);
      siblings.#server.listen(path, resolve);
    });
    const others = Array.from({ length: options.workers }, (_, id) => id).filter((id) => id !== options.workerId);
    await Promise.all(others.map((id) => siblings.#greet(id)));
    return siblings;
  }

  /** False = there is no such worker. */
  handOn(datagram: Uint8Array, from: From, workerId: number): boolean {
    const link = this.#links.get(workerId);
    if (link === undefined) return false;
    if (!link.send(datagram, from)) this.dropped++;
    return true;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const link of this.#open) link.destroy();
    await closed;
  }

  /** Resolves also when nobody is there: it will greet when it comes. */
  #greet(id: number): Promise<void> {
    return new Promise((resolve) => {
      const socket = connect(`${this.#options.folder}/${socketOf.worker(id)}`);
      socket.once("error", () => resolve());
      socket.once("connect", () => {
        const link = this.#link(socket);
        link.hello(this.#options.workerId);
        this.#links.set(id, link);
        resolve();
      });
    });
  }

  #link(socket: Socket): Link {
    const link = new Link(socket, {
      onHello: (id) => this.#links.set(id, link),
      onDatagram: this.#options.onDatagram,
      onClose: () => this.#forget(link),
    });
    this.#open.add(link);
    return link;
  }

  #forget(link: Link): void {
    this.#open.delete(link);
    for (const [id, kept] of this.#links) if (kept === link) this.#links.delete(id);
  }
}

type LinkEvents = {
  readonly onHello: (id: number) => void;
  readonly onDatagram: SiblingsOptions["onDatagram"];
  readonly onClose: () => void;
};

class Link {
  readonly #frames: FrameSocket;
  readonly #events: LinkEvents;
  #out = newFrame();
  #flushIsDue = false;

  constructor(socket: Socket, events: LinkEvents) {
    this.#events = events;
    this.#frames = new FrameSocket(socket, {
      onFrame: (reader) => this.#receive(reader),
      onDrain: () => undefined,
      onClose: events.onClose,
    });
  }

  hello(id: number): void {
    this.#out.u8(words.hello);
    this.#out.u8(id);
    this.#flush();
  }

  /** False = dropped: the sibling does not take what it was sent before. */
  send(datagram: Uint8Array, from: From): boolean {
    if (this.#frames.isCongested) return false;
    this.#out.u8(words.datagram);
    this.#out.latin1(from.host);
    this.#out.u32(from.port);
    this.#out.blob(datagram);
    if (this.#out.length >= frameLimits.frameBytes) this.#flush();
    else this.#flushLater();
    return true;
  }

  destroy(): void {
    this.#frames.destroy();
  }

  #receive(reader: ByteReader): void {
    while (!reader.isAtEnd) {
      if (reader.u8() === words.hello) {
        this.#events.onHello(reader.u8());
      } else {
        const from = { host: reader.latin1(), port: reader.u32() };
        this.#events.onDatagram(reader.blob(), from);
      }
    }
  }

  /** At the end of the turn: a burst of datagrams travels together. */
  #flushLater(): void {
    if (this.#flushIsDue) return;
    this.#flushIsDue = true;
    setImmediate(() => {
      this.#flushIsDue = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (isEmptyFrame(this.#out)) return;
    this.#frames.send(this.#out);
    this.#out = newFrame();
  }
}
