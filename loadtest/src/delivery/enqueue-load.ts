/** Callers of enqueue over QUIC; fan-outs, one after the other; and how many messages its inboxes hold. */
import { randomBytes } from "node:crypto";
import { type IdentityKey, protocolVersion } from "quicproquo-proto";
import { GatheringSender } from "quicproquo-sdk";
import { recipientsOf, Workload } from "../workload.ts";
import { serveCallers } from "./callers.ts";
import { type Client, type ClientsTask, connectClients } from "./clients.ts";
import { stamped } from "./stamp.ts";

/** `inboxes`: of their name, and with readers, who are told when a message was sent. */
export type EnqueueTask = ClientsTask & {
  readonly inboxes?: string;
  /** What callers send in one turn goes in one call, instead of a call each. */
  readonly gathered?: boolean;
};

export type FanOutTask = { readonly recipients: number; readonly payloadBytes: number };

const channelId = new Uint8Array();
let clients: readonly Client[] = [];
let inboxes = "recipient";
let workload = new Workload(inboxes);
let beginnings = 0;

serveCallers(
  async ({ inboxes: read, gathered = false, ...task }: EnqueueTask) => {
    clients = await connectClients(task);
    const senders = gathered ? clients.map(({ node, token }) => new GatheringSender(node.openSession(token))) : [];
    inboxes = read ?? inboxes;
    workload = new Workload(inboxes);
    return (caller) => {
      const { node, auth } = clients[caller % clients.length] as Client;
      const sender = senders[caller % clients.length];
      if (sender !== undefined) return sender.send(workload.next());
      const { recipientKey, idempotencyKey, payload } = workload.next();
      return node.call("enqueue", {
        recipientKey,
        idempotencyKey,
        payload: read === undefined ? payload : stamped(payload),
        channelId,
        version: protocolVersion,
        auth,
        ttlSecs: 0,
      });
    };
  },
  {
    /** From now on payloads are that long; random, as ciphertext is. */
    payloads: ({ bytes }: { readonly bytes: number }) => {
      workload = new Workload("recipient", randomBytes(bytes));
    },
    /** From now on payloads are that long, and go to inboxes that no load has used. */
    begin: ({ payloadBytes }: { readonly payloadBytes: number }) => {
      inboxes = `recipient ${process.pid} ${++beginnings}`;
      workload = new Workload(inboxes, randomBytes(payloadBytes));
    },
    /** How many were begun since then, or since the start. */
    sent: () => workload.sent,
    /** Messages in the inboxes; none is removed. */
    stored: async () => {
      const counts = await Promise.all(recipientsOf(inboxes).map((recipient, i) => countIn(recipient, i)));
      return counts.reduce((sum, count) => sum + count, 0);
    },
    encryption: () => {
      const { protocol, tlsVersion, cipher } = (clients[0] as Client).node.info;
      return `${protocol}, ${tlsVersion} ${cipher}`;
    },
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

/** Pages of 100. */
async function countIn(recipientKey: IdentityKey, i: number): Promise<number> {
  const { node, auth } = clients[i % clients.length] as Client;
  let count = 0;
  let after = 0n;
  for (;;) {
    const where = { recipientKey, channelId, version: protocolVersion, auth, limit: 100, storeEpoch: 0n };
    const { payloads } = await node.call("peek", { ...where, after });
    if (payloads.length === 0) return count;
    count += payloads.length;
    after = (payloads.at(-1) as (typeof payloads)[number]).seq;
  }
}
