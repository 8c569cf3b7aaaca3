/** What Node tells of a TLS connection, in the port's words. */
import type { TLSSocket } from "node:tls";
import type { ConnectionInfo } from "../port.ts";

export function infoOf(tls: TLSSocket): ConnectionInfo {
  return {
    protocol: "websocket",
    quicVersion: undefined,
    tlsVersion: tls.getProtocol()?.replace("TLSv", "TLS "),
    cipher: tls.getCipher().standardName,
    alpn: tls.alpnProtocol || undefined,
    peerHost: tls.remoteAddress ?? "",
    peerPort: tls.remotePort ?? 0,
    resumed: tls.isSessionReused(),
  };
}
