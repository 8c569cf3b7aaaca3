/**
 * The server's side of a socket: which connection a datagram belongs to, and what to do with one that has none.
 *
 * Everything here is reached by a single spoofed datagram from anywhere. So: nothing throws, nothing is kept for a
 * stranger before the caps are asked, no answer is longer than three times its cause, and the answers that cost CPU are
 * limited a second. A datagram that is not answered is counted under the reason.
 */
import { Admission } from "./admission.ts";
import { datagramBytesTo } from "./datagram-size.ts";
import type { Endpoint } from "./endpoint.ts";
import { ConnectionTable } from "./connection-table.ts";
import { connectionIdBytes, mintConnectionId, type Routing } from "./connection-id.ts";
import { refusedByTls } from "./close-reason.ts";
import { QuicConnection } from "./connection.ts";
import type { ConnectionOwner, NewId } from "./connection-owner.ts";
import {
  idBytesMax,
  idLengthAt,
  type InitialHeader,
  initialHeader,
  isInitial,
  longHeaderBit,
  longIdAt,
  shortIdAt,
  versionAt,
} from "./first-packet.ts";
import type { Link } from "./links.ts";
import { zeroCounts } from "./listener-stats.ts";
import { type HostPort, initialDatagramBytesMin, type NativeConfig, type NativeConnection, quiche } from "./native.ts";
import { NativeWeight } from "./native-weight.ts";
import type { QuicLimits } from "./quic-limits.ts";
import { refusalOf } from "./refusal.ts";
import { isRetryToken, mintRetryToken, openRetryToken } from "./retry-token.ts";
import { type OnStray, Strays } from "./strays.ts";
import { maySendReset, resetTokenOf, statelessReset } from "./stateless-reset.ts";
import { PerSecond } from "./timers.ts";

export type AcceptorOptions = {
  readonly endpoint: Endpoint;
  readonly config: NativeConfig;
  readonly limits: QuicLimits;
  readonly retryKey: Uint8Array;
  readonly resetKey: Uint8Array;
  readonly routing: Routing | undefined;
  readonly onStray: OnStray | undefined;
  readonly onReady: (connection: QuicConnection) => void;
  readonly onFault: (error: unknown) => void;
};

/** RFC 9000 section 7.2: a client's first destination id has 8 bytes or more. */
const firstIdBytesMin = 8;
/** The least a packet can be, and the least a stateless reset may be: RFC 9000 section 10.3. */
const datagramBytesMin = 21;

const quicVersion1 = 1;

type Arrival = { readonly datagram: Buffer; readonly from: HostPort; readonly header: InitialHeader };

export class Acceptor implements ConnectionOwner {
  readonly counts = zeroCounts();
  readonly connections = new ConnectionTable();
  readonly #options: AcceptorOptions;
  /** One for all connections. */
  readonly #link: Link;
  /** Of what a stranger can cause: above it is nothing done. */
  readonly #budgets: Readonly<
    Record<"forgedInitials" | "retries" | "versionNegotiations" | "refusals" | "resets", PerSecond>
  >;
  readonly #strays: Strays;
  readonly #weights = new NativeWeight();
  readonly #admission = new Admission();
  #config: NativeConfig;
  #halfOpen = 0;
  /** Those of them that came with a Retry's token: no stranger can fill this by addresses that are not its own. */
  readonly #provenHalfOpen = new Set<QuicConnection>();
  #refusing = false;

