/**
 * A client made of the bare native binding and a bare UDP socket, for what the dialer never does: several connections
 * on one port, datagrams changed or held back, data in the same datagram as the handshake's end.
 */
import dgram from "node:dgram";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { clientConfig } from "../src/quic/config.ts";
import { type HostPort, type NativeConnection, quiche } from "../src/quic/native.ts";
import { resolveQuicLimits } from "../src/quic/quic-limits.ts";
import { Forge } from "./forge.ts";
import { trusted } from "./quic-pair.ts";

const config = clientConfig({
  trust: { caCertificate: trusted.certificate },
  alpn: ["test"],
  limits: resolveQuicLimits(),
  earlyData: true,
});
config.logKeys();

export class RawClient {
  readonly local: HostPort;
  readonly #socket: dgram.Socket;
  readonly #server: HostPort;
  readonly #test: TestContext;
  readonly #received: Buffer[] = [];
  #wake: (() => void) | undefined;

  private constructor(test: TestContext, socket: dgram.Socket, server: HostPort) {
    this.#test = test;
    this.#socket = socket;
    this.#server = server;
    const { address, port } = socket.address();
    this.local = { host: address, port };
    socket.on("message", (datagram) => {
      this.#received.push(datagram);
      this.#wake?.();
    });
  }

  static async open(test: TestContext, server: { readonly port: number }): Promise<RawClient> {
    const socket = dgram.createSocket("udp4");
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    test.after(() => socket.close());
    return new RawClient(test, socket, { host: "127.0.0.1", port: server.port });
  }

  connect(session?: Uint8Array): NativeConnection {
    const native = quiche.Connection.connect("localhost", randomBytes(20), this.local, this.#server, config);
    if (session !== undefined) native.setSession(session);
    return native;
  }

  /** For a connection that has not sent anything yet: forges packets for it once its handshake is over. */
  forgeable(native: NativeConnection): () => Forge {
    const folder = mkdtempSync(join(tmpdir(), "qpq-forge-"));
    const keyLog = join(folder, "keys");
    native.setKeylog(keyLog);
    this.#test.after(() => rmSync(folder, { recursive: true }));
    return () => new Forge(keyLog, native.destinationId());
  }

  /** The first datagram of a new connection. */
  initial(): Buffer {
    const [datagram] = this.packetsOf(this.connect());
    if (datagram === undefined) throw new Error("no Initial");
    return datagram;
  }

  packetsOf(native: NativeConnection): Buffer[] {
    const datagrams: Buffer[] = [];
    for (;;) {
      const buffer = Buffer.alloc(1_500);
      const sent = native.send(buffer);
      if (sent === null) return datagrams;
      datagrams.push(buffer.subarray(0, sent[0]));
    }
  }

  send(datagram: Uint8Array): void {
    this.#socket.send(datagram, this.#server.port, this.#server.host);
  }

  flush(native: NativeConnection): void {
    for (const datagram of this.packetsOf(native)) this.send(datagram);
  }

  /** The next datagram from the server. */
  async next(): Promise<Buffer> {
    for (;;) {
      const datagram = this.#received.shift();
      if (datagram !== undefined) return datagram;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** How many datagrams have come and were not taken. */
  get waiting(): number {
    return this.#received.length;
  }

  deliver(native: NativeConnection, datagram: Buffer): void {
    native.recv(datagram, { from: this.#server, to: this.local });
  }

  /** Exchanges datagrams until it holds. */
  async run(native: NativeConnection, holds: () => boolean): Promise<void> {
    this.flush(native);
    while (!holds()) {
      this.deliver(native, await this.next());
      if (holds()) return;
      this.flush(native);
    }
  }
}
