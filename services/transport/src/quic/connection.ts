/** One QUIC connection: the library's state machine driven by datagrams, timers and the owner's calls. */
import { QpqError } from "quicproquo-proto";
import type { ByteStream, CloseCode, Connection, ConnectionClosed, ConnectionInfo, ConnectionStats } from "../port.ts";
import { closedHere, printable } from "../closed.ts";
import { closeCodes } from "../port.ts";
import { closedByNative, connectFailed, failedInternally } from "./close-reason.ts";
import type { Endpoint, Serviced } from "./endpoint.ts";
import type { HostPort, NativeConnection } from "./native.ts";
import type { QuicLimits } from "./quic-limits.ts";
import { cipherOfSession } from "./session-facts.ts";
import { SessionWatch } from "./session-watch.ts";
import type { QuicStream, StreamHost } from "./stream.ts";
import { type Role, StreamTable } from "./stream-table.ts";
import { LazyTimer } from "./timers.ts";
import { Traffic } from "./traffic.ts";

/** Who made the connection and keeps it. None of these may throw. */
export interface ConnectionOwner {
  /** The handshake is done, or early data may come: hand the connection to its user. Once. */
  ready(connection: QuicConnection): void;
  /** The handshake is done: is the peer, by its certificate, one that is not wanted? Before anything is sent to it. */
  refusal?(native: NativeConnection): QpqError | undefined;
  /** The handshake is done. Once. */
  established(connection: QuicConnection): void;
  /** The server gave a session to resume: the library's bytes. The newest is the last. Only on a client. */
  session?(session: Uint8Array): void;
  /** It ended; the user has been told. Once. */
  closed(connection: QuicConnection, closed: ConnectionClosed): void;
  /** Nothing is left of it: forget its ids. Once, after closed. */
  disposed(connection: QuicConnection): void;
  /** A callback of the user threw, or the driver did. */
  fault(error: unknown): void;
}

export type QuicConnectionOptions = {
  readonly native: NativeConnection;
  readonly role: Role;
  readonly endpoint: Endpoint;
  readonly limits: QuicLimits;
  readonly local: HostPort;
  readonly peer: HostPort;
  readonly owner: ConnectionOwner;
  /** May it be handed to its user before the handshake is over, if the library takes part in early data? */
  readonly earlyData: boolean;
  /** Size of the datagram that the library has read already; 0 for a client. */
  readonly bytesIn: number;
};

/**
 * The close frame needs one packet. But while a probe of the handshake is pending the library gives out the same probe
 * for ever and never comes to the close (seen 62 times in 3,000 on a busy machine): so few packets a flush, and another
 * try when the peer's next datagram has ended the handshake there too.
 */
const closingPacketsMax = 4;
/** The tries are over after so many packets, or so long. */
const closingPacketsTotalMax = 32;
const closingMsMax = 1_000;

/** A ClientHello with a ticket of ours fits one; with a certificate of many hosts in it, a few. */
const firstDatagramsMax = 4;

/**
 *     handshaking --TLS done--> open --close()--> closing --next flush--> draining --3 PTO--> disposed
 *          |                     ^  |                                        ^
 *          +------0-RTT------> early  +--peer closed, idle, reset, failure---+
 *
 * - handshaking: half-open; nobody has been told of the connection. Its deadline is handshakeMsMax.
 * - early: told (`ready`), but what arrives at a server may be a replay, and what a client writes goes out before the
 *   server has proved itself. Still half-open, under the same deadline. If the server does not take the early data, the
 *   library sends it again behind the handshake: the phase lasts until then.
 * - open: `ready` and `established` have been called.
 * - closing: close() was called; nothing is read or written any more. Lasts until the next flush.
 * - draining: `onClose` has been called; only the library lives on, to send the close frame if that has not gone out,
 *   and then to swallow late datagrams. A client does not wait for those: its socket goes with it.
 * - disposed: the library's state is given up, the ids are forgotten.
 *
 * `service` makes every transition but open -> closing, and is the only place where callbacks are called.
 */
type Phase = "handshaking" | "early" | "open" | "closing" | "draining" | "disposed";

export class QuicConnection implements Connection, StreamHost, Serviced {
  readonly native: NativeConnection;
  readonly sendQueueBytes: number;
  readonly sendQueueBytesMax: number;
  onStream: ((stream: ByteStream) => void) | undefined;
  onClose: ((closed: ConnectionClosed) => void) | undefined;
  onEstablished: (() => void) | undefined;

