/**
 * Moves a dialled connection to another socket, and so to whatever network that finds (RFC 9000 section 9), by another of
 * the server's ids.
 *
 * The library is not told: to it the connection stays on one path. Its own migration keeps a loss detection for each path,
 * and what was under way on the one that is left stays lost for good. So the new socket is taken at once, and kept when
 * the server is heard there; else the old one is taken again.
 */
import { QpqError } from "quicproquo-proto";
import type { Link, Links } from "./links.ts";
import type { PeerIds } from "./peer-ids.ts";

export type MovesOptions = {
  readonly links: Links;
  readonly ids: PeerIds;
  readonly open: () => Promise<Link>;
  /** The server has to be asked for an answer: there, or there again. */
  readonly ask: () => void;
};

/** Datagrams of the old path that are late come within a round trip or so. */
const formerMs = 1_000;
/** Some round trips on most paths, short against the idle time: another network may be tried then. */
const trialMsMax = 3_000;
/** A server gives new ids within a round trip of a move, or of the handshake. */
const spareIdMsMax = 1_000;

export class Moves {
  readonly #options: MovesOptions;
  #moving: Promise<void> | undefined;
  /** Waits for an id of the server's to spare. */
  #spareId: PromiseWithResolvers<void> | undefined;
  /** Waits for a word of the server on the new socket. */
  #trial: PromiseWithResolvers<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #over = false;

  constructor(options: MovesOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the server was heard on the new socket; a call while one is under way is that one. Rejects with
   * E040_CONNECT_FAILED when there is no network or no answer: the connection then stays where it was. E021_OVERLOADED
   * when the server has given no id to spare: dial again. E042_CONNECTION_LOST.
   */
  move(): Promise<void> {
    this.#moving ??= this.#move().finally(() => {
      this.#moving = undefined;
    });
    return this.#moving;
  }

  /** Is it of interest what comes on which socket? */
  get isTrying(): boolean {
    return this.#trial !== undefined;
  }

  /** The server was heard on this socket. */
  heardOn(link: Link): void {
    if (this.#trial === undefined || !this.#options.links.isCurrent(link)) return;
    this.#after(formerMs, () => this.#options.links.closeFormer());
    this.#trial.resolve();
    this.#trial = undefined;
  }

  /** After something has come. */
  look(): void {
    if (this.#spareId !== undefined && this.#options.ids.hasSpare) this.#spareId.resolve();
  }

  /** The connection is over: its sockets go too. */
  end(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#options.links.close();
    const error = new QpqError("E042_CONNECTION_LOST");
    this.#spareId?.reject(error);
    this.#trial?.reject(error);
    this.#trial = undefined;
  }

  async #move(): Promise<void> {
    const { links, ids, open, ask } = this.#options;
    await this.#waitForSpareId();
    const link = await open();
    if (this.#over) {
      await link.endpoint.close();
      throw new QpqError("E042_CONNECTION_LOST");
    }
    links.moveTo(link);
    ids.rotate();
    this.#trial = Promise.withResolvers();
    const { promise } = this.#trial;
    this.#after(trialMsMax, () => this.#giveUp());
    ask();
    await promise;
  }

  async #waitForSpareId(): Promise<void> {
    if (this.#options.ids.hasSpare) return;
    this.#spareId = Promise.withResolvers();
    const text = "the server has given no connection id for another path; dial again";
    this.#after(spareIdMsMax, () => this.#spareId?.reject(new QpqError("E021_OVERLOADED", { text })));
    try {
      await this.#spareId.promise;
    } finally {
      this.#spareId = undefined;
    }
  }

  #giveUp(): void {
    const { links, ask } = this.#options;
    links.moveBack();
    const text = "the server does not answer on the new path";
    this.#trial?.reject(new QpqError("E040_CONNECT_FAILED", { text }));
    this.#trial = undefined;
    ask();
  }

  #after(ms: number, act: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(act, ms);
    this.#timer.unref();
  }
}
