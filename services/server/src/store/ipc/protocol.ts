/**
 * What a front-end and the process that owns the store say to each other: a frame is a row of words, each a byte that
 * names it and what belongs to it. Words take effect in their order, so a subscription stands before a read behind it.
 */
import type { ByteReader, ByteWriter } from "../../ipc/bytes.ts";
import { type CallName, callNames } from "../packing/index.ts";

/** Raised with every change of the words or of a packed call: an old process may meet files that were replaced. */
export const protocolNumber = 4;

/** To the store. subscribe, unsubscribe, publish: inbox. call: id u32, name u8, request. claim: inbox, word. */
export const toStore = { subscribe: 1, unsubscribe: 2, publish: 3, call: 4, claim: 5 } as const;

/**
 * To a front-end. hello: protocolNumber u32, the first word of all. hint: inbox. answer: id u32, answer. failure: id u32,
 * reason of a QpqError. claim: inbox, word.
 */
export const toFrontEnd = { hello: 1, hint: 2, answer: 3, failure: 4, claim: 5 } as const;

export const readLimits = {
  /** Reads a front-end has sent and no answer to; one that sends more is cut off. The others wait in the front-end. */
  sentMax: 128,
  /** Of these the owner has begun, while the front-end takes its answers: of 7 MiB each they are within unsentBytesMax. */
  begunMax: 32,
} as const;

export function callNameOf(byte: number): CallName {
  const name = callNames[byte];
  if (name === undefined) throw new RangeError("no such call");
  return name;
}

export function writeText(writer: ByteWriter, text: string): void {
  writer.blob(Buffer.from(text));
}

export function readText(reader: ByteReader): string {
  return Buffer.from(reader.blob()).toString();
}
