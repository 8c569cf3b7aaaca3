/** Promises over the port's callbacks, for tests. */
import type { ByteStream, Connection, ConnectionClosed } from "../src/port.ts";

/** Everything until FIN; rejects when the stream ends otherwise. */
export function readAll(stream: ByteStream): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    stream.onData = (chunk) => void chunks.push(chunk);
    stream.onEnd = () => resolve(Buffer.concat(chunks));
    stream.onClose = (error) => reject(error ?? new Error("closed without FIN"));
  });
}

/** How the stream ended. */
export function streamClosed(stream: ByteStream): Promise<unknown> {
  return new Promise((resolve) => {
    stream.onClose = resolve;
  });
}

export function closed(connection: Connection): Promise<ConnectionClosed> {
  return new Promise((resolve) => {
    connection.onClose = resolve;
  });
}

/** The next stream the peer opens. */
export function nextStream(connection: Connection): Promise<ByteStream> {
  return new Promise((resolve) => {
    connection.onStream = resolve;
  });
}

/** One message there and back on a stream of its own. */
export async function roundTrip(connection: Connection, text: string): Promise<string> {
  const stream = connection.openStream();
  const answer = readAll(stream);
  stream.write(Buffer.from(text));
  stream.end();
  return (await answer).toString();
}

/** So many bytes there and back on a stream that stays open; done when they are here and the writer may go on. */
export async function pingPong(stream: ByteStream, bytes: number): Promise<void> {
  let received = 0;
  const answered = new Promise<void>((resolve) => {
    stream.onData = (chunk) => {
      received += chunk.length;
      if (received === bytes) resolve();
    };
  });
  if (!stream.write(new Uint8Array(bytes))) {
    await new Promise<void>((resolve) => {
      stream.onDrain = resolve;
    });
  }
  await answered;
}

/** Answers every stream with what it sends, never faster than the peer reads. */
export function echo(connection: Connection): void {
  connection.onStream = (stream) => {
    stream.onData = (chunk) => {
      if (!stream.write(chunk)) stream.pause();
    };
    stream.onDrain = () => stream.resume();
    stream.onEnd = () => stream.end();
  };
}

/** Writes all of it as fast as the peer reads; answers how often write said stop. */
export async function writeAll(stream: ByteStream, bytes: Uint8Array): Promise<number> {
  const chunkBytes = 64 * 1024;
  let stops = 0;
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    if (stream.write(bytes.subarray(at, at + chunkBytes))) continue;
    stops += 1;
    await new Promise<void>((resolve) => {
      stream.onDrain = resolve;
    });
  }
  stream.end();
  return stops;
}
