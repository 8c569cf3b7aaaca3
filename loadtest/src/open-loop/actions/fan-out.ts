/** One message to many inboxes, in one call and one transaction. */
import { randomBytes } from "node:crypto";
import { protocolVersion } from "quicproquo-proto";
import { MessageKeys } from "../../message-keys.ts";
import type { Action } from "../action.ts";
import { authOf, type Mailbox, mailboxesOf } from "../mailbox.ts";

const keys = new MessageKeys();

export const fanOut: Action = {
  doc: "a message to many inboxes by batchEnqueue",
  measures: "from the call until the server says that it is durable in all of them",
  defaults: { payloadBytes: 1_024, recipients: 100 },
  needsToken: true,
  async prepare(pool, { users, payloadBytes, recipients }) {
    // users send to the same ones: it is the rows of a call that count
    const mailboxes = mailboxesOf(pool, recipients);
    const payload = randomBytes(payloadBytes);
    const recipientKeys = mailboxes.map(({ recipientKey }) => recipientKey);
    const auth = authOf(pool);
    return {
      async once(user) {
        const params = { recipientKeys, payload, channelId: new Uint8Array(), auth, version: protocolVersion };
        const client = await pool.of(user % users);
        const { seqs } = await client.call("batchEnqueue", { ...params, ttlSecs: 0, idempotencyKey: keys.next() });
        for (const [i, seq] of seqs.entries()) (mailboxes[i] as Mailbox).removeNowAndThen(seq);
      },
      async close() {},
    };
  },
};
