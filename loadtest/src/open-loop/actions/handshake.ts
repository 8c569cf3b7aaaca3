/** Connections that are made, asked once, and ended: full handshakes, and resumed ones with and without early data. */
import { setTimeout } from "node:timers/promises";
import { QpqError } from "quicproquo-proto";
import type { NodeClient, SessionCache } from "quicproquo-sdk";
import type { Action } from "../action.ts";
import { type ConnectionPool, inTurns } from "../connection-pool.ts";

/** It comes right behind the handshake. */
const ticketMsMax = 10_000;

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
        await sessions.given(client);
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

  /** Resolves when this client has one. E028_DEADLINE, E048_USAGE. */
  async given({ info }: NodeClient): Promise<void> {
    if (info.protocol !== "quic") {
      throw new QpqError("E048_USAGE", { text: "tickets are QUIC's, and this is a WebSocket; next: --transport quic" });
    }
    const over = new AbortController();
    const late = setTimeout(ticketMsMax, undefined, { signal: over.signal }).then(() => {
      throw new QpqError("E028_DEADLINE", { text: "the server gave no ticket" });
    });
    try {
      await Promise.race([this.#there.promise, late]);
    } finally {
      late.catch(() => undefined); // the ticket came first
      over.abort();
    }
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
