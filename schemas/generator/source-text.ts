/** Pieces of TypeScript source. */
import type { Value } from "./schema-model.ts";

export function docComment(doc: string, indent = ""): string[] {
  if (doc === "") return [];
  const lines = doc.replaceAll("*/", "*\\/").split("\n");
  if (lines.length === 1) return [`${indent}/** ${lines[0]} */`];
  return [`${indent}/**`, ...lines.map((line) => `${indent} * ${line}`.trimEnd()), `${indent} */`];
}

export function bytesLiteral(bytes: Uint8Array): string {
  return `Uint8Array.of(${[...bytes].join(", ")})`;
}

/** Numbers, bigints, booleans and texts. */
export function literal(value: Value): string {
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "string") return JSON.stringify(value);
  if (Object.is(value, -0)) return "-0";
  return String(value);
}

export function hexId(id: bigint): string {
  return `0x${id.toString(16).padStart(16, "0")}n`;
}
