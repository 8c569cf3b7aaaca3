/** Callers of enqueue over QUIC; and fan-outs, one after the other. */
import { randomBytes } from "node:crypto";
import { protocolVersion } from "quicproquo-proto";
import { recipientsOf, Workload } from "../workload.ts";
import { serveCallers } from "./callers.ts";
import { type Client, type ClientsTask, connectClients } from "./clients.ts";
import { stamped } from "./stamp.ts";

/** `inboxes`: loads of one name have theirs in common. */
export type EnqueueTask = ClientsTask & { readonly inboxes?: string };

export type FanOutTask = { readonly recipients: number; readonly payloadBytes: number };

const channelId = new Uint8Array();
let clients: readonly Client[] = [];
let workload = new Workload();

serveCallers(
  async ({ inboxes, ...task }: EnqueueTask) => {
    clients = await connectClients(task);
    workload = new Workload(inboxes);
    return (caller) => {
      const { node, auth } = clients[caller % clients.length] as Client;
      const params = { ...workload.next(), payload: stamped(workload.payload) };
      return node.call("enqueue", { ...params, channelId, version: protocolVersion, auth, ttlSecs: 0 });
    };
  },
  {
    /** From now on payloads are that long; random, as ciphertext is. */
    payloads: ({ bytes }: { readonly bytes: number }) => {
      workload = new Workload("recipient", randomBytes(bytes));
    },
    /** How many were begun since the start. */
    sent: () => workload.sent,
    /** ms of one. */
    fanOut: async ({ recipients, payloadBytes }: FanOutTask): Promise<number> => {
      const { node, auth } = clients[0] as Client;
      const recipientKeys = recipientsOf("fan-out", recipients);
      const params = { recipientKeys: [...recipientKeys], payload: randomBytes(payloadBytes), channelId, auth };
      const beganMs = performance.now();
      const key = randomBytes(16);
      await node.call("batchEnqueue", { ...params, version: protocolVersion, ttlSecs: 0, idempotencyKey: key });
      return performance.now() - beganMs;
    },
  },
);
