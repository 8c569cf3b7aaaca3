/** A durable message to one of many inboxes. */
import { randomBytes } from "node:crypto";
import type { Action } from "../action.ts";
import { type Mailbox, mailboxesOf } from "../mailbox.ts";

export const enqueue: Action = {
  doc: "a message into an inbox of its own",
  measures: "from the call until the server says that it is durable",
  defaults: { payloadBytes: 512, recipients: 1 },
  needsToken: true,
  async prepare(pool, { users, payloadBytes }) {
    const mailboxes = mailboxesOf(pool, users);
    const payload = randomBytes(payloadBytes);
    return {
      async once(user) {
        const mailbox = mailboxes[user % users] as Mailbox;
        mailbox.removeNowAndThen(await mailbox.send(payload));
      },
      async close() {},
    };
  },
};
