/**
 * A port that is free, for sockets that will share it: they cannot tell, for they would join another server's. Taken by
 * somebody else in the moment until they have it, it is refused there.
 */
import dgram from "node:dgram";
import { once } from "node:events";
import { lookup } from "node:dns/promises";
import { type AddressInfo, createServer, isIPv6 } from "node:net";
import { QpqError } from "quicproquo-proto";

type Place = {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
};

/** E047_PORT_IN_USE; E046_CONFIG for a host that is none of ours. */
export function claimUdpPort(place: Place): Promise<number> {
  return claim(place, async ({ address, port }) => {
    const socket = dgram.createSocket(isIPv6(address) ? "udp6" : "udp4");
    try {
      const listening = once(socket, "listening");
      socket.bind({ address, port, exclusive: true });
      await listening;
      return socket.address().port;
    } finally {
      socket.close();
    }
  });
}

/** As claimUdpPort. */
export function claimTcpPort(place: Place): Promise<number> {
  return claim(place, async ({ address, port }) => {
    const server = createServer();
    const listening = once(server, "listening");
    server.listen({ host: address, port, exclusive: true });
    await listening;
    const claimed = (server.address() as AddressInfo).port;
    server.close();
    return claimed;
  });
}

async function claim(
  { host, port }: Place,
  bind: (at: { address: string; port: number }) => Promise<number>,
): Promise<number> {
  try {
    const { address } = await lookup(host);
    return await bind({ address, port });
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
    if (code === "EADDRINUSE") throw new QpqError("E047_PORT_IN_USE", { fields: { port }, cause });
    throw new QpqError("E046_CONFIG", { text: "cannot listen on this address", fields: { cause: code }, cause });
  }
}
