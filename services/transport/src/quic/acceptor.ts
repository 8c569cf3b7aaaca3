/**
 * The server's side of a socket: which connection a datagram belongs to, and what to do with one that has none.
 *
 * Everything here is reached by a single spoofed datagram from anywhere. So: nothing throws, nothing is kept for a
 * stranger before the caps are asked, no answer is longer than three times its cause, and the answers that cost CPU are
 * limited a second. A datagram that is not answered is counted under the reason.
 */
import type { Endpoint } from "./endpoint.ts";
import { connectionIdBytes, mintConnectionId, type Routing } from "./connection-id.ts";
import { type ConnectionOwner, QuicConnection } from "./connection.ts";
import { zeroCounts } from "./listener-stats.ts";
import {
  type HostPort,
  initialDatagramBytesMin,
  type NativeConfig,
  type NativeConnection,
  type NativeHeader,
  quiche,
} from "./native.ts";
import { peerGroupOf } from "./peer-group.ts";
import type { QuicLimits } from "./quic-limits.ts";
import { refusalOf } from "./refusal.ts";
import { isRetryToken, mintRetryToken, openRetryToken } from "./retry-token.ts";
import { resetTokenOf, statelessReset } from "./stateless-reset.ts";
import { PerSecond } from "./timers.ts";

export type AcceptorOptions = {
  readonly endpoint: Endpoint;
  readonly config: NativeConfig;
  readonly limits: QuicLimits;
  readonly retryKey: Uint8Array;
  readonly resetKey: Uint8Array;
  readonly routing: Routing | undefined;
  readonly onReady: (connection: QuicConnection) => void;
  readonly onFault: (error: unknown) => void;
};

/** RFC 8999 section 5.1: flags 1 | version 4 | id length 1 | id. */
const longHeaderBit = 0x80;
const idLengthAt = 5;
const longIdAt = 6;
const shortIdAt = 1;
/** RFC 9000 section 7.2: a client's first destination id has 8 bytes or more. */
const firstIdBytesMin = 8;
const idBytesMax = 20;
/** The least a packet can be, and the least a stateless reset may be: RFC 9000 section 10.3. */
const datagramBytesMin = 21;

type Arrival = { readonly datagram: Buffer; readonly from: HostPort; readonly header: NativeHeader };
type Held = { readonly ids: readonly string[]; readonly group: string };

export class Acceptor implements ConnectionOwner {
  readonly counts = zeroCounts();
  readonly #options: AcceptorOptions;
  readonly #local: HostPort;
  readonly #byId = new Map<string, QuicConnection>();
  readonly #held = new Map<QuicConnection, Held>();
  readonly #perGroup = new Map<string, number>();
  readonly #resets: PerSecond;
  readonly #refusals: PerSecond;
  #halfOpen = 0;
  #refusing = false;

  constructor(options: AcceptorOptions) {
    this.#options = options;
    this.#local = options.endpoint.local;
    this.#resets = new PerSecond(options.limits.statelessResetsPerSecondMax);
    this.#refusals = new PerSecond(options.limits.refusalsPerSecondMax);
  }

  get connections(): Iterable<QuicConnection> {
    return this.#held.keys();
  }

  get connectionCount(): number {
    return this.#held.size;
  }

  get halfOpenCount(): number {
    return this.#halfOpen;
  }

  refuseNew(): void {
    this.#refusing = true;
  }

  route(datagram: Buffer, from: HostPort): void {
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
    const connection = this.#byId.get(datagram.toString("latin1", idAt, idAt + idBytes));
    if (connection !== undefined) connection.receive(datagram, from);
    else if (isLong) this.#meet(datagram, from);
    else this.#reset(datagram, from);
  }

  ready(connection: QuicConnection): void {
    this.#options.onReady(connection);
  }

  established(): void {
    this.#halfOpen -= 1;
    this.counts.handshakes += 1;
  }

  closed(connection: QuicConnection): void {
    if (connection.established) return;
    this.#halfOpen -= 1;
    this.counts.handshakesFailed += 1;
  }

