/** Echoes over node:tls and TCP: what a server pays that leaves the transport to the kernel. TLS 1.3, no delay. */
import type { AddressInfo } from "node:net";
import { createServer } from "node:tls";
import { alpn, serveEcho } from "./echo-server.ts";

serveEcho(({ certificate, privateKey }, counts) => {
  const server = createServer(
    { cert: certificate, key: privateKey, minVersion: "TLSv1.3", ALPNProtocols: [alpn], noDelay: true },
    (socket) => {
      counts.handshakes += 1;
      socket.on("data", (chunk: Buffer) => {
        counts.echoedBytes += chunk.length;
        if (!socket.write(chunk)) socket.pause();
      });
      socket.on("drain", () => socket.resume());
      socket.on("error", () => socket.destroy());
    },
  );
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
});
