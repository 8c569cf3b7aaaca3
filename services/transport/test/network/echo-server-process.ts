/** Echoes over QUIC and over the WebSocket: told its certificate over IPC, it answers its two ports. */
import { listenQuic } from "../../src/quic/index.ts";
import { listenWebSocket } from "../../src/websocket/index.ts";
import { echo } from "../stream-io.ts";

export type EchoOrder = { readonly certificate: Uint8Array; readonly privateKey: Uint8Array };
export type EchoPorts = { readonly quicPort: number; readonly webSocketPort: number };

process.on("message", async (order: EchoOrder) => {
  const options = { ...order, host: "0.0.0.0", port: 0, onConnection: echo };
  const { port: quicPort } = await listenQuic({ ...options, alpn: ["test"] });
  const { port: webSocketPort } = await listenWebSocket(options);
  process.send?.({ quicPort, webSocketPort } satisfies EchoPorts);
});
process.on("disconnect", () => process.exit());
