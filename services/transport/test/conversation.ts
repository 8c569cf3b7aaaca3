/** Numbered messages there and back on one stream: nothing may be lost, doubled or out of order, on either side. */
import assert from "node:assert/strict";
import type { ByteStream, Connection } from "../src/port.ts";

const messageBytes = 200;
const outstandingMax = 32;

/** Takes whole messages out of what comes. */
function numbersOf(take: (number: number) => void): (chunk: Uint8Array) => void {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (; rest.length >= messageBytes; rest = rest.subarray(messageBytes)) take(rest.readUInt32BE());
  };
}

function messageOf(number: number): Buffer {
  const message = Buffer.alloc(messageBytes, number);
  message.writeUInt32BE(number);
  return message;
}

/** Answers each message with itself, and keeps the numbers in the order they came. */
export function answering(heard: number[]): (connection: Connection) => void {
  return (connection) => {
    connection.onStream = (stream) => {
      stream.onData = numbersOf((number) => {
        heard.push(number);
        stream.write(messageOf(number));
      });
      stream.onEnd = () => stream.end();
    };
  };
}

/** Sends the messages, some at a time, and rejects when one is answered that it is not the turn of. */
export function converse(
  connection: Connection,
  count: number,
  onAnswer: (number: number) => void = () => {},
): Promise<void> {
  const stream: ByteStream = connection.openStream();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let sent = 0;
  let answered = 0;
  const fill = (): void => {
    for (; sent < count && sent - answered < outstandingMax; sent++) stream.write(messageOf(sent));
  };
  stream.onData = numbersOf((number) => {
    if (number !== answered) reject(new Error(`message ${number} instead of ${answered}`));
    answered += 1;
    onAnswer(number);
    if (answered === count) stream.end();
    else fill();
  });
  stream.onEnd = resolve;
  stream.onClose = (error) => reject(error ?? new Error("closed without FIN"));
  fill();
  return promise;
}

export function assertAllOnce(heard: readonly number[], count: number): void {
  assert.deepEqual(
    heard,
    Array.from({ length: count }, (_, i) => i),
  );
}
