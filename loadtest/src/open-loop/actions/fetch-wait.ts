/** Users who wait in fetchWait, most of the time for nothing, and are woken. */
import { setTimeout } from "node:timers/promises";
import type { Action } from "../action.ts";
import { Arrivals } from "../arrivals.ts";
import { type Mailbox, mailboxesOf } from "../mailbox.ts";

/** Of one fetchWait: half of what a server allows by default. */
const waitMs = 30_000;
/** After a loss: a server that restarts is not there at once. */
const againMs = 100;

export const fetchWait: Action = {
  doc: "a message to a user who waits in fetchWait, and waits again",
  measures: "from the call until it is durable and fetchWait has answered with it",
  defaults: { payloadBytes: 512, recipients: 1 },
  needsToken: true,
  async prepare(pool, { users, payloadBytes }) {
    const arrivals = new Arrivals(payloadBytes);
    const mailboxes = mailboxesOf(pool, users);
    let isOver = false;
    const waiting = async (mailbox: Mailbox): Promise<void> => {
      for (let after = 0n; !isOver && !mailbox.isOver; ) {
        try {
          const { payloads } = await mailbox.wait(after, waitMs);
          for (const { data } of payloads) arrivals.arrived(data);
          const newest = payloads.at(-1)?.seq;
          if (newest === undefined) continue;
          after = newest;
          mailbox.remove(after).catch(() => undefined); // the next removal is for this one too
        } catch {
          // what is sent meanwhile runs into its deadline, and is counted there
          if (!isOver) await setTimeout(againMs);
        }
      }
    };
    for (const mailbox of mailboxes) void waiting(mailbox); // until the connections are closed
    return {
      once: (user) => arrivals.through((payload) => (mailboxes[user % users] as Mailbox).send(payload, user + 1)),
      async close() {
        isOver = true;
      },
    };
  },
};
