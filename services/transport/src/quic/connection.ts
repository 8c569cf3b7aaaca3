/** One QUIC connection: the library's state machine driven by datagrams, timers and the owner's calls. */
import { QpqError } from "quicproquo-proto";
import type { ByteStream, CloseCode, Connection, ConnectionClosed, ConnectionInfo, ConnectionStats } from "../port.ts";
import { closedHere, printable } from "../closed.ts";
import { closeCodes } from "../port.ts";
import { cannotSend, closedByNative, connectFailed, failedInternally, withoutIds } from "./close-reason.ts";
import type { ConnectionOwner, QuicConnectionOptions } from "./connection-owner.ts";
import { datagramBytesTo } from "./datagram-size.ts";
import type { Serviced } from "./endpoint.ts";
import { Farewell } from "./farewell.ts";
import { isRetry } from "./first-packet.ts";
import { type Link, Links } from "./links.ts";
import { Liveness } from "./liveness.ts";
import { Moves } from "./moves.ts";
import type { HostPort, NativeConnection } from "./native.ts";
import { Overhead } from "./overhead.ts";
import { PeerIds } from "./peer-ids.ts";
import type { QuicLimits } from "./quic-limits.ts";
import { cipherOfSession } from "./session-facts.ts";
import { SessionWatch } from "./session-watch.ts";
import { SourceIds } from "./source-ids.ts";
import type { QuicStream, StreamHost } from "./stream.ts";
import { type Role, StreamTable } from "./stream-table.ts";
import { LazyTimer } from "./timers.ts";
import { Traffic } from "./traffic.ts";
import { Turn } from "./turn.ts";
import { CannotSend, Wire } from "./wire.ts";

/** How long the library lives on to say goodbye. */
const closingMsMax = 1_000;

