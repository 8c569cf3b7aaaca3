/** How the clients of a crowd reach a front-end: over QUIC alone, so that all are counted as the same. */
import type { ServerAddress } from "quicproquo-sdk";
import type { FrontEndAddress } from "../delivery/clients.ts";

export function quicAddressOf({ port, certificateBase64 }: FrontEndAddress): ServerAddress {
  return {
    host: "127.0.0.1",
    port,
    serverName: "localhost",
    trust: { caCertificate: Buffer.from(certificateBase64, "base64") },
    transport: "quic",
  };
}
