/**
 * Measures a transport on this machine, server in a process of its own:
 * `node services/transport/test/measure.ts quic`, or `websocket`.
 * Not a test: numbers depend on the machine, so nothing is asserted. The comments in src/ quote it.
 */
import { randomBytes } from "node:crypto";
import { closeCodes, type Connection } from "../src/port.ts";
import { dialQuic } from "../src/quic/index.ts";
import { dialWebSocket } from "../src/websocket/index.ts";
import { makeCertificate } from "./certificate.ts";
import { ServerChild } from "./server-child.ts";
import { closed, readAll, writeAll } from "./stream-io.ts";

const transport = process.argv[2] === "websocket" ? "websocket" : "quic";
const trusted = await makeCertificate();
const server = await ServerChild.start(trusted, { connectionsPerAddressMax: 20_000, halfOpenMax: 2_000 }, transport);

await measureHandshakes(1_000);
for (const connections of [1, 100]) await measureRoundTrips(connections, 3_000);
await measureIdle(1_000);
await measureBulk(64 * 1024 * 1024);
await server.kill();

function dial(): Promise<Connection> {
  const to = {
    host: "127.0.0.1",
    port: server.port,
    serverName: "localhost",
    trust: { caCertificate: trusted.certificate },
  };
  return transport === "quic" ? dialQuic({ ...to, alpn: ["test"] }) : dialWebSocket(to);
}

async function closeAll(connections: readonly Connection[]): Promise<void> {
  const all = connections.map(closed);
  for (const connection of connections) connection.close(closeCodes.done, "measured");
  await Promise.all(all);
}

async function measureHandshakes(count: number): Promise<void> {
  const before = await server.use();
  const begun = performance.now();
  let left = count;
  const lane = async (): Promise<void> => {
    while (left-- > 0) await closeAll([await dial()]);
  };
  await Promise.all(Array.from({ length: 16 }, lane));
  const seconds = (performance.now() - begun) / 1_000;
  const cpuMs = ((await server.use()).cpuUs - before.cpuUs) / 1_000 / count;
  report(`${Math.round(count / seconds)} handshakes/s, ${cpuMs.toFixed(2)} ms of server CPU each`);
}

/** 200 B there and back, one at a time on each connection. */
async function measureRoundTrips(connections: number, forMs: number): Promise<void> {
  const clients = await Promise.all(Array.from({ length: connections }, dial));
  const message = randomBytes(200);
  const tookMs: number[] = [];
  const before = await server.use();
  const end = performance.now() + forMs;
  await Promise.all(clients.map((client) => pingPong(client, { message, end, tookMs })));
  const cpuUs = ((await server.use()).cpuUs - before.cpuUs) / tookMs.length;
  tookMs.sort((a, b) => a - b);
  const at = (share: number): string => (tookMs[Math.floor(share * tookMs.length)] ?? 0).toFixed(2);
  const perSecond = Math.round((tookMs.length / forMs) * 1_000);
  const cost = `${cpuUs.toFixed(1)} us of server CPU each, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`;
  report(`${connections} connections: ${perSecond} round trips/s, ${cost}`);
  await closeAll(clients);
}

function pingPong(
  client: Connection,
  run: { readonly message: Uint8Array; readonly end: number; readonly tookMs: number[] },
): Promise<void> {
  return new Promise((resolve) => {
    const stream = client.openStream();
    let begun = performance.now();
    let received = 0;
    stream.onData = (chunk) => {
      received += chunk.length;
      if (received < run.message.length) return;
      received = 0;
      const now = performance.now();
      run.tookMs.push(now - begun);
      begun = now;
      if (now < run.end) stream.write(run.message);
      else resolve();
    };
    stream.write(run.message);
  });
}

async function measureIdle(count: number): Promise<void> {
  const before = await server.use();
  const ownBefore = process.memoryUsage.rss();
  const clients: Connection[] = [];
  for (let i = 0; i < count; i += 50) clients.push(...(await Promise.all(Array.from({ length: 50 }, dial))));
  const serverKb = ((await server.use()).residentBytes - before.residentBytes) / 1_024 / count;
  const clientKb = (process.memoryUsage.rss() - ownBefore) / 1_024 / count;
  report(
    `${count} idle connections: ${serverKb.toFixed(0)} KB each on the server, ${clientKb.toFixed(0)} on the client`,
  );
  await closeAll(clients);
}

async function measureBulk(bytes: number): Promise<void> {
  const client = await dial();
  const stream = client.openStream();
  const answer = readAll(stream);
  const begun = performance.now();
  await writeAll(stream, Buffer.alloc(bytes));
  await answer;
  const seconds = (performance.now() - begun) / 1_000;
  report(`bulk echo on one stream: ${(bytes / seconds / 1e6).toFixed(0)} MB/s each way`);
  await closeAll([client]);
}

function report(line: string): void {
  process.stdout.write(`${line}\n`);
}
