/** Callers of the cluster's store itself, as the server's delivery domain calls it: the ceiling of a front-end on it. */
import { hash } from "node:crypto";
import { type ChannelId, inboxKeyOf } from "quicproquo-proto";
import { Workload } from "../workload.ts";
import { serveCallers } from "./callers.ts";
import { type ClusterAddress, openStore } from "./cluster.ts";

const lifeMs = 7 * 86_400_000;
const nobody = new Uint8Array(32);
const noChannel = new Uint8Array() as ChannelId;

serveCallers(async (address: ClusterAddress) => {
  const store = await openStore(address);
  const workload = new Workload();
  return async () => {
    const { recipientKey, payload, idempotencyKey } = workload.next();
    const messageId = hash("sha256", Buffer.concat([nobody, idempotencyKey]), "buffer").subarray(0, 16);
    const inbox = inboxKeyOf(recipientKey, noChannel);
    const appended = await store.log.append({ inbox, payload, messageId, expiresAtMs: Date.now() + lifeMs });
    if (appended.kind !== "stored") throw new Error(`append answered ${appended.kind}`);
    store.wakeups.publish(inbox);
  };
});
