/** Messages that are pushed to readers by subscription: one way, and there and back. */
import type { Action } from "../action.ts";
import { Arrivals } from "../arrivals.ts";
import { type ConnectionPool, inTurns } from "../connection-pool.ts";
import { type Mailbox, mailboxesOf } from "../mailbox.ts";
import { type OnMessage, Subscribed } from "../subscribed.ts";

const defaults = { payloadBytes: 512, recipients: 1 } as const;

export const push: Action = {
  defaults,
  doc: "a message to a user who reads by subscription and acknowledges",
  measures: "from the call until it is durable and was pushed to the reader",
  needsToken: true,
  async prepare(pool, { users, payloadBytes }) {
    const arrivals = new Arrivals(payloadBytes);
    const mailboxes = mailboxesOf(pool, users);
    const readers = await subscribed(pool, mailboxes, () => (payload) => arrivals.arrived(payload));
    return {
      once: (user) => arrivals.through((payload) => (mailboxes[user % users] as Mailbox).send(payload, user + 1)),
      close: async () => readers.forEach((reader) => reader[Symbol.dispose]()),
    };
  },
};

export const pingPong: Action = {
  defaults,
  doc: "a message to another user, who answers with one",
  measures: "from the call until the answer was pushed to who asked; both are durable",
  needsToken: true,
  async prepare(pool, { users, payloadBytes }) {
    const arrivals = new Arrivals(payloadBytes);
    // who answers has another connection, where there is one
    const askers = mailboxesOf(pool, users);
    const answerers = mailboxesOf(pool, users, 1);
    const hearing = await subscribed(pool, askers, () => (payload) => arrivals.arrived(payload));
    const answering = await subscribed(pool, answerers, (user) => (payload) => {
      // what it meets the asker's deadline tells; a copy: the payload is a view into its frame
      (askers[user] as Mailbox).send(Uint8Array.from(payload), user + 1).catch(() => undefined);
    });
    return {
      once: (user) => arrivals.through((payload) => (answerers[user % users] as Mailbox).send(payload, user)),
      close: async () => [...hearing, ...answering].forEach((reader) => reader[Symbol.dispose]()),
    };
  },
};

async function subscribed(
  pool: ConnectionPool,
  mailboxes: readonly Mailbox[],
  onMessageOf: (user: number) => OnMessage,
): Promise<readonly Subscribed[]> {
  const readers = mailboxes.map((mailbox, user) => new Subscribed(mailbox, onMessageOf(user)));
  await inTurns(readers.length, async (user) => {
    const client = await (mailboxes[user] as Mailbox).client();
    await (readers[user] as Subscribed).subscribe(client);
  });
  return readers;
}
