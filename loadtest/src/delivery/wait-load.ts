/** Parked fetchWait calls, each of an inbox of its own. */
import { protocolVersion, QpqError } from "quicproquo-proto";
import { answerParent } from "../answer-parent.ts";
import { recipientsOf } from "../workload.ts";
import { type Client, type ClientsTask, connectClients } from "./clients.ts";

export type ParkTask = { readonly inboxes: string; readonly count: number; readonly waitMs: number };

let clients: readonly Client[] = [];

answerParent({
  connect: async (task: ClientsTask) => {
    clients = await connectClients(task);
  },
  /** Answers when they are sent; the server's page says how many are parked. */
  park: ({ inboxes, count, waitMs }: ParkTask) => {
    for (const [i, recipientKey] of recipientsOf(inboxes, count).entries()) {
      const { node, auth } = clients[i % clients.length] as Client;
      node
        .call(
          "fetchWait",
          {
            recipientKey,
            channelId: new Uint8Array(),
            version: protocolVersion,
            auth,
            limit: 0,
            after: 0n,
            storeEpoch: 0n,
            keep: true,
            timeoutMs: BigInt(waitMs),
          },
          { timeoutMs: 2 * waitMs },
        )
        .then(() => fail("a parked call was answered"), fail);
    }
  },
});

function fail(reason: unknown): void {
  process.stderr.write(`${reason instanceof QpqError ? reason.code : String(reason)}\n`);
  process.exit(1);
}
