/**
 * Where a server's peer is. A NAT may give it another port at any time, and it may move to another network; it is answered
 * where it was heard last, at first with no more than three times what came from there, until it has proved that it
 * receives there (RFC 9000 sections 9.3 and 8.2).
 *
 * The library is told that everything comes from the first address. Its own migration loses connections when datagrams
 * are lost: it keeps a loss detection for each path, so what was under way on the old one stays lost for good, and it
 * closes the connection when one lost challenge finds the new path's credit used up. So a path of its own is begun there
 * with the first datagram of a new address, for the proof, and left with the second. What this costs: the congestion
 * window and the round-trip time are those of the old path until they adapt (section 9.4 wants them reset when not only
 * the port has changed).
 */
import type { HostPort, NativeConnection } from "./native.ts";
import { PathIds } from "./path-ids.ts";

type Packet = NonNullable<ReturnType<NativeConnection["send"]>>;

export type PeerAddressOptions = {
  readonly native: NativeConnection;
  /** The library must not be asked for a packet any more. */
  readonly onDoubt: () => void;
  readonly local: HostPort;
  readonly peer: HostPort;
  /** The first one included. */
  readonly addressesMax: number;
};

/** RFC 9000 section 8.1. */
const amplificationMax = 3;
/** A packet of less is hardly worth its header. */
const packetBytesMin = 64;
/**
 * When the proof is asked for again, after the peer was first heard there. An answer to that also shows what was sent on
 * the path before to be lost.
 */
const askAtMs = [0, 200, 600, 1_400, 3_000];

type Known = {
  readonly at: HostPort;
  isProven: boolean;
  receivedBytes: number;
  /** On the path that is there for the proof. */
  sentOnPathBytes: number;
  sentBytes: number;
  readonly sinceMs: number;
  /** How often the proof was asked for again. */
  asked: number;
};

export class PeerAddress {
  readonly #options: PeerAddressOptions;
  readonly #known: Known[];
  #current: Known;
  /** The last that was proven. */
  #home: Known;
  readonly #ids: PathIds;
  /** The library is back on the first path since the last change of address. */
  #isBack = true;
  /** A packet would be made for a path that is not proven to have a sound id (path-ids.ts). */
  #isHeld = false;
  /** The proof of an address that is proven is asked for once more. */
  #asksAgain = false;
  #isOftenMoved = false;

  constructor(options: PeerAddressOptions) {
    this.#options = options;
    this.#ids = new PathIds(options.native, options.local, options.onDoubt);
    this.#home = knownAt(options.peer);
    this.#home.isProven = true;
    this.#home.asked = askAtMs.length;
    this.#current = this.#home;
    this.#known = [this.#home];
  }

  /** The last address that was proven. */
  get proven(): HostPort {
    return this.#home.at;
  }

  /** It has come from more addresses than the library, or its ids, have paths for. */
  get isOftenMoved(): boolean {
    return this.#isOftenMoved;
  }

  /** Of performance.now(): when `look` is due. */
  get dueAtMs(): number {
    const { sinceMs, asked } = this.#current;
    return this.#isBack ? sinceMs + (askAtMs[asked] ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY;
  }

