/** The embedded store called directly, as the server's delivery domain calls it: the ceiling of what a server on it can do. */
import { hash } from "node:crypto";
import { type ChannelId, inboxKeyOf } from "quicproquo-proto";
import { openEmbeddedStore } from "quicproquo-server/store";
import { closedLoop } from "../closed-loop.ts";
import { queueDepthMax, Workload } from "../workload.ts";
import { readTask } from "./driver.ts";

export type DirectTask = {
  readonly file: string;
  /** Messages in the log, not in tables. */
  readonly messageLog?: boolean;
  readonly callers: number;
  readonly warmUpMs: number;
  readonly windowMs: number;
};

const { file, messageLog = false, ...loop } = await readTask<DirectTask>();
const store = await openEmbeddedStore({
  file,
  messageLog,
  limits: { queueDepthMax, dedupeWindowMs: 7 * 86_400_000, groupLifeMs: 400 * 86_400_000, appendsInFlightMax: 20_000 },
  clock: Date.now,
});
const workload = new Workload();
const nobody = new Uint8Array(32);
const noChannel = new Uint8Array() as ChannelId;
const result = await closedLoop({
  ...loop,
  request: async () => {
    const { recipientKey, payload, idempotencyKey } = workload.next();
    const messageId = hash("sha256", Buffer.concat([nobody, idempotencyKey]), "buffer").subarray(0, 16);
    const inbox = inboxKeyOf(recipientKey, noChannel);
    const appended = await store.log.append({ inbox, payload, messageId, expiresAtMs: Date.now() + 7 * 86_400_000 });
    if (appended.kind !== "stored") throw new Error(`append answered ${appended.kind}`);
  },
});
await store.close();
process.stdout.write(`${JSON.stringify(result)}\n`);
