/** The doctor's look at UDP: does a datagram of this machine reach the server's port, and how much does the kernel keep. */
import dgram from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";
import { errorCodeOf } from "quicproquo-proto";
import type { ServerConfig } from "../../config.ts";
import type { ProbeOptions } from "../probe.ts";
import { probe } from "../probe.ts";
import { type Finding, failing, ok, warning } from "./finding.ts";

/** As large as a client's first datagram (RFC 9000, section 14.1). */
const datagramBytes = 1_200;
const tries = 5;
const tryMs = 400;

/** `running`: how to reach the server of these settings, if it is up; undefined where there is no certificate yet. */
export async function lookAtUdp(config: ServerConfig, running: ProbeOptions | undefined): Promise<Finding[]> {
  const { host, port } = config;
  let echo: dgram.Socket;
  try {
    echo = await bound(host, port);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "EADDRINUSE") return [await lookAtRunning(port, running)];
    const text = `cannot listen on ${host}, UDP port ${port}: ${code}`;
    return [failing("udp", "D01_SETTINGS", { text, next: "qpq-server --host ::" })];
  }
  try {
    echo.on("message", (datagram, from) => echo.send(datagram, from.port, from.address, () => undefined));
    const at = echo.address().port;
    const lost: string[] = [];
    const addresses = addressesOf(host);
    for (const address of addresses) if (!(await comesBack(address, at))) lost.push(address);
    if (lost.length === 0) {
      return [
        ok("udp", `datagrams come back from ${addresses.join(" and ")}, port ${at}; no server listens there yet`),
      ];
    }
    const text = `no datagram comes back from ${lost.join(" and ")}, UDP port ${at}: a firewall drops them`;
    return [
      failing("udp", "D07_UDP_BLOCKED", { text, next: `nft insert rule inet filter input udp dport ${at} accept` }),
    ];
  } finally {
    echo.close();
  }
}

/** The port is taken: by the server of these settings, one hopes. */
async function lookAtRunning(port: number, running: ProbeOptions | undefined): Promise<Finding> {
  const next = `ss -lunp 'sport = :${port}'`;
  if (running === undefined) {
    return failing("udp", "D06_PORT_TAKEN", { text: `UDP port ${port} is taken by another program`, next });
  }
  try {
    const { handshakeMs, callMs } = await probe(running);
    const total = Math.round(handshakeMs + callMs);
    return ok("udp", `the server on port ${port} answers over QUIC: handshake and health in ${total} ms`);
  } catch (error) {
    const text = `what has UDP port ${port} does not answer as this server: ${errorCodeOf(error)}`;
    return failing("udp", "D06_PORT_TAKEN", { text, next });
  }
}

/** Linux answers the double of what it gives (socket(7), SO_RCVBUF). */
const overhead = process.platform === "linux" ? 2 : 1;

export async function lookAtBuffers({ quic: { socketBufferBytes } }: ServerConfig): Promise<Finding[]> {
  const socket = await bound("127.0.0.1", 0);
  try {
    socket.setRecvBufferSize(socketBufferBytes);
    socket.setSendBufferSize(socketBufferBytes);
    const bytes = Math.floor(Math.min(socket.getRecvBufferSize(), socket.getSendBufferSize()) / overhead);
    if (bytes >= socketBufferBytes) return [ok("socket buffers", `${bytes} bytes, as asked`)];
    const text = `${bytes} bytes instead of ${socketBufferBytes}: datagrams of a burst are lost, and sent again`;
    const next = `sysctl -w net.core.rmem_max=${socketBufferBytes} net.core.wmem_max=${socketBufferBytes}`;
    return [warning("socket buffers", "D08_SOCKET_BUFFERS", { text, next })];
  } finally {
    socket.close();
  }
}

async function bound(address: string, port: number): Promise<dgram.Socket> {
  const socket = dgram.createSocket(isIPv6(address) ? "udp6" : "udp4");
  try {
    const listening = once(socket, "listening");
    socket.bind({ address, port, exclusive: true });
    await listening;
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

/** Where clients reach a server on `host`: of all addresses this machine's own, and one that the network sees. */
function addressesOf(host: string): string[] {
  if (host !== "::" && host !== "0.0.0.0") return [host];
  const seen = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ internal, family }) => !internal && family === "IPv4");
  return ["127.0.0.1", ...(seen === undefined ? [] : [seen.address])];
}

async function comesBack(address: string, port: number): Promise<boolean> {
  const socket = dgram.createSocket(isIPv6(address) ? "udp6" : "udp4");
  // the kernel's word that nobody listens, or that a firewall refuses, is an answer too: a lost one
  socket.on("error", () => undefined);
  try {
    for (let i = 0; i < tries; i++) {
      socket.send(Buffer.alloc(datagramBytes), port, address, () => undefined);
      const heard = await once(socket, "message", { signal: AbortSignal.timeout(tryMs) }).catch(() => undefined);
      if (heard !== undefined) return true;
    }
    return false;
  } finally {
    socket.close();
  }
}
