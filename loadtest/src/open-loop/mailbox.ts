/**
 * An inbox that a load sends to, with the calls on it. What stands in it is acknowledged now and then, so that a long load
 * is not one of a full inbox (E009_QUEUE_FULL).
 */
import { hash, randomBytes } from "node:crypto";
import { type AuthFields, type IdentityKey, parseIdentityKey, protocolVersion } from "quicproquo-proto";
import type { NodeClient, ResultsOf } from "quicproquo-sdk";
import { MessageKeys } from "../message-keys.ts";
import type { ConnectionPool } from "./connection-pool.ts";

/** Of each so many messages one is followed by an acknowledgement: a tenth of the default depth of an inbox. */
const messagesPerAck = 100;

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

  /** A secret. */
  get accessToken(): Uint8Array {
    return this.#auth.accessToken;
  }

  /** Nobody gets a connection any more. */
  get isOver(): boolean {
    return this.#pool.isClosed;
  }

  /** The connection of its owner. */
  client(): NodeClient | Promise<NodeClient> {
    return this.#pool.of(this.#user);
  }

  /** Over the connection of user `sender`. Resolves with its seq when it is durable. */
  async send(payload: Uint8Array, sender = this.#user): Promise<bigint> {
    const client = this.#pool.of(sender);
    const params = { ...this.#address, payload, ttlSecs: 0, idempotencyKey: keys.next() };
    return (await (client instanceof Promise ? await client : client).call("enqueue", params)).seq;
  }

  /** All that comes behind `after` within the time; it stays there. */
  async wait(after: bigint, timeoutMs: number): Promise<ResultsOf<"fetchWait">> {
    const params = { ...this.#address, after, storeEpoch: 0n, limit: 0, keep: true, timeoutMs: BigInt(timeoutMs) };
    return await (await this.client()).call("fetchWait", params, { timeoutMs: 2 * timeoutMs });
  }

  /** Removes them up to this one. */
  async remove(seqUpTo: bigint): Promise<void> {
    await (await this.client()).call("ack", { ...this.#address, seqUpTo, storeEpoch: 0n });
  }

  /** Of each 100 messages that nobody reads removes all so far. Not awaited, and what it meets the next call meets too. */
  removeNowAndThen(seq: bigint): void {
    // not of all inboxes at once
    if ((Number(seq) + this.#user) % messagesPerAck === 0) this.remove(seq).catch(() => undefined);
  }

  get #address() {
    return { recipientKey: this.recipientKey, channelId, version: protocolVersion, auth: this.#auth };
  }
}

/** One of each user from `first`, which no other load has. */
export function mailboxesOf(pool: ConnectionPool, users: number, first = 0): readonly Mailbox[] {
  return keysOf(users).map((recipientKey, i) => new Mailbox(pool, first + i, recipientKey));
}

/** So many that nobody else has. */
function keysOf(count: number): readonly IdentityKey[] {
  const salt = randomBytes(16).toString("hex");
  return Array.from({ length: count }, (_, i) => parseIdentityKey(hash("sha256", `${salt} ${i}`, "buffer")));
}

export function authOf({ accessToken }: ConnectionPool): AuthFields {
  return { version: protocolVersion, accessToken, deviceId: channelId };
}
