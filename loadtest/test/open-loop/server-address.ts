/** How a load reaches a server of a test. */
import type { ServerProcess } from "quicproquo-server/testing";
import type { ServerAddress } from "quicproquo-sdk";

export function addressOf({ port, certificate }: ServerProcess): ServerAddress {
  const trust = { caCertificate: certificate };
  return { host: "127.0.0.1", port, serverName: "localhost", trust, transport: "quic" };
}
