/** Connections to be resumed, and servers that tell what came before the handshake was over. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { TestContext } from "node:test";
import { type Connection, closeCodes } from "../src/port.ts";
import type { DialOptions, ListenOptions } from "../src/quic/index.ts";
import { dial, until } from "./quic-pair.ts";
import { roundTrip } from "./stream-io.ts";

export const earlyServer = (): Partial<ListenOptions> => ({ ticketKey: randomBytes(48), earlyData: true });

/** A session of a connection that was used and closed. */
export async function sessionOf(
  test: TestContext,
  to: { readonly port: number },
  options: Partial<DialOptions> = {},
): Promise<Uint8Array> {
  const sessions: Uint8Array[] = [];
  const client = await dial(test, to, { ...options, onSession: (session) => void sessions.push(session) });
  assert.equal(await roundTrip(client, "first"), "first");
  await until(() => sessions.length > 0);
  client.close(closeCodes.done, "to be resumed");
  return sessions.at(-1) as Uint8Array;
}

export type Chunk = { readonly text: string; readonly early: boolean };

/** An echo that notes each chunk and whether it may have been a replay. */
export function noting(chunks: Chunk[]): (connection: Connection) => void {
  return (connection) => {
    connection.onStream = (stream) => {
      stream.onData = (chunk) => {
        chunks.push({ text: Buffer.from(chunk).toString(), early: connection.inEarlyData });
        stream.write(chunk);
      };
      stream.onEnd = () => stream.end();
    };
  };
}

export function established(connection: Connection): Promise<void> {
  return new Promise((resolve) => {
    connection.onEstablished = resolve;
  });
}
