/** Loads a QUIC echo server through our dialer, whoever made the server. */
import { dialQuic } from "quicproquo-transport/quic";
import { alpn } from "./echo-server.ts";
import { serveLoad } from "./load.ts";

serveLoad(async ({ port, certificate }, onEchoed) => {
  const connection = await dialQuic({
    host: "127.0.0.1",
    port,
    serverName: "localhost",
    alpn: [alpn],
    trust: { caCertificate: certificate },
    limits: { idleMs: 60_000 }, // the sides that are not measured wait
  });
  connection.onClose = ({ reason }) => {
    process.stderr.write(`a connection of the load was lost: ${reason}\n`);
    process.exit(1); // what is measured without it would mean something else
  };
  const stream = connection.openStream();
  stream.onData = (chunk) => onEchoed(chunk.length);
  return { send: (message) => void stream.write(message) };
});
