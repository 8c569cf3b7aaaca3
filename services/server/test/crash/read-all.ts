/** Reads what stands in the inboxes of a trial, over QUIC. */
import type { ServerProcess } from "../../testing/server-process.ts";
import { RawClient } from "../e2e/raw-client.ts";
import { type Ledger, payloadHashOf } from "./ledger.ts";
import { inboxCount, inboxNumber } from "./messages.ts";

/** Enters all that stands in the inboxes, and removes nothing. */
export async function readAll(server: ServerProcess, ledgers: readonly Ledger[]): Promise<void> {
  using client = await RawClient.connect(server);
  for (let i = 0; i < inboxCount; i++) {
    const inbox = inboxNumber(i);
    const recipientKey = Buffer.from(inbox, "latin1");
    for (let after = 0n; ; ) {
      const { payloads } = await client.call("peek", { recipientKey, after, limit: 1_000 });
      for (const { seq, data } of payloads) {
        for (const ledger of ledgers) ledger.receive({ inbox, seq, payloadHash: payloadHashOf(data) });
      }
      const last = payloads.at(-1);
      if (last === undefined) break;
      after = last.seq;
    }
  }
}