  constructor(options: AcceptorOptions) {
    this.#options = options;
    this.#config = options.config;
    this.#link = { endpoint: options.endpoint, local: options.endpoint.local };
    const { limits } = options;
    this.#budgets = {
      forgedInitials: new PerSecond(limits.forgedInitialsPerSecondMax),
      retries: new PerSecond(limits.retriesPerSecondMax),
      versionNegotiations: new PerSecond(limits.versionNegotiationsPerSecondMax),
      refusals: new PerSecond(limits.refusalsPerSecondMax),
      resets: new PerSecond(limits.statelessResetsPerSecondMax),
    };
    const { routing, onStray, onFault } = options;
    this.#strays = new Strays({ routing, onStray, onFault, perSecondMax: limits.straysPerSecondMax });
  }

  get halfOpenCount(): number {
    return this.#halfOpen;
  }

  refuseNew(): void {
    this.#refusing = true;
  }

  /** For connections that begin from now on; the library's others keep what they need of theirs. */
  setConfig(config: NativeConfig): void {
    this.#config = config;
  }

  /** handedOn: it comes from a sibling, which did not have its connection. */
  route(datagram: Buffer, from: HostPort, handedOn: boolean): void {
    if (datagram.length < datagramBytesMin) {
      this.counts.droppedShort += 1;
      return;
    }
    const isLong = ((datagram[0] ?? 0) & longHeaderBit) !== 0;
    const idAt = isLong ? longIdAt : shortIdAt;
    const idBytes = isLong ? (datagram[idLengthAt] ?? 0) : connectionIdBytes;
    if (idBytes > idBytesMax || datagram.length < idAt + idBytes) {
      this.counts.droppedMalformed += 1;
      return;
    }
    const connection = this.connections.find(datagram.toString("latin1", idAt, idAt + idBytes));
    if (connection !== undefined) connection.receive(datagram, from);
    else if (!handedOn && this.#handOn(datagram, from, datagram.subarray(idAt, idAt + idBytes))) return;
    else if (isLong) this.#meet(datagram, from);
    else this.#reset(datagram, from);
  }

  /** False = it is for this worker, or for none. */
  #handOn(datagram: Buffer, from: HostPort, id: Buffer): boolean {
    const fate = this.#strays.handOn(datagram, from, id);
    if (fate === "handedOn") this.counts.straysOut += 1;
    else if (fate === "dropped") this.counts.droppedLimit += 1;
    return fate !== "ours";
  }

  ready(connection: QuicConnection): void {
    this.#options.onReady(connection);
  }

  established(connection: QuicConnection): void {
    this.#halfOpen -= 1;
    this.#provenHalfOpen.delete(connection);
    this.counts.handshakes += 1;
    this.#admission.ended(performance.now());
  }

  newId(connection: QuicConnection): NewId {
    const id = this.#mintId();
    this.connections.addId(connection, id);
    return { id, resetToken: resetTokenOf(this.#options.resetKey, id) };
  }

  forgetId(connection: QuicConnection, id: Uint8Array): void {
    this.connections.removeId(connection, id);
  }

  brokenOff(): void {
    this.counts.brokenOff += 1;
  }

  closed(connection: QuicConnection): void {
    if (connection.established) return;
    this.#halfOpen -= 1;
    this.#provenHalfOpen.delete(connection);
    this.counts.handshakesFailed += 1;
  }

  disposed(connection: QuicConnection): void {
    this.connections.remove(connection);
  }

  fault(error: unknown): void {
    this.#options.onFault(error);
  }

  /** A long header without a connection: perhaps a client's first datagram. */
  #meet(datagram: Buffer, from: HostPort): void {
    if (datagram.length < initialDatagramBytesMin) {
      this.counts.droppedShort += 1;
      return;
    }
    const version = datagram.readUInt32BE(versionAt);
    // Version 0 is a version negotiation itself: answering it could go on for ever.
    if (version === 0) this.counts.droppedUnknown += 1;
    else if (version !== quicVersion1) this.#negotiateVersion(datagram, from);
    else this.#meetSupported(datagram, from);
  }

  #meetSupported(datagram: Buffer, from: HostPort): void {
    if (!isInitial(datagram)) {
      this.counts.droppedUnknown += 1;
      return;
    }
    const header = initialHeader(datagram);
    if (header === undefined || header.destinationId.length < firstIdBytesMin) this.counts.droppedMalformed += 1;
    else this.#admit({ datagram, from, header });
  }

  #admit(arrival: Arrival): void {
    const { limits, retryKey } = this.#options;
    const { header, from } = arrival;
    const isFull = this.connections.size >= limits.connectionsMax;
    const hasEnough = this.connections.countOfPeer(from.host) >= limits.connectionsPerAddressMax;
    if (this.#refusing || isFull || hasEnough) {
      this.#refuse(arrival);
      return;
    }
    const { token, destinationId } = header;
    if (!isRetryToken(token)) {
      const nowMs = performance.now();
      const mustProve = this.#halfOpen >= limits.halfOpenMax || this.#budgets.forgedInitials.isSpent(nowMs);
      // To a client a Retry says too that it is worth waiting.
      if (mustProve || !this.#admission.admits(this.#halfOpen, nowMs)) this.#retry(arrival);
      else this.#accept(arrival, undefined);
      return;
    }
    if (!this.#admission.admits(this.#provenHalfOpen.size, performance.now())) {
      this.counts.droppedBusy += 1;
      return;
    }
    // A token counts even when no Retry is needed any more: its client waits for an answer that confirms it.
    const claim = { peer: from, retryId: destinationId, nowMs: Date.now(), lifeMs: limits.retryTokenMsMax };
    const originalId = openRetryToken(retryKey, token, claim);
    if (originalId === undefined) this.counts.droppedToken += 1;
    else this.#accept(arrival, originalId);
  }

  /** originalId: from a Retry token, for a client that has proved its address. */
  #accept(arrival: Arrival, originalId: Buffer | undefined): void {
    const { destinationId } = arrival.header;
    // After a Retry the client already uses an id of ours.
    const id = originalId === undefined ? this.#mintId() : destinationId;
    const native = this.#begin(arrival, { id, originalId });
    if (native === undefined) {
      this.#budgets.forgedInitials.take(performance.now());
      this.counts.droppedMalformed += 1;
      return;
    }
    const connection = new QuicConnection({
      native,
      weight: this.#weights.ofOne(),
      role: "server",
      link: this.#link,
      limits: this.#options.limits,
      peer: arrival.from,
      owner: this,
      earlyData: true, // as far as the Config takes any
      bytesIn: arrival.datagram.length,
    });
    // The client uses its own first id until it has seen ours.
    this.connections.add(connection, { ids: [id, destinationId], host: arrival.from.host });
    this.#halfOpen += 1;
    if (originalId !== undefined) this.#provenHalfOpen.add(connection);
    connection.mark();
  }

  /** The library's state after the first datagram; undefined when there is nothing worth keeping. */
  #begin(
    arrival: Arrival,
    begun: { readonly id: Buffer; readonly originalId: Buffer | undefined },
  ): NativeConnection | undefined {
    let native: NativeConnection;
    try {
      this.#config.setStatelessResetToken(resetTokenOf(this.#options.resetKey, begun.id));
      this.#config.setMaxSendUdpPayloadSize(datagramBytesTo(arrival.from, this.#options.limits));
      native = quiche.Connection.accept(begun.id, begun.originalId, this.#link.local, arrival.from, this.#config);
    } catch {
      return undefined; // e.g. an address with a zone, which the binding cannot parse
    }
    try {
      native.recv(arrival.datagram, { from: arrival.from, to: this.#link.local });
    } catch {
      // A client that TLS refuses (e.g. for its ALPN) is told why by the connection; other bytes end here.
      return refusedByTls(native) ? native : undefined;
    }
    return native.stats().recv > 0 ? native : undefined;
  }

  #mintId(): Buffer {
    return mintConnectionId(this.#options.routing);
  }

  #retry(arrival: Arrival): void {
    const { from } = arrival;
    const { destinationId, sourceId } = arrival.header;
    this.#answer("retries", from, (out) => {
      const retryId = this.#mintId();
      const claim = { peer: from, retryId, nowMs: Date.now() };
      const token = mintRetryToken(this.#options.retryKey, destinationId, claim);
      return quiche.retry(sourceId, destinationId, retryId, token, quicVersion1, out);
    });
  }

  /** Of an unknown version only what RFC 8999 promises can be read: the two ids. */
  #negotiateVersion(datagram: Buffer, from: HostPort): void {
    const sourceAt = longIdAt + (datagram[idLengthAt] ?? 0) + 1;
    const sourceBytes = datagram[sourceAt - 1] ?? 0;
    const destinationId = datagram.subarray(longIdAt, sourceAt - 1);
    const sourceId = datagram.subarray(sourceAt, sourceAt + sourceBytes);
    this.#answer("versionNegotiations", from, (out) => quiche.negotiateVersion(sourceId, destinationId, out));
  }

  #answer(name: "retries" | "versionNegotiations", to: HostPort, write: (out: Buffer) => number): void {
    if (!this.#budgets[name].take(performance.now())) {
      this.counts.droppedLimit += 1;
      return;
    }
    // The binding writes beyond what it needs: less than a full datagram of room makes it fail.
    const out = Buffer.alloc(initialDatagramBytesMin);
    try {
      this.#options.endpoint.sendDatagram(out.subarray(0, write(out)), to);
      this.counts[name] += 1;
    } catch {
      this.counts.droppedMalformed += 1;
    }
  }

  /** Tells a client at once that it is not wanted, so that it need not wait for its deadline. Keeps nothing. */
  #refuse(arrival: Arrival): void {
    if (!this.#budgets.refusals.take(performance.now())) {
      this.counts.droppedLimit += 1;
      return;
    }
    const { destinationId, sourceId } = arrival.header;
    const ids = { clientDestinationId: destinationId, clientSourceId: sourceId, ownId: this.#mintId() };
    this.#options.endpoint.sendDatagram(refusalOf(ids), arrival.from);
    this.counts.refused += 1;
  }

  #reset(datagram: Buffer, from: HostPort): void {
    if (!maySendReset(datagram.length)) {
      this.counts.droppedUnknown += 1;
    } else if (!this.#budgets.resets.take(performance.now())) {
      this.counts.droppedLimit += 1;
    } else {
      const id = datagram.subarray(shortIdAt, shortIdAt + connectionIdBytes);
      this.#options.endpoint.sendDatagram(statelessReset(this.#options.resetKey, id, datagram.length), from);
      this.counts.statelessResets += 1;
    }
  }
}
