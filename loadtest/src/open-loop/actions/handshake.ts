/** Connections that are made, asked once, and ended: full handshakes, and resumed ones with and without early data. */
import { QpqError } from "quicproquo-proto";
import type { NodeClient, SessionCache } from "quicproquo-sdk";
import type { Action } from "../action.ts";
import { type ConnectionPool, inTurns } from "../connection-pool.ts";

const shape = { defaults: { payloadBytes: 0, recipients: 1 }, needsToken: false } as const;

export const handshake: Action = {
  ...shape,
  doc: "a new connection with a full handshake, and one call",
  measures: "from the first datagram until health has answered",
  async prepare(pool) {
    return {
      async once() {
        await askOnce(pool, await pool.dial());
      },
      async close() {},
    };
  },
};

export const resume = resumed(false);
export const resumeEarly = resumed(true);

function resumed(earlyData: boolean): Action {
  return {
    ...shape,
    doc: `a new connection by a ticket, ${earlyData ? "with" : "without"} early data, and one call`,
    measures: "from the first datagram until health has answered; a full handshake instead is an error",
    async prepare(pool, { users }) {
      const tickets = Array.from({ length: users }, () => new Tickets());
      await inTurns(users, async (user) => {
        const sessions = tickets[user] as Tickets;
        const client = await pool.dial({ sessions });
        await client.call("health", {});
        await sessions.there;
        pool.release(client);
      });
      return {
        async once(user) {
          const sessions = tickets[user % users] as Tickets;
          const client = await pool.dial({ sessions, earlyData });
          await askOnce(pool, client);
          if (!client.info.resumed) throw new QpqError("E040_CONNECT_FAILED", { text: "the ticket was not taken" });
        },
        async close() {},
      };
    },
  };
}

async function askOnce(pool: ConnectionPool, client: NodeClient): Promise<void> {
  try {
    await client.call("health", {});
  } finally {
    pool.release(client);
  }
}

/** The newest ticket of one user, and the moment when there is one. */
export class Tickets implements SessionCache {
  readonly #there = Promise.withResolvers<void>();
  #newest: Uint8Array | undefined;

  get there(): Promise<void> {
    return this.#there.promise;
  }

  async get(): Promise<Uint8Array | undefined> {
    return this.#newest;
  }

  async put(_server: string, session: Uint8Array): Promise<void> {
    this.#newest = session;
    this.#there.resolve();
  }

  async forget(): Promise<void> {
    this.#newest = undefined;
  }
}
