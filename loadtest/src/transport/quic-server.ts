/** Echoes over QUIC with our driver. Limits are its defaults but for the connections of one address. */
import { listenQuic } from "quicproquo-transport/quic";
import { alpn, serveEcho } from "./echo-server.ts";

serveEcho(async ({ certificate, privateKey }, counts) => {
  const listener = await listenQuic({
    host: "127.0.0.1",
    port: 0,
    certificate,
    privateKey,
    alpn: [alpn],
    limits: { connectionsPerAddressMax: 20_000 },
    onConnection: (connection) => {
      counts.handshakes += 1;
      connection.onStream = (stream) => {
        stream.onData = (chunk) => {
          counts.echoedBytes += chunk.length;
          if (!stream.write(chunk)) stream.pause();
        };
        stream.onDrain = () => stream.resume();
        stream.onEnd = () => stream.end();
      };
    },
  });
  return listener.port;
});
