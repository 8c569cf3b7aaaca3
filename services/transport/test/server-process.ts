/**
 * An echo server in a process of its own, for tests that kill it and for measure.ts. Options come by IPC, `{ port }`
 * goes back; every later message is answered with the process's use of CPU and memory.
 */
import { listenQuic } from "../src/quic/index.ts";
import { echo } from "./stream-io.ts";

export type ServerProcessOptions = {
  readonly port: number;
  readonly certificate: string;
  readonly privateKey: string;
  readonly resetKey: string;
};

// Nobody is left to stop it.
process.once("disconnect", () => process.exit());

export type ServerUse = { readonly cpuUs: number; readonly residentBytes: number };

process.once("message", async (options: ServerProcessOptions) => {
  const listener = await listenQuic({
    host: "127.0.0.1",
    port: options.port,
    certificate: Buffer.from(options.certificate, "base64"),
    privateKey: Buffer.from(options.privateKey, "base64"),
    resetKey: Buffer.from(options.resetKey, "base64"),
    alpn: ["test"],
    onConnection: echo,
    limits: { connectionsPerAddressMax: 20_000, halfOpenMax: 2_000 },
  });
  process.send?.({ port: listener.port });
  process.on("message", () => {
    const { user, system } = process.cpuUsage();
    process.send?.({ cpuUs: user + system, residentBytes: process.memoryUsage.rss() } satisfies ServerUse);
  });
});
