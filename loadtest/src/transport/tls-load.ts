/** Loads a TLS echo server through node:tls. */
import { once } from "node:events";
import { connect } from "node:tls";
import { alpn } from "./echo-server.ts";
import { serveLoad } from "./load.ts";

serveLoad(async ({ port, certificate }, onEchoed) => {
  const socket = connect({ host: "127.0.0.1", port, servername: "localhost", ca: certificate, ALPNProtocols: [alpn] });
  socket.setNoDelay(true);
  await once(socket, "secureConnect");
  socket.on("data", (chunk: Buffer) => onEchoed(chunk.length));
  return { send: (message) => void socket.write(message) };
});