  disposed(connection: QuicConnection): void {
    const held = this.#held.get(connection);
    if (held === undefined) return;
    this.#held.delete(connection);
    for (const id of held.ids) this.#byId.delete(id);
    const left = (this.#perGroup.get(held.group) ?? 1) - 1;
    if (left === 0) this.#perGroup.delete(held.group);
    else this.#perGroup.set(held.group, left);
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
    let header: NativeHeader;
    try {
      header = quiche.Header.fromSlice(datagram, connectionIdBytes);
    } catch {
      this.counts.droppedMalformed += 1;
      return;
    }
    const arrival = { datagram, from, header };
    // Version 0 is a version negotiation itself: answering it could go on for ever.
    if (header.version === 0) this.counts.droppedUnknown += 1;
    else if (!quiche.versionIsSupported(header.version)) this.#negotiateVersion(arrival);
    else if (header.ty !== quiche.Type.Initial) this.counts.droppedUnknown += 1;
    else if (header.dcid.length < firstIdBytesMin) this.counts.droppedMalformed += 1;
    else this.#admit(arrival);
  }

  #admit(arrival: Arrival): void {
    const { limits, retryKey } = this.#options;
    const { header, from } = arrival;
    const group = peerGroupOf(from.host);
    const full = this.#held.size >= limits.connectionsMax;
    if (this.#refusing || full || (this.#perGroup.get(group) ?? 0) >= limits.connectionsPerAddressMax) {
      this.#refuse(arrival);
      return;
    }
    const token = header.token;
    if (token === undefined || !isRetryToken(token)) {
      if (this.#halfOpen >= limits.halfOpenMax) this.#retry(arrival);
      else this.#accept(arrival, { group, originalId: undefined });
      return;
    }
    // A token counts even when no Retry is needed any more: its client waits for an answer that confirms it.
    const claim = { peer: from, retryId: header.dcid, nowMs: Date.now(), lifeMs: limits.retryTokenMsMax };
    const originalId = openRetryToken(retryKey, token, claim);
    if (originalId === undefined) this.counts.droppedToken += 1;
    else this.#accept(arrival, { group, originalId });
  }

  #accept(arrival: Arrival, proof: { readonly group: string; readonly originalId: Buffer | undefined }): void {
    const { group, originalId } = proof;
    const { dcid } = arrival.header;
    // After a Retry the client already uses an id of ours.
    const id = originalId === undefined ? this.#mintId() : Buffer.from(dcid);
    const connection = this.#make(arrival, { id, originalId });
    if (connection === undefined) return;
    const ids = [id.toString("latin1"), Buffer.from(dcid).toString("latin1")];
    for (const known of ids) this.#byId.set(known, connection);
    this.#held.set(connection, { ids, group });
    this.#perGroup.set(group, (this.#perGroup.get(group) ?? 0) + 1);
    this.#halfOpen += 1;
    connection.receive(arrival.datagram, arrival.from);
    // Not one packet of it could be read: a forgery costs nothing beyond this call.
    if (connection.native.stats().recv === 0) {
      this.counts.droppedMalformed += 1;
      connection.abandon("the first datagram cannot be read");
    }
  }

  #make(
    arrival: Arrival,
    made: { readonly id: Buffer; readonly originalId: Buffer | undefined },
  ): QuicConnection | undefined {
    const { config, endpoint, limits, resetKey } = this.#options;
    try {
      config.setStatelessResetToken(resetTokenOf(resetKey, made.id));
      const native = quiche.Connection.accept(made.id, made.originalId, this.#local, arrival.from, config);
      return new QuicConnection({
        native,
        role: "server",
        endpoint,
        limits,
        local: this.#local,
        peer: arrival.from,
        owner: this,
      });
    } catch {
      // E.g. an address with a zone, which the binding cannot parse.
      this.counts.droppedMalformed += 1;
      return undefined;
    }
  }

  #mintId(): Buffer {
    return mintConnectionId(this.#options.routing);
  }

  #retry(arrival: Arrival): void {
    const { header, from } = arrival;
    const retryId = this.#mintId();
    const claim = { peer: from, retryId, nowMs: Date.now() };
    this.#answer(arrival, "retries", (out) => {
      const token = mintRetryToken(this.#options.retryKey, header.dcid, claim);
      return quiche.retry(header.scid, header.dcid, retryId, token, header.version, out);
    });
  }

  #negotiateVersion(arrival: Arrival): void {
    const { scid, dcid } = arrival.header;
    this.#answer(arrival, "versionNegotiations", (out) => quiche.negotiateVersion(scid, dcid, out));
  }

  #answer(arrival: Arrival, name: "retries" | "versionNegotiations", write: (out: Buffer) => number): void {
    // The binding writes beyond what it needs: less than a full datagram of room makes it fail.
    const out = Buffer.alloc(initialDatagramBytesMin);
    try {
      this.#options.endpoint.sendDatagram(out.subarray(0, write(out)), arrival.from);
      this.counts[name] += 1;
    } catch {
      this.counts.droppedMalformed += 1;
    }
  }

  /** Tells a client at once that it is not wanted, so that it need not wait for its deadline. Keeps nothing. */
  #refuse(arrival: Arrival): void {
    if (!this.#refusals.take(performance.now())) {
      this.counts.droppedLimit += 1;
      return;
    }
    const { dcid, scid } = arrival.header;
    const ids = { clientDestinationId: dcid, clientSourceId: scid, ownId: this.#mintId() };
    this.#options.endpoint.sendDatagram(refusalOf(ids), arrival.from);
    this.counts.refused += 1;
  }

  #reset(datagram: Buffer, from: HostPort): void {
    const id = datagram.subarray(shortIdAt, shortIdAt + connectionIdBytes);
    const answer = statelessReset(this.#options.resetKey, id, datagram.length);
    if (answer === undefined) {
      this.counts.droppedUnknown += 1;
    } else if (!this.#resets.take(performance.now())) {
      this.counts.droppedLimit += 1;
    } else {
      this.#options.endpoint.sendDatagram(answer, from);
      this.counts.statelessResets += 1;
    }
  }
}
