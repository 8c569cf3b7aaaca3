/** The C++ reference implementation as an oracle: the `capnp` tool reads and writes messages of a schema. */
import { spawnSync } from "node:child_process";

/** Throws with what the tool prints; also when it is not installed. */
export function capnp(args: readonly string[], input: Uint8Array | string): Uint8Array {
  const { status, stdout, stderr, error } = spawnSync("capnp", args, { input, maxBuffer: 16 << 20 });
  if (error !== undefined) throw new Error("the capnp tool is needed: apt-get install capnproto", { cause: error });
  if (status !== 0) throw new Error(`capnp ${args.join(" ")}:\n${stderr.toString()}`);
  return new Uint8Array(stdout);
}

/** Binary message -> text -> binary message, both by the reference implementation. */
export function throughText(schema: string, type: string, frame: Uint8Array): Uint8Array {
  // quiet: the tool takes a message with an empty root for another format and refuses it otherwise
  const text = capnp(["decode", "--short", "--quiet", schema, type], frame);
  return capnp(["encode", schema, type], text);
}

/** The one canonical form of a message's content, without a segment table. */
export function canonical(schema: string, type: string, frame: Uint8Array): Uint8Array {
  return capnp(["convert", "--quiet", "binary:canonical", schema, type], frame);
}