  readonly #role: Role;
  readonly #endpoint: Endpoint;
  readonly #limits: QuicLimits;
  readonly #local: HostPort;
  readonly #owner: ConnectionOwner;
  readonly #earlyData: boolean;
  readonly #streams: StreamTable;
  readonly #sessions: SessionWatch | undefined;
  readonly #traffic = new Traffic();
  readonly #timer = new LazyTimer(() => this.#onTimer());
  readonly #announce = (stream: QuicStream): void => this.#onPeerStream(stream);
  /** When the handshake, or what comes after the end, must be over. */
  #deadlineAtMs: number;
  #peer: HostPort;
  #phase: Phase = "handshaking";
  #told = false;
  /** A client's first datagrams, made but not sent yet: see #begin. */
  #firstDatagrams: Buffer[] | undefined;
  #established = false;
  #marked = false;
  /** A datagram came from another address than #peer: the library then has path events to collect. */
  #moved = false;
  /** Set by close(): what onClose will say. */
  #closing: (ConnectionClosed & { readonly code: number }) | undefined;
  #closingPackets = 0;
  /** The library has been told to close. */
  #closeSaid = false;
  /** Set when the library must not be asked any more. */
  #givenUp: ConnectionClosed | undefined;
  #cipher: string | undefined;

  constructor(options: QuicConnectionOptions) {
    this.native = options.native;
    this.#role = options.role;
    this.#endpoint = options.endpoint;
    this.#limits = options.limits;
    this.#local = options.local;
    this.#peer = options.peer;
    this.#owner = options.owner;
    this.#earlyData = options.earlyData;
    this.sendQueueBytes = options.limits.sendQueueBytes;
    this.sendQueueBytesMax = options.limits.sendQueueBytesMax;
    this.#streams = new StreamTable(options.role, this, options.limits.streamsMax);
    if (options.bytesIn > 0) this.#traffic.received(options.bytesIn);
    const { native, owner } = options;
    this.#sessions = owner.session && new SessionWatch(native, (session) => owner.session?.(session));
    this.#deadlineAtMs = performance.now() + options.limits.handshakeMsMax;
    this.#timer.arm(options.limits.handshakeMsMax);
  }

  get info(): ConnectionInfo {
    return {
      protocol: "quic",
      quicVersion: "1",
      tlsVersion: "TLS 1.3", // RFC 9001 section 4.2: QUIC version 1 has no other
      cipher: this.#cipherNow(),
      alpn: Buffer.from(this.native.applicationProto()).toString("latin1") || undefined,
      peerHost: this.#peer.host,
      peerPort: this.#peer.port,
      resumed: this.#established && this.native.isResumed(),
    };
  }

  get inEarlyData(): boolean {
    return this.#phase === "early";
  }

  /** Where it is heard from: the last address that was validated. */
  get peer(): HostPort {
    return this.#peer;
  }

  get isOpen(): boolean {
    return this.#phase === "open" || this.#phase === "early";
  }

  /** The handshake has ended well, whatever came after. */
  get established(): boolean {
    return this.#established;
  }

  stats(): ConnectionStats {
    const { datagramsIn, datagramsOut, bytesIn, bytesOut } = this.#traffic;
    const rttMs = this.native.pathStats().find(({ active }) => active)?.rtt ?? 0;
    return { datagramsIn, datagramsOut, bytesIn, bytesOut, lost: this.native.stats().lost, rttMs };
  }

  openStream(): ByteStream {
    if (!this.isOpen) throw new QpqError("E042_CONNECTION_LOST");
    return this.#streams.open();
  }

