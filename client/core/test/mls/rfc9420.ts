/** Reading the RFC 9420 vectors of vectors/mls: how many cases a file has is asserted at each use. */
import assert from "node:assert/strict";
import { bytesOf, readVectors } from "../vectors.ts";
import type { CiphersuiteImpl, Decoder } from "ts-mls";
import { suites } from "./suites.ts";

export type Hex = string;

export function read<T>(name: string, cases: number): readonly T[] {
  const vectors = readVectors<readonly T[]>(`mls/${name}.json.gz`);
  assert.equal(vectors.length, cases, `${name} has ${vectors.length} cases`);
  return vectors;
}

export function whole<T>(decoder: Decoder<T>, hex: Hex): T {
  const bytes = bytesOf(hex);
  const decoded = decoder(bytes, 0);
  assert.ok(decoded !== undefined && decoded[1] === bytes.length);
  return decoded[0];
}

/** On both of our crypto providers. */
export async function eachSuite(run: (suite: CiphersuiteImpl) => Promise<void>): Promise<void> {
  for (const [, suite] of suites) await run(suite);
}