  /** Hands a datagram to the library. True = the library is back on the first path, for the peer at another address. */
  receive(datagram: Uint8Array, from: HostPort): boolean {
    if (!isSame(from, this.#current.at)) return this.#receiveElsewhere(datagram, from);
    this.#current.receivedBytes += datagram.length;
    this.#read(datagram);
    if (!this.#current.isProven) this.#credit(datagram.length);
    return this.#comeBack();
  }

  #receiveElsewhere(datagram: Uint8Array, from: HostPort): boolean {
    const { native, local, addressesMax } = this.#options;
    const known = this.#known.find(({ at }) => isSame(at, from));
    const before = native.stats().recv;
    const isPath = known === undefined && this.#ids.takesAnother && this.#known.length + 1 < addressesMax;
    if (isPath) {
      this.#ids.prepare();
      native.recv(datagram, { from, to: local });
    } else this.#read(datagram);
    // Not from the peer, or again what it has sent before.
    if (native.stats().recv === before) return false;
    if (isPath) this.#ids.meet(from);
    else if (known === undefined) this.#isOftenMoved = true;
    this.#current = known ?? this.#meet(from);
    this.#current.receivedBytes += datagram.length;
    this.#isBack = false;
    if (!this.#comeBack(isPath ? from : undefined)) return false;
    if (known !== undefined) this.#ids.rotate();
    return true;
  }

  /** To the library all comes from the first address. */
  #read(datagram: Uint8Array): void {
    const { native, local, peer } = this.#options;
    native.recv(datagram, { from: peer, to: local });
    this.#ids.check();
  }

  /** The next packet, or null when there is none for now. */
  makePacket(into: Buffer): Packet | null {
    const { native, local, peer } = this.#options;
    if (this.#isHeld) return null;
    const sent = this.#makeForProof(into);
    if (sent !== null) return sent;
    if (this.#current.isProven) return native.sendOnPath(into, local, peer);
    const room = this.#current.receivedBytes * amplificationMax - this.#current.sentBytes;
    if (room < packetBytesMin) return null;
    const within = native.sendOnPath(into.subarray(0, room), local, peer);
    if (within !== null) this.#current.sentBytes += within[0];
    return within;
  }

  /** Where a packet goes that the library has made for the address `to`. */
  wayOf(to: HostPort): HostPort {
    return isSame(to, this.#options.peer) ? this.#current.at : to;
  }

  /** Path events are a queue in the library that a peer who changes its port can fill; this empties it. */
  collect(): void {
    for (;;) {
      // The binding's types leave out that it answers null when there is no more.
      const event = this.#options.native.pathEventNext() as ReturnType<NativeConnection["pathEventNext"]> | null;
      if (event === null) return;
      if (event.type === "Validated") this.#prove(event.peer);
    }
  }

  /** The library has had its challenge answered from there. */
  #prove(at: HostPort): void {
    const known = this.#known.find((one) => isSame(one.at, at));
    if (known === undefined) return;
    known.isProven = true;
    if (known === this.#current) this.#home = known;
  }

  look(): void {
    if (performance.now() < this.dueAtMs) return;
    const { native, local } = this.#options;
    const current = this.#current;
    current.asked += 1;
    this.#asksAgain = true;
    try {
      native.probePath(local, current.at);
    } catch {
      // There is no id for that path now.
    }
    // Perhaps somebody else has sent on from there what the peer had sent.
    if (current.asked === askAtMs.length && !current.isProven) this.#current = this.#home;
  }

  /**
   * What is late, or probes only, does not bring the library back: nothing is sent then until something does, but on the
   * path that was met with this very datagram.
   */
  #comeBack(met?: HostPort): boolean {
    if (this.#isBack) return false;
    const { native, peer } = this.#options;
    const at = native.pathStats().find(({ active }) => active)?.peerHost;
    this.#isBack = at !== undefined && isSame(at, peer);
    this.#isHeld = !this.#isBack && (at === undefined || met === undefined || !isSame(at, met));
    return this.#isBack;
  }

  #makeForProof(into: Buffer): Packet | null {
    const current = this.#current;
    if (this.#isBack && (current.asked === askAtMs.length || (current.isProven && !this.#asksAgain))) return null;
    this.#asksAgain = false;
    const { native, local } = this.#options;
    let sent: Packet | null = null;
    try {
      sent = native.sendOnPath(into, local, current.at);
    } catch {
      // The peer has taken the path's ids back: it is elsewhere.
      current.asked = askAtMs.length;
    }
    if (sent === null) return null;
    current.sentBytes += sent[0];
    current.sentOnPathBytes += sent[0];
    // The library goes beyond the limit when it has an answer. (It says so only when that was to a large packet.)
    if (current.sentOnPathBytes > current.receivedBytes * amplificationMax) this.#prove(current.at);
    return sent;
  }

  /** To the library the peer was not heard on the path of the proof again, where it may send three times that. */
  #credit(bytes: number): void {
    const { native, local } = this.#options;
    const nothing = Buffer.alloc(bytes); // decrypts to nothing: it is dropped, and counted
    native.recv(nothing, { from: this.#current.at, to: local });
  }

  #meet(at: HostPort): Known {
    const known = knownAt(at);
    this.#known.push(known);
    return known;
  }
}

function knownAt(at: HostPort): Known {
  return {
    at,
    isProven: false,
    receivedBytes: 0,
    sentOnPathBytes: 0,
    sentBytes: 0,
    sinceMs: performance.now(),
    asked: 0,
  };
}

export function isSame(one: HostPort, other: HostPort): boolean {
  return one.port === other.port && one.host === other.host;
}
