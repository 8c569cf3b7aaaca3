/** Between the library and the sockets of one connection: hands it what comes, and sends the packets it makes. */
import type { Links } from "./links.ts";
import type { HostPort, NativeConnection } from "./native.ts";
import { isSame, PeerAddress } from "./peer-address.ts";
import type { Traffic } from "./traffic.ts";

export type WireOptions = {
  readonly native: NativeConnection;
  readonly links: Links;
  readonly traffic: Traffic;
  /** The library must not be asked for a packet any more. */
  readonly onDoubt: () => void;
  /** What the library is told that the peer's address is: the first one. */
  readonly peer: HostPort;
  readonly datagramBytes: number;
  /** Addresses that the peer may come from. */
  readonly addressesMax: number;
};

/** A ClientHello with a ticket of ours fits one; with a certificate of many hosts in it, a few. */
const firstDatagramsMax = 4;

export class Wire {
  readonly #options: WireOptions;
  /** A client's first datagrams, made but not sent yet. */
  #firstDatagrams: Buffer[] | undefined;
  /** The one stream that has something to send, as far as is known; "many" = ask the library to the end. */
  #offering: number | "many" | undefined;
  #isQuiet = false;
  #hasOffer = false;
  #lastBytes = 0;
  /** Only of a server whose peer has changed its address. */
  #address: PeerAddress | undefined;

  constructor(options: WireOptions) {
    this.#options = options;
  }

  /** The last address of the peer that was proven. */
  get peer(): HostPort {
    return this.#address?.proven ?? this.#options.peer;
  }

  get isOftenMoved(): boolean {
    return this.#address?.isOftenMoved === true;
  }

  /** Of performance.now(): when `look` is due. */
  get dueAtMs(): number {
    return this.#address?.dueAtMs ?? Number.POSITIVE_INFINITY;
  }

  look(): void {
    this.#address?.look();
  }

  /** From a peer that stays where it is, to whichever of our sockets. Throws what the library does. */
  receive(datagram: Uint8Array, from: HostPort): void {
    this.#options.native.recv(datagram, { from, to: this.#options.links.local });
  }

  /** From the socket; true = it was the peer's, and not heard before. */
  receiveNew(datagram: Uint8Array, from: HostPort): boolean {
    const { native } = this.#options;
    const before = native.stats().recv;
    this.receive(datagram, from);
    return native.stats().recv > before;
  }

  /** From a peer that may be anywhere. True = it has another address now, and is to be asked for an answer. */
  receiveFromAnywhere(datagram: Uint8Array, from: HostPort): boolean {
    const { native, onDoubt, links, peer, addressesMax } = this.#options;
    if (this.#address === undefined) {
      if (isSame(from, peer)) {
        this.receive(datagram, from);
        return false;
      }
      this.#address = new PeerAddress({ native, onDoubt, local: links.local, peer, addressesMax });
    }
    return this.#address.receive(datagram, from);
  }

  /** After something has come. */
  collect(): void {
    this.#address?.collect();
  }

  /**
   * Makes the first datagrams of a client without sending them: from then on the library is in early data. They wait for
   * the user's turn, so early data goes out in the same flight, and is early even where the server is near.
   */
  begin(): void {
    if (this.#firstDatagrams !== undefined) return;
    this.#firstDatagrams = [];
    while (this.#firstDatagrams.length < firstDatagramsMax) {
      const datagram = Buffer.alloc(this.#options.datagramBytes);
      const sent = this.#makePacket(datagram);
      if (sent === null) return;
      this.#firstDatagrams.push(datagram.subarray(0, sent[0]));
    }
  }

  /** The library has something to send of this stream. */
  offered(streamId: number): void {
    this.#hasOffer = true;
    if (this.#offering === undefined) this.#offering = streamId;
    else if (this.#offering !== streamId) this.#offering = "many";
  }

  /** The peer stays where it is, and the library had sent all it had: its last packet was a small one. */
  get isCalm(): boolean {
    return this.#address === undefined && this.#lastBytes < this.#options.datagramBytes / 2;
  }

  /** Something was offered since the last flush. */
  get hasOffer(): boolean {
    return this.#hasOffer;
  }

  /** The library had nothing to send at the last flush; that is so too when the connection is over. */
  get isQuiet(): boolean {
    return this.#isQuiet;
  }

  /**
   * Sends at most so many packets; false = there is more. isCalm: no handshake, no close. A packet holds the frames of one
   * stream; so when that is the only one, nothing comes behind a small packet, and the library need not be asked: a tenth
   * of a short answer's cost. If there was more after all, e.g. a second probe, it goes with the next flush.
   */
  transmit(packetsMax: number, isCalm: boolean): boolean {
    const { links, traffic, peer, datagramBytes } = this.#options;
    const mayStop = isCalm && this.#offering !== "many" && this.#address === undefined;
    this.#hasOffer = false;
    for (const datagram of this.#firstDatagrams?.splice(0) ?? []) {
      traffic.sent(datagram.length);
      links.sendDatagram(datagram, peer);
    }
    for (let packets = 0; packets < packetsMax; packets++) {
      const sent = this.#makePacket(links.packetBuffer());
      if (sent === null) {
        this.#isQuiet = packets === 0;
        this.#offering = undefined;
        return true;
      }
      this.#isQuiet = false;
      const [length, { to }] = sent;
      this.#lastBytes = length;
      traffic.sent(length);
      links.sendPacket(length, this.#address?.wayOf(to) ?? to);
      if (mayStop && length < datagramBytes / 2) return true;
    }
    return false;
  }

  /** A handshake can fail while it is sent too, e.g. for the certificate behind refused early data: then it says why. */
  #makePacket(into: Buffer): ReturnType<NativeConnection["send"]> {
    try {
      return this.#ask(into);
    } catch (cause) {
      if (this.#options.native.localError() === null) throw new CannotSend(cause);
    }
    try {
      return this.#ask(into);
    } catch (cause) {
      throw new CannotSend(cause);
    }
  }

  #ask(into: Buffer): ReturnType<NativeConnection["send"]> {
    return this.#address === undefined ? this.#options.native.send(into) : this.#address.makePacket(into);
  }
}

/**
 * The library makes no packet any more: its state is one that it never leaves. A peer can bring it there, e.g. by giving
 * back an id whose frame it does not acknowledge: the library wants to send that frame again and does not find the id.
 */
export class CannotSend extends Error {
  constructor(cause: unknown) {
    super("the library makes no packet", { cause });
  }
}
