/** A listener, and a connection to it that packets can be forged for. */
import type { TestContext } from "node:test";
import type { ByteStream, Connection, ConnectionClosed } from "../src/port.ts";
import type { ListenOptions } from "../src/quic/index.ts";
import type { Forge } from "./forge.ts";
import { startListener } from "./quic-pair.ts";
import { RawClient } from "./raw-client.ts";
import { closed, echo } from "./stream-io.ts";

export type Told = { readonly stream: ByteStream; readonly events: string[] };

/** `streams` notes what the connection is told; others to the listener are echoed. */
export async function forging(test: TestContext, limits: ListenOptions["limits"] = {}) {
  const accepted = Promise.withResolvers<{ connection: Connection; over: Promise<ConnectionClosed> }>();
  const streams: Told[] = [];
  let accepts = 0;
  const listener = await startListener(test, {
    limits,
    onConnection: (connection) => {
      if (accepts++ > 0) return echo(connection);
      connection.onStream = (stream) => {
        const events: string[] = [];
        streams.push({ stream, events });
        stream.onData = (chunk) => void events.push(Buffer.from(chunk).toString());
        stream.onEnd = () => void events.push("end");
        stream.onClose = (error) => void events.push(`close ${error?.code ?? "well"}`);
      };
      accepted.resolve({ connection, over: closed(connection) });
    },
  });
  const client = await RawClient.open(test, listener);
  const native = client.connect();
  const forge = client.forgeable(native);
  await client.run(native, () => native.isEstablished());
  client.flush(native);
  const { connection, over } = await accepted.promise;
  const forged: Forge = forge();
  const send = (...parts: readonly Uint8Array[]): void => client.send(forged.packet(...parts));
  return { listener, connection, over, streams, send };
}