  close(code: CloseCode, reason: string): void {
    if (this.#phase === "closing" || this.#phase === "draining" || this.#phase === "disposed") return;
    this.#closing = closedHere(code, printable(reason));
    this.#phase = "closing";
    this.mark();
  }

  /** A datagram for this connection. It is decrypted in place. */
  receive(datagram: Uint8Array, from: HostPort): void {
    if (this.#phase === "disposed") return;
    this.#traffic.received(datagram.length);
    if (from.port !== this.#peer.port || from.host !== this.#peer.host) this.#moved = true;
    try {
      this.native.recv(datagram, { from, to: this.#local });
    } catch {
      // The library has noted why and closes with it; service() sees that and tells.
    }
    this.mark();
  }

  mark(): void {
    if (this.#marked || this.#phase === "disposed") return;
    this.#marked = true;
    this.#endpoint.mark(this);
  }

  fault(error: unknown): void {
    this.#owner.fault(error);
    this.close(closeCodes.internal, "internal error");
  }

  /** Ends a connection whose handshake cannot succeed, without a word to the peer. */
  abandon(reason: string, cause?: unknown): void {
    this.#givenUp ??= connectFailed(reason, cause);
    this.service();
  }

  service(): void {
    this.#marked = false;
    if (this.#phase === "disposed") return;
    try {
      if (this.#givenUp === undefined) this.#work();
    } catch (error) {
      this.#owner.fault(error);
      this.#givenUp = failedInternally(error);
    }
    this.#settle();
  }

  #work(): void {
    if (this.#closing !== undefined) {
      this.#sendClose(this.#closing);
      return;
    }
    if (this.#role === "client" && this.#phase === "handshaking" && this.#earlyData) this.#begin();
    const justReady = this.#advance();
    // Whoever awaits the dial gets one turn to set callbacks before the first of them is due.
    if (justReady && this.#role === "client") this.mark();
    else if (this.isOpen) this.#streams.service(this.#announce);
    if (this.#moved) this.#collectPathEvents();
    if (this.#phase === "open") this.#sessions?.look();
    if (this.#closing !== undefined) {
      this.#sendClose(this.#closing); // by a callback
      return;
    }
    if (justReady && this.#phase === "early" && this.#role === "client") return; // first what the user writes
    if (!this.#transmit(this.#limits.packetsPerFlushMax)) this.mark(); // the others first
  }

  /**
   * The library is in early data once it has made its first packet. That waits for the user's turn: so early data goes
   * out in the same flight and is early even where the server is near.
   */
  #begin(): void {
    if (this.#firstDatagrams !== undefined) return;
    this.#firstDatagrams = [];
    while (this.#firstDatagrams.length < firstDatagramsMax) {
      const datagram = Buffer.alloc(this.#limits.datagramBytes);
      const sent = this.#makePacket(datagram);
      if (sent === null) return;
      this.#firstDatagrams.push(datagram.subarray(0, sent[0]));
    }
  }

  get #isHalfOpen(): boolean {
    return this.#phase === "handshaking" || this.#phase === "early";
  }

  get #mayBeEarly(): boolean {
    return this.#earlyData && this.native.isInEarlyData();
  }

  /** True when the user has just been told of the connection. */
  #advance(): boolean {
    if (!this.#isHalfOpen) return false;
    if (this.native.isEstablished()) {
      this.#establish();
      if (!this.#established) return false;
    } else if (this.#phase === "handshaking" && this.#mayBeEarly) this.#phase = "early";
    else return false;
    const justReady = !this.#told;
    this.#told = true;
    if (justReady) this.#owner.ready(this);
    return justReady;
  }

  #establish(): void {
    const error = this.#owner.refusal?.(this.native);
    if (error !== undefined) {
      const code = closeCodes.certificateRefused;
      this.#closing = { code, reason: "certificate refused", byPeer: false, error };
      this.#phase = "closing";
      if (this.#told) this.#sayClose(this.#closing); // so that no early data is sent again, to this one
      return;
    }
    this.#phase = "open";
    this.#established = true;
    this.#deadlineAtMs = Number.POSITIVE_INFINITY;
    this.#owner.established(this);
    if (!this.#told) return;
    try {
      this.onEstablished?.();
    } catch (error) {
      this.fault(error);
    }
  }

  #onPeerStream(stream: QuicStream): void {
    if (this.onStream === undefined) {
      stream.reset(closeCodes.protocolViolation);
      return;
    }
    try {
      this.onStream(stream);
    } catch (error) {
      this.fault(error);
    }
  }

  /** False = there is more to send. */
  #transmit(packetsMax: number): boolean {
    for (const datagram of this.#firstDatagrams?.splice(0) ?? []) {
      this.#traffic.sent(datagram.length);
      this.#endpoint.sendDatagram(datagram, this.#peer);
    }
    for (let packets = 0; packets < packetsMax; packets++) {
      const sent = this.#makePacket(this.#endpoint.packetBuffer());
      if (sent === null) return true;
      this.#traffic.sent(sent[0]);
      this.#endpoint.sendPacket(sent[0], sent[1].to);
    }
    return false;
  }

  /** A handshake can fail while it is sent too, e.g. for the certificate behind refused early data: then it says why. */
  #makePacket(into: Buffer): ReturnType<NativeConnection["send"]> {
    try {
      return this.native.send(into);
    } catch (error) {
      if (this.native.localError() === null) throw error;
      return this.native.send(into);
    }
  }

  #sendClose(closing: ConnectionClosed & { readonly code: number }): void {
    if (!this.#closeSaid) {
      // What is pending goes first: a pending probe would keep the close back.
      this.#transmit(closingPacketsMax);
      this.#sayClose(closing);
    }
    if (this.#transmit(closingPacketsMax)) return;
    this.#closingPackets += closingPacketsMax;
    if (this.#closingPackets >= closingPacketsTotalMax) this.#givenUp = closing;
  }

  #sayClose(closing: ConnectionClosed & { readonly code: number }): void {
    this.#closeSaid = true;
    this.native.close(true, closing.code, Buffer.from(closing.reason));
  }

  #settle(): void {
    const closed = this.#closedNow();
    if (closed !== undefined) this.#finish(closed);
    const isOver = this.#role === "client" && this.#phase === "draining" && this.native.isDraining();
    if (isOver || this.#givenUp !== undefined || this.native.isClosed()) this.#dispose();
    else this.#arm();
  }

  #closedNow(): ConnectionClosed | undefined {
    if (this.#phase === "draining") return undefined;
    if (this.#closing !== undefined) return this.#closing;
    if (this.#givenUp !== undefined) return this.#givenUp;
    // Draining is enough: waiting for closed would keep the peer's error back for up to 3 s.
    if (this.native.isDraining() || this.native.isClosed()) return closedByNative(this.native, this.#established);
    return undefined;
  }

  #finish(closed: ConnectionClosed): void {
    this.#phase = "draining";
    this.#deadlineAtMs = performance.now() + closingMsMax;
    this.#streams.closeAll(closed.error ?? new QpqError("E042_CONNECTION_LOST"));
    if (this.#told) {
      try {
        this.onClose?.(closed);
      } catch (error) {
        this.#owner.fault(error);
      }
    }
    this.#owner.closed(this, closed);
  }

  #dispose(): void {
    this.#phase = "disposed";
    this.#timer.cancel();
    this.#owner.disposed(this);
  }

  #arm(): void {
    const nativeMs = this.native.timeout();
    // The binding rounds down; a millisecond more saves a second wake-up.
    const delayMs = nativeMs === null ? Number.POSITIVE_INFINITY : nativeMs + 1;
    const ownAtMs = Math.min(this.#deadlineAtMs, this.#pingAtMs);
    this.#timer.arm(Math.max(0, Math.min(delayMs, ownAtMs - performance.now())));
  }

  /** Only a client pings: pings of 10,000 clients every 10 s cost a server 6 % of a core, its own would cost more. */
  get #pingAtMs(): number {
    const { keepAliveMs } = this.#limits;
    if (this.#role === "server" || this.#phase !== "open" || keepAliveMs === 0) return Number.POSITIVE_INFINITY;
    return this.#traffic.quietSinceMs + keepAliveMs;
  }

  #keepAlive(): void {
    const nowMs = performance.now();
    if (nowMs < this.#pingAtMs) return;
    this.#traffic.quietSinceMs = nowMs;
    this.native.sendAckEliciting();
  }

  #onTimer(): void {
    if (performance.now() >= this.#deadlineAtMs - 1) {
      this.#givenUp = this.#closing ?? connectFailed("no answer in time");
    } else {
      try {
        this.native.onTimeout();
        this.#keepAlive();
      } catch (error) {
        this.#givenUp = failedInternally(error);
      }
    }
    this.service();
  }

  /** Path events are a queue in the library that a peer who changes its port can fill; this empties it. */
  #collectPathEvents(): void {
    for (;;) {
      // The binding's types leave out that it answers null when there is no more.
      const event = this.native.pathEventNext() as ReturnType<NativeConnection["pathEventNext"]> | null;
      if (event === null) return;
      if (event.type === "PeerMigrated") this.#peer = event.new;
    }
  }

  #cipherNow(): string | undefined {
    if (this.#cipher === undefined && this.#role === "client") this.#cipher = cipherOfSession(this.native.session());
    return this.#cipher;
  }
}
