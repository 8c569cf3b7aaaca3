/** Dials QUIC, then the WebSocket: told where over IPC, it answers which of them carried a word there and back. */
import { closeCodes } from "../../src/port.ts";
import { dialQuic } from "../../src/quic/index.ts";
import { dialFirst } from "../../src/race.ts";
import { dialWebSocket } from "../../src/websocket/index.ts";
import { roundTrip } from "../stream-io.ts";
import type { EchoPorts } from "./echo-server-process.ts";

export type RaceOrder = EchoPorts & {
  readonly host: string;
  readonly caCertificate: Uint8Array;
  /** Of the WebSocket behind QUIC, in ms. */
  readonly delayMs: number;
};
export type RaceReport = { readonly protocol: string; readonly tookMs: number };

process.on("message", async ({ host, quicPort, webSocketPort, caCertificate, delayMs }: RaceOrder) => {
  const to = { host, serverName: "localhost", trust: { caCertificate } };
  const begunAtMs = performance.now();
  const connection = await dialFirst([
    { name: "QUIC", dial: (signal) => dialQuic({ ...to, port: quicPort, alpn: ["test"], signal }) },
    { name: "WebSocket", dial: (signal) => dialWebSocket({ ...to, port: webSocketPort, signal }), delayMs },
  ]);
  const tookMs = performance.now() - begunAtMs;
  if ((await roundTrip(connection, "hello")) !== "hello") throw new Error("no echo");
  process.send?.({ protocol: connection.info.protocol, tookMs } satisfies RaceReport);
  connection.close(closeCodes.done, "done");
});
process.on("disconnect", () => process.exit());
