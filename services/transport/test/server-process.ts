/**
 * An echo server in a process of its own, for tests that kill or flood it and for measure.ts; server-child.ts starts it.
 * Options come by IPC, `{ port }` goes back; every later message is answered with what the process has used and seen.
 */
import { type QuicLimits, listenQuic } from "../src/quic/index.ts";
import { listenWebSocket } from "../src/websocket/index.ts";
import { echo } from "./stream-io.ts";

export type ServerProcessOptions = {
  readonly transport: "quic" | "websocket";
  readonly port: number;
  /** Base64, as the keys. */
  readonly certificate: string;
  readonly privateKey: string;
  readonly resetKey: string;
  readonly limits: Partial<QuicLimits>;
};

export type ServerUse = {
  readonly cpuUs: number;
  readonly residentBytes: number;
  /** Of the listener. */
  readonly stats: Readonly<Record<string, number>>;
  /** What a callback or the driver threw. An exception that nobody catches ends the process. */
  readonly faults: readonly string[];
};

// Nobody is left to stop it.
process.once("disconnect", () => process.exit());

process.once("message", async (options: ServerProcessOptions) => {
  const faults: string[] = [];
  const common = {
    host: "127.0.0.1",
    port: options.port,
    certificate: Buffer.from(options.certificate, "base64"),
    privateKey: Buffer.from(options.privateKey, "base64"),
    onConnection: echo,
    onFault: (error: unknown) => void faults.push(String(error)),
    limits: options.limits,
  };
  const resetKey = Buffer.from(options.resetKey, "base64");
  const listener = await (options.transport === "quic"
    ? listenQuic({ ...common, resetKey, alpn: ["test"] })
    : listenWebSocket(common));
  process.send?.({ port: listener.port });
  process.on("message", () => {
    const { user, system } = process.cpuUsage();
    const use: ServerUse = {
      cpuUs: user + system,
      residentBytes: process.memoryUsage.rss(),
      stats: listener.stats(),
      faults,
    };
    process.send?.(use);
  });
});
