/**
 * Which methods of NodeService may be called in 0-RTT data (docs/wire.md, Transport). It has no replay protection and no
 * forward secrecy (RFC 8446 section 8): whoever recorded the datagrams can send them again. So a client sends only calls
 * there that a repeat cannot harm, and a server runs only those before the handshake is over.
 */
import type { methodCodecs } from "./messages.ts";

/** idempotent = only with an idempotency key, whose dedupe window covers a replay. */
export type EarlyDataRule = "yes" | "idempotent" | "no";

export const earlyDataRules: Readonly<Record<keyof typeof methodCodecs, EarlyDataRule>> = {
  uploadKeyPackage: "no",
  fetchKeyPackage: "no",
  enqueue: "idempotent",
  fetch: "no",
  fetchWait: "no",
  health: "yes",
  uploadHybridKey: "no",
  fetchHybridKey: "yes",
  opaqueRegisterStart: "no",
  opaqueRegisterFinish: "no",
  opaqueLoginStart: "no",
  opaqueLoginFinish: "no",
  publishEndpoint: "no",
  resolveEndpoint: "yes",
  peek: "yes",
  ack: "no",
  fetchHybridKeys: "yes",
  batchEnqueue: "no",
  createChannel: "no",
  resolveUser: "yes",
  resolveIdentity: "yes",
  uploadBlob: "no",
  downloadBlob: "no",
  deleteAccount: "no",
  registerDevice: "no",
  listDevices: "no",
  revokeDevice: "no",
  openSession: "no",
  submitCommit: "no",
  publishDeliveryToken: "no",
  setBlocked: "no",
  renewToken: "no",
  revokeTokens: "no",
};

export function mayRunEarly(
  method: keyof typeof methodCodecs,
  params: { readonly idempotencyKey?: Uint8Array },
): boolean {
  const rule = earlyDataRules[method];
  return rule === "yes" || (rule === "idempotent" && (params.idempotencyKey?.length ?? 0) > 0);
}
