/** `qpq-server secrets opaque-setup`: prints a new one, for all servers of a cluster. Nothing is kept here. */
import { QpqError } from "quicproquo-proto";
import { createOpaqueSetup } from "../accounts/opaque.ts";
import type { ServerConfig } from "../config.ts";
import type { Program } from "./program.ts";

/** E048_USAGE. */
export async function secrets(_: ServerConfig, { print, words }: Program): Promise<void> {
  if (words.length !== 1 || words[0] !== "opaque-setup") {
    throw new QpqError("E048_USAGE", { text: "say which: qpq-server secrets opaque-setup > FILE" });
  }
  print(`${createOpaqueSetup()}\n`);
}
