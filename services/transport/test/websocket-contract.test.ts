import { dialWebSocket, listenWebSocket } from "../src/websocket/index.ts";
import { makeCertificate } from "./certificate.ts";
import { transportContract } from "./contract.ts";

const { certificate, privateKey } = await makeCertificate();

transportContract("WebSocket", { streams: "one", tellsWhy: true }, async ({ limits, onFault }) => ({
  listen: (onConnection) =>
    listenWebSocket({ host: "127.0.0.1", port: 0, certificate, privateKey, limits, onConnection, onFault }),
  dial: ({ host, port }) =>
    dialWebSocket({
      host,
      port,
      serverName: "localhost",
      trust: { caCertificate: certificate },
      limits,
      onFault,
    }),
}));
