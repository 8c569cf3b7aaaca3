/**
 * Ports of 127.0.0.1 that nobody has right now, for programs that cannot choose one themselves, or that will be started
 * again on theirs. They are below those that the kernel gives to connections, any of which could take one of its own in
 * the moment until the program has it, or has it again.
 */
import { randomInt } from "node:crypto";
import dgram from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";

const lowest = 10_000;
const host = "127.0.0.1";
const triesMax = 100;

/** Free for TCP and UDP. */
export async function freePort(): Promise<number> {
  const end = Number.parseInt(readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "latin1"));
  for (let tries = 0; tries < triesMax; tries++) {
    const port = randomInt(lowest, end);
    if ((await isFreeForTcp(port)) && (await isFreeForUdp(port))) return port;
  }
  throw new Error(`none of ${triesMax} ports from ${lowest} to ${end} is free`);
}

async function isFreeForTcp(port: number): Promise<boolean> {
  const server = createServer();
  const listening = once(server, "listening");
  server.listen({ host, port, exclusive: true });
  const isFree = await held(listening);
  if (isFree) await server[Symbol.asyncDispose]();
  return isFree;
}

async function isFreeForUdp(port: number): Promise<boolean> {
  const socket = dgram.createSocket("udp4");
  const listening = once(socket, "listening");
  socket.bind({ address: host, port, exclusive: true });
  const isFree = await held(listening);
  await socket[Symbol.asyncDispose]();
  return isFree;
}

async function held(listening: Promise<unknown>): Promise<boolean> {
  try {
    await listening;
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") return false;
    throw error;
  }
}
