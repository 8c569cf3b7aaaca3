/** Users who lose their connection and come back: by a ticket, with early data, to where they stood in their inbox. */
import type { NodeClient } from "quicproquo-sdk";
import type { Action } from "../action.ts";
import { inTurns } from "../connection-pool.ts";
import { type Mailbox, mailboxesOf } from "../mailbox.ts";
import { Subscribed } from "../subscribed.ts";
import { Tickets } from "./handshake.ts";

export const reconnect: Action = {
  doc: "a user with a connection of its own drops it, comes back by a ticket and subscribes again",
  measures: "from the first datagram until the subscription has said where the inbox stands",
  defaults: { payloadBytes: 0, recipients: 1 },
  needsToken: true,
  async prepare(pool, { users }) {
    const mailboxes = mailboxesOf(pool, users);
    const people = mailboxes.map((mailbox) => new Person(mailbox));
    await inTurns(users, async (user) => {
      const person = people[user] as Person;
      await person.connect((sessions) => pool.dial({ sessions }));
      if (person.client !== undefined) await person.sessions.given(person.client);
    });
    return {
      async once(user) {
        const person = people[user % users] as Person;
        await person.inTurn(async () => {
          const before = person.client;
          person.drop();
          if (before !== undefined) pool.release(before);
          await person.connect((sessions) => pool.dial({ sessions }));
        });
      },
      async close() {
        for (const person of people) person.drop();
      },
    };
  },
};

class Person {
  readonly sessions = new Tickets();
  readonly #mailbox: Mailbox;
  #reader: Subscribed | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  client: NodeClient | undefined;

  constructor(mailbox: Mailbox) {
    this.#mailbox = mailbox;
  }

  /** Nobody comes back twice at once: who shall waits, and the time counts. */
  inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async connect(dial: (sessions: Tickets) => Promise<NodeClient>): Promise<void> {
    const reader = new Subscribed(this.#mailbox, () => undefined);
    const client = await dial(this.sessions);
    this.client = client;
    this.#reader = reader;
    await reader.subscribe(client);
  }

  /** The subscription; the connection is the pool's. */
  drop(): void {
    this.#reader?.[Symbol.dispose]();
    this.#reader = undefined;
    this.client = undefined;
  }
}
