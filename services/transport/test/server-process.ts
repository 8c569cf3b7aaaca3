/** An echo server in a process of its own, for tests that kill it: options come by IPC, `{ port }` goes back. */
import { listenQuic } from "../src/quic/index.ts";
import { echo } from "./stream-io.ts";

export type ServerProcessOptions = {
  readonly port: number;
  readonly certificate: string;
  readonly privateKey: string;
  readonly resetKey: string;
};

process.once("message", async (options: ServerProcessOptions) => {
  const listener = await listenQuic({
    host: "127.0.0.1",
    port: options.port,
    certificatePem: Buffer.from(options.certificate, "base64"),
    privateKeyPem: Buffer.from(options.privateKey, "base64"),
    resetKey: Buffer.from(options.resetKey, "base64"),
    alpn: ["test"],
    onConnection: echo,
  });
  process.send?.({ port: listener.port });
});
