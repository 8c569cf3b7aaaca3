/**
 * An inbox that a load sends to, with the calls on it. What stands in it is acknowledged now and then, so that a long load
 * is not one of a full inbox (E009_QUEUE_FULL).
 */
import { hash, randomBytes } from "node:crypto";
import { type AuthFields, type IdentityKey, parseIdentityKey, protocolVersion } from "quicproquo-proto";
import type { NodeClient } from "quicproquo-sdk";
import { MessageKeys } from "../message-keys.ts";
import type { ConnectionPool } from "./connection-pool.ts";

/** Of each so many messages one is followed by an acknowledgement: a tenth of the default depth of an inbox. */
const messagesPerAck = 100n;

const channelId = new Uint8Array();
const keys = new MessageKeys();

export class Mailbox {
  readonly recipientKey: IdentityKey;
  readonly #pool: ConnectionPool;
  readonly #user: number;
  readonly #auth: AuthFields;

  constructor(pool: ConnectionPool, user: number, recipientKey: IdentityKey) {
    this.#pool = pool;
    this.#user = user;
    this.#auth = authOf(pool);
    this.recipientKey = recipientKey;
  }

  /** The connection of its owner. */
  client(): NodeClient | Promise<NodeClient> {
    return this.#pool.of(this.#user);
  }

  /** Resolves with its seq when it is durable. */
  async send(payload: Uint8Array): Promise<bigint> {
    const client = this.client();
    const { seq } = await (client instanceof Promise ? await client : client).call("enqueue", {
      ...this.#address(),
      payload,
      ttlSecs: 0,
      idempotencyKey: keys.next(),
    });
    return seq;
  }

  /** Of every 100th message; not awaited, and what it meets the next call meets too. */
  acknowledge(seq: bigint): void {
    if (seq % messagesPerAck !== 0n) return;
    Promise.resolve(this.client())
      .then((client) => client.call("ack", { ...this.#address(), seqUpTo: seq, storeEpoch: 0n }))
      .catch(() => undefined);
  }

  #address() {
    return { recipientKey: this.recipientKey, channelId, version: protocolVersion, auth: this.#auth };
  }
}

/** One a user, which no other load has. */
export function mailboxesOf(pool: ConnectionPool, users: number): readonly Mailbox[] {
  return keysOf(users).map((recipientKey, user) => new Mailbox(pool, user, recipientKey));
}

/** So many that nobody else has. */
function keysOf(count: number): readonly IdentityKey[] {
  const salt = randomBytes(16).toString("hex");
  return Array.from({ length: count }, (_, i) => parseIdentityKey(hash("sha256", `${salt} ${i}`, "buffer")));
}

function authOf({ accessToken }: ConnectionPool): AuthFields {
  return { version: protocolVersion, accessToken, deviceId: channelId };
}