/**
 *     handshaking --TLS done--> open --close()--> closing --next flush--> draining --3 PTO--> disposed
 *          |                     ^  |                                        ^
 *          +------0-RTT------> early  +--peer closed, idle, reset, failure---+
 *
 * - handshaking: half-open; nobody has been told of the connection. Its deadline is handshakeMsMax,
 *   of a client that gets a Retry twice that from then on.
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
  readonly weight: object | undefined;
  readonly sendQueueBytes: number;
  readonly sendQueueBytesMax: number;
  onStream: ((stream: ByteStream) => void) | undefined;
  onClose: ((closed: ConnectionClosed) => void) | undefined;
  onEstablished: (() => void) | undefined;

  readonly #role: Role;
  readonly #limits: QuicLimits;
  readonly #owner: ConnectionOwner;
  readonly #earlyData: boolean;
  readonly #streams: StreamTable;
  readonly #ids: SourceIds;
  readonly #wire: Wire;
  readonly #sessions: SessionWatch | undefined;
  /** Only a client moves, and asks for signs of life. */
  readonly #moves: Moves | undefined;
  readonly #liveness: Liveness | undefined;
  readonly #traffic = new Traffic();
  readonly #overhead = new Overhead(this.#traffic);
  readonly #turn: Turn;
  readonly #timer = new LazyTimer(() => this.#onTimer());
  readonly #announce = (stream: QuicStream): void => this.#onPeerStream(stream);
  /** When the handshake, or what comes after the end, must be over. */
  #deadlineAtMs: number;
  #phase: Phase = "handshaking";
  /** By a Retry. */
  #isPutOff = false;
  #told = false;
  #established = false;
  /** Something has happened that may have ended it. */
  #mayBeOver = false;
  /** Set by close(): what onClose will say. */
  #farewell: Farewell | undefined;
  /** Set when the library must not be asked any more. */
  #givenUp: ConnectionClosed | undefined;
  #cipher: string | undefined;

  constructor(options: QuicConnectionOptions) {
    this.native = options.native;
    this.weight = options.weight;
    this.#role = options.role;
    this.#limits = options.limits;
    this.#owner = options.owner;
    this.#earlyData = options.earlyData;
    this.sendQueueBytes = options.limits.sendQueueBytes;
    this.sendQueueBytesMax = options.limits.sendQueueBytesMax;
    this.#streams = new StreamTable(options.role, this, options.limits.streamsMax);
    if (options.bytesIn > 0) this.#traffic.received(options.bytesIn);
    const { native, owner, limits, peer } = options;
    const onDoubt = (): void => this.#partSilently();
    const ids = new PeerIds({ native, local: options.link.local, peer, onSpent: onDoubt });
    const [links, traffic] = [new Links(options.link), this.#traffic];
    this.#turn = new Turn(links, this);
    const [datagramBytes, addressesMax] = [datagramBytesTo(peer, limits), limits.pathsMax];
    this.#wire = new Wire({ native, links, traffic, onDoubt, peer, datagramBytes, addressesMax });
    this.#ids = new SourceIds({ native, newId: () => owner.newId(this), forget: (id) => owner.forgetId?.(this, id) });
    this.#sessions = owner.session && new SessionWatch(native, (session) => owner.session?.(session));
    const open = owner.openLink?.bind(owner);
    this.#moves = open && new Moves({ links, ids, open, ask: () => this.#askPeer() });
    const ping = (): void => native.sendAckEliciting();
    const move = (): void => void this.migrate().catch(() => undefined); // the next silence is the next try
    this.#liveness = open && new Liveness({ limits, traffic, ping, move });
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
      peerHost: this.peer.host,
      peerPort: this.peer.port,
      resumed: this.#established && this.native.isResumed(),
    };
  }

  get inEarlyData(): boolean {
    return this.#phase === "early";
  }

  /** The last address that was proven. */
  get peer(): HostPort {
    return this.#wire.peer;
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
    this.#farewell = new Farewell(this.native, closedHere(code, printable(reason)));
    this.#phase = "closing";
    this.mark();
  }

  /** See Moves.move. Rejects with E042_CONNECTION_LOST before the handshake is over too. */
  async migrate(): Promise<void> {
    if (this.#phase !== "open" || this.#moves === undefined) throw new QpqError("E042_CONNECTION_LOST");
    await this.#moves.move();
  }

  /** The network of a client's socket is gone. */
  lostNetwork(): void {
    if (this.#phase === "open") this.#liveness?.moveNow();
  }

  /** A datagram for this connection; a client has several sockets. It is decrypted in place. */
  receive(datagram: Uint8Array, from: HostPort, link?: Link): void {
    if (this.#phase === "disposed" || this.#ids.isLate(datagram)) return;
    this.#traffic.received(datagram.length);
    if (this.#role === "client" && this.#isHalfOpen && isRetry(datagram)) this.#waitForBusyServer();
    try {
      this.#read(datagram, from, link);
      if (this.#established) this.#ids.collect(datagram);
    } catch {
      this.#mayBeOver = true; // the library has noted why and closes with it; service() sees that and tells
    }
    this.#turn.hear(datagram.length);
  }

  #read(datagram: Uint8Array, from: HostPort, link: Link | undefined): void {
    if (this.#role === "server" && this.#established) {
      if (this.#wire.receiveFromAnywhere(datagram, from)) this.#askPeer();
    } else if (link !== undefined && this.#moves?.isTrying === true) {
      if (this.#wire.receiveNew(datagram, from)) this.#moves.heardOn(link);
    } else {
      this.#wire.receive(datagram, from);
    }
  }

  /**
   * A server that answers with a Retry is there, and may be busy: it drops what it cannot begin now, and is asked again
   * 1, 3 and 7 s after its answer, by the library's own timers. To dial anew instead costs both sides ten times as much.
   */
  #waitForBusyServer(): void {
    if (this.#isPutOff) return; // the library takes one Retry; others may be anybody's
    this.#isPutOff = true;
    this.#deadlineAtMs = performance.now() + 2 * this.#limits.handshakeMsMax;
  }

  mark(): void {
    if (this.#phase !== "disposed") this.#turn.mark();
  }

  offered(streamId: number): void {
    this.#wire.offered(streamId);
  }

  delivered(bytes: number): void {
    this.#overhead.delivered(bytes);
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
    this.#turn.begin();
    if (this.#phase === "disposed") return;
    let comesAgain = false;
    try {
      if (this.#givenUp === undefined) comesAgain = this.#work();
    } catch (error) {
      if (error instanceof CannotSend) this.#breakOff(cannotSend(error));
      else {
        this.#owner.fault(error);
        this.#givenUp = failedInternally(error);
      }
    }
    if (!comesAgain) this.#settle(); // asks the library only what cannot fail
  }

  /** True = nothing has been sent yet: it is serviced once more in this turn. */
  #work(): boolean {
    if (this.#farewell !== undefined) {
      this.#sayGoodbye(this.#farewell);
      return false;
    }
    if (this.#role === "client" && this.#phase === "handshaking" && this.#earlyData) this.#wire.begin();
    const heard = this.#turn.takeHeard();
    const justReady = this.#advance();
    // Whoever awaits the dial gets one turn to set callbacks before the first of them is due.
    if (justReady && this.#role === "client") this.mark();
    else if (this.isOpen) this.#streams.service(heard, this.#announce);
    this.#moves?.look();
    this.#wire.collect();
    this.#leaveIfOftenMoved();
    this.#leaveIfFlooded();
    if (heard && this.#phase === "open") this.#sessions?.look();
    if (this.#farewell !== undefined) {
      this.#sayGoodbye(this.#farewell); // by a callback
      return false;
    }
    if (justReady && this.#phase === "early" && this.#role === "client") return false; // first what the user writes
    if (heard && this.#phase === "open" && !this.#wire.hasOffer) {
      this.#turn.comeAgain();
      return true;
    }
    if (this.#mayWait)
      this.#mayBeOver = true; // a library that is not asked for packets does not say so
    else this.#flush();
    return false;
  }

  /** In the handshake, amid bulk and while addresses change all goes out at once. */
  get #mayWait(): boolean {
    const isCalm = this.#phase === "open" && this.#wire.isCalm && this.#moves?.isTrying !== true;
    return isCalm && this.#turn.mayWait();
  }

  #flush(): void {
    const { packetsPerFlushMax } = this.#limits;
    const isAll = this.#wire.transmit(packetsPerFlushMax, this.#phase === "open");
    if (isAll) this.#turn.flushed();
    else this.mark(); // the others first
    this.#traffic.flushed();
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
      this.#farewell = new Farewell(this.native, { code, reason: "certificate refused", byPeer: false, error });
      this.#phase = "closing";
      if (this.#told) this.#farewell.say(); // so that no early data is sent again, to this one
      return;
    }
    this.#phase = "open";
    this.#established = true;
    this.#deadlineAtMs = Number.POSITIVE_INFINITY;
    this.#owner.established(this);
    this.#turn.urge();
    this.#ids.provide();
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

  #sayGoodbye(farewell: Farewell): void {
    const isOfUse = farewell.send((packetsMax) => this.#wire.transmit(packetsMax, false));
    if (!isOfUse) this.#givenUp = farewell.closed;
  }

  #settle(): void {
    if (this.#phase === "open" && !this.#mayBeOver && this.#givenUp === undefined && !this.#wire.isQuiet) {
      this.#arm(); // a library that still sends is not over
      return;
    }
    this.#mayBeOver = false;
    const [isDraining, isClosed] = [this.native.isDraining(), this.native.isClosed()];
    if (this.#phase !== "draining") {
      // Draining is enough: waiting for closed would keep the peer's error back for up to 3 s.
      if (this.#farewell !== undefined) this.#finish(this.#farewell.closed);
      else if (this.#givenUp !== undefined) this.#finish(this.#givenUp);
      else if (isDraining || isClosed) this.#finish(closedByNative(this.native, this.#established));
    }
    const isOver = this.#role === "client" && this.#phase === "draining" && isDraining;
    if (isOver || this.#givenUp !== undefined || isClosed) this.#dispose();
    else this.#arm();
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
    this.#moves?.end();
    this.#owner.disposed(this);
  }

  #arm(): void {
    const nowMs = performance.now();
    const nativeMs = this.native.timeout();
    // The binding rounds down; a millisecond more saves a second wake-up.
    const delayMs = nativeMs === null ? Number.POSITIVE_INFINITY : nativeMs + 1;
    this.#timer.arm(Math.max(0, Math.min(delayMs, this.#ownDueAtMs - nowMs)), nowMs);
  }

  /** Only a client pings: pings of 10,000 clients every 10 s cost a server 6 % of a core, its own would cost more. */
  get #ownDueAtMs(): number {
    if (this.#phase !== "open") return this.#deadlineAtMs;
    const livenessDueAtMs = this.#liveness?.dueAtMs ?? Number.POSITIVE_INFINITY;
    return Math.min(livenessDueAtMs, this.#wire.dueAtMs, this.#turn.dueAtMs);
  }

  #onTimer(): void {
    if (performance.now() >= this.#deadlineAtMs - 1) {
      this.#givenUp = this.#farewell?.closed ?? connectFailed("no answer in time");
    } else {
      try {
        this.#turn.urge();
        this.#mayBeOver = true;
        this.native.onTimeout();
        if (this.#phase === "open") {
          this.#liveness?.look();
          this.#wire.look();
        }
      } catch (error) {
        this.#givenUp = failedInternally(error);
      }
    }
    this.service();
  }

  /** The library must not be asked for a packet, not even a farewell. */
  #partSilently(): void {
    this.#breakOff(withoutIds());
    this.mark();
  }

  #breakOff(closed: ConnectionClosed): void {
    if (this.#givenUp === undefined) this.#owner.brokenOff?.();
    this.#givenUp ??= closed;
  }

  /** The address of this side or the peer has changed: what was under way is found lost by an answer to something new. */
  #askPeer(): void {
    if (this.#role === "client") this.#ids.provideMore();
    try {
      this.native.sendAckEliciting();
    } catch (cause) {
      this.#breakOff(cannotSend(cause));
    }
    this.mark();
  }

  /** The library keeps every path for ever, and drops what comes from one more: better to part while there is one. */
  #leaveIfOftenMoved(): void {
    if (!this.#wire.isOftenMoved || this.#farewell !== undefined) return;
    this.close(closeCodes.shuttingDown, "the address has changed too often, dial again");
  }

  #leaveIfFlooded(): void {
    const excess = this.#overhead.look();
    const { overheadBytesMax, connectionWindowBytes } = this.#limits;
    if (excess <= overheadBytesMax || this.#farewell !== undefined) return;
    // What is not read yet, or came in the wrong order, may be as much as the window; with headers, and some of it twice.
    const unread = this.#streams.anyHeld ? connectionWindowBytes : this.#overhead.deliveredBytes;
    if (excess <= overheadBytesMax + 1.25 * Math.min(unread, connectionWindowBytes)) return;
    this.close(closeCodes.limitExceeded, "too much that carries nothing");
  }

  #cipherNow(): string | undefined {
    if (this.#cipher === undefined && this.#role === "client") this.#cipher = cipherOfSession(this.native.session());
    return this.#cipher;
  }
}
