/** The two relays between loopback TCP, which C++ programs speak, and QUIC: one in front of a QUIC server, one behind. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { type ByteStream, closeCodes, type Connection, type Listener } from "quicproquo-transport";
import { dialQuic, listenQuic } from "quicproquo-transport/quic";
import type { CertificatePair } from "../../src/self-signed.ts";
import { TcpJoint } from "./tcp-joint.ts";

const host = "127.0.0.1";
const alpn = ["capnp"];

/** In front of a QUIC server: each TCP connection becomes a stream of its own, all on one QUIC connection. */
export class TcpToQuic implements AsyncDisposable {
  /** Of the TCP connections, in the order they came. */
  readonly joints: TcpJoint[] = [];
  readonly #listener: Server;
  readonly #connection: Connection;

  private constructor(listener: Server, connection: Connection) {
    this.#listener = listener;
    this.#connection = connection;
    listener.on("connection", (socket) => this.joints.push(new TcpJoint(socket, connection.openStream())));
  }

  static async start(server: { readonly port: number; readonly certificate: Uint8Array }): Promise<TcpToQuic> {
    const connection = await dial(server);
    const listener = createServer({ allowHalfOpen: true });
    listener.listen(0, host);
    await once(listener, "listening");
    return new TcpToQuic(listener, connection);
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.close(closeCodes.done, "test is done");
    const closed = once(this.#listener, "close");
    this.#listener.close();
    await closed;
  }
}

/** In front of a TCP server: a QUIC client's streams, each of which becomes a TCP connection. */
export async function connectThroughQuic(
  port: number,
  certificate: CertificatePair,
): Promise<AsyncDisposable & { readonly stream: ByteStream }> {
  const listener = await serveQuic(certificate, (stream) => {
    new TcpJoint(connect({ port, host, allowHalfOpen: true }), stream);
  });
  const connection = await dial({ port: listener.port, certificate: certificate.certificateDer });
  return {
    stream: connection.openStream(),
    async [Symbol.asyncDispose]() {
      connection.close(closeCodes.done, "test is done");
      await listener.close(closeCodes.done, "test is done");
    },
  };
}

export function serveQuic(certificate: CertificatePair, onStream: (stream: ByteStream) => void): Promise<Listener> {
  return listenQuic({
    host,
    port: 0,
    certificate: certificate.certificateDer,
    privateKey: certificate.privateKeyDer,
    alpn,
    onConnection: (connection) => {
      connection.onStream = onStream;
    },
  });
}

function dial(server: { readonly port: number; readonly certificate: Uint8Array }): Promise<Connection> {
  const trust = { caCertificate: server.certificate };
  return dialQuic({ host, port: server.port, serverName: "localhost", alpn, trust });
}
