import { dialQuic, listenQuic } from "../src/quic/index.ts";
import { makeCertificate } from "./certificate.ts";
import { transportContract } from "./contract.ts";

const { certificate, privateKey } = await makeCertificate();

transportContract("QUIC", { streams: "many", tellsWhy: true }, async ({ limits, onFault }) => ({
  listen: (onConnection) =>
    listenQuic({
      host: "127.0.0.1",
      port: 0,
      certificate,
      privateKey,
      alpn: ["test"],
      limits,
      onConnection,
      onFault,
    }),
  dial: ({ host, port }) =>
    dialQuic({
      host,
      port,
      serverName: "localhost",
      alpn: ["test"],
      trust: { caCertificate: certificate },
      limits,
      onFault,
    }),
}));
