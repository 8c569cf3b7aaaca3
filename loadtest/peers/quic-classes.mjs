/**
 * Echoes over QUIC with the JavaScript classes of @matrixai/quic, as its documentation uses them. Only to be measured:
 * one spoofed datagram ends a server made of them. The one program outside services/transport/src/quic that knows the
 * library.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import Logger, { LogLevel } from "@matrixai/logger";
import { events, QUICServer } from "@matrixai/quic";
import { alpn, serveEcho } from "../src/transport/echo-server.ts";

const macOf = (key, data) => createHmac("sha256", Buffer.from(key)).update(Buffer.from(data)).digest();

serveEcho(async ({ certificate, privateKey }, counts) => {
  const server = new QUICServer({
    crypto: {
      key: new Uint8Array(randomBytes(32)).buffer,
      ops: {
        sign: async (key, data) => new Uint8Array(macOf(key, data)).buffer,
        verify: async (key, data, mac) => timingSafeEqual(macOf(key, data), Buffer.from(mac)),
      },
    },
    logger: new Logger("classes", LogLevel.WARN), // a line for each stream would be measured too
    config: { key: privateKey, cert: certificate, applicationProtos: [alpn], maxIdleTimeout: 60_000 },
  });
  server.addEventListener(events.EventQUICServerConnection.name, (event) => {
    counts.handshakes += 1;
    event.detail.addEventListener(events.EventQUICConnectionStream.name, ({ detail }) => void echo(detail, counts));
  });
  await server.start({ host: "127.0.0.1", port: 0 });
  return server.port;
});

async function echo(stream, counts) {
  const writer = stream.writable.getWriter();
  try {
    for await (const chunk of stream.readable) {
      counts.echoedBytes += chunk.length;
      await writer.write(chunk);
    }
    await writer.close();
  } catch {
    // The client ended the connection.
  }
}
