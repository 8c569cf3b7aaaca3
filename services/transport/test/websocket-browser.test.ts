/** The dial for browsers over Node's own WebSocket, which has the same interface; websocket-chromium.test.ts has a browser. */
import { setDefaultCACertificates } from "node:tls";
import { dialWebSocket } from "../src/websocket/browser.ts";
import { listenWebSocket } from "../src/websocket/index.ts";
import { makeCertificate } from "./certificate.ts";
import { transportContract } from "./contract.ts";

const { certificate, privateKey } = await makeCertificate();
const pem = `-----BEGIN CERTIFICATE-----\n${Buffer.from(certificate).toString("base64")}\n-----END CERTIFICATE-----\n`;
setDefaultCACertificates([pem]);

transportContract("a browser's WebSocket", { streams: "one", tellsWhy: false }, async ({ limits, onFault }) => ({
  listen: (onConnection) =>
    listenWebSocket({ host: "127.0.0.1", port: 0, certificate, privateKey, limits, onConnection, onFault }),
  dial: ({ port }) => dialWebSocket({ host: "localhost", port, limits, onFault }),
}));
