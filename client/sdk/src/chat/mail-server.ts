/**
 * The server's calls as a chat client makes them: for one identity, with its token, on default inboxes. Each can be
 * repeated, so the connection below repeats it after a loss.
 */
import type { HybridPublicKey } from "quicproquo-core";
import { type IdentityKey, protocolVersion, QpqError } from "quicproquo-proto";
import { type AccessTokenSource, authOf } from "../access-token.ts";
import type { ParamsOf, ResultsOf } from "../node-client.ts";
import type { ReconnectingClient } from "../reconnecting-client.ts";

/** Where the reader stands in its inbox. */
export type Cursor = { readonly seq: bigint; readonly storeEpoch: bigint };

export type Outgoing = { readonly recipient: IdentityKey; readonly payload: Uint8Array };

const noChannel = new Uint8Array(0);
const none = new Uint8Array(0);
// the answer comes by the poll's own end; 5 s more for the way
const wayMs = 5_000;

export class MailServer {
  readonly #client: ReconnectingClient;
  readonly #identityKey: IdentityKey;
  readonly #accessToken: AccessTokenSource;

  constructor(parts: { client: ReconnectingClient; identityKey: IdentityKey; accessToken: AccessTokenSource }) {
    this.#client = parts.client;
    this.#identityKey = parts.identityKey;
    this.#accessToken = parts.accessToken;
  }

  /** What stands behind the cursor, within pollMs. Acknowledges what lies at or before it; leases nothing. */
  async fetch(cursor: Cursor, pollMs: number, signal?: AbortSignal): Promise<ResultsOf<"fetchWait">> {
    const params: ParamsOf<"fetchWait"> = {
      ...(await this.#inbox()),
      limit: 0,
      keep: true,
      after: cursor.seq,
      storeEpoch: cursor.storeEpoch,
      timeoutMs: BigInt(pollMs),
    };
    const timeoutMs = pollMs + wayMs;
    return await this.#client.call("fetchWait", params, signal === undefined ? { timeoutMs } : { timeoutMs, signal });
  }

  /** Removes nothing. */
  async peek(cursor: Cursor): Promise<ResultsOf<"peek">> {
    const params = { ...(await this.#inbox()), limit: 1, after: cursor.seq, storeEpoch: cursor.storeEpoch };
    return await this.#client.call("peek", params);
  }

  /** Durable in each inbox whose seq is not 0; those are full. The same key again stores nothing twice. */
  async enqueue(
    recipients: readonly IdentityKey[],
    payload: Uint8Array,
    idempotencyKey: Uint8Array,
  ): Promise<readonly bigint[]> {
    const { seqs } = await this.#client.call("batchEnqueue", {
      recipientKeys: recipients,
      payload,
      channelId: noChannel,
      version: protocolVersion,
      auth: await this.#auth(),
      ttlSecs: 0,
      idempotencyKey,
    });
    if (seqs.length !== recipients.length) throw wrongCount();
    return seqs;
  }

  /** What kept a message from an inbox that answered 0: E009_QUEUE_FULL, E069_BLOCKED. undefined: there is room by now. */
  async reasonOf(
    recipientKey: IdentityKey,
    payload: Uint8Array,
    idempotencyKey: Uint8Array,
  ): Promise<QpqError | undefined> {
    const params = {
      recipientKey,
      payload,
      channelId: noChannel,
      version: protocolVersion,
      ttlSecs: 0,
      idempotencyKey,
    };
    try {
      await this.#client.call("enqueue", { ...params, auth: await this.#auth() }, { repeatLimited: false });
      return undefined;
    } catch (error) {
      if (error instanceof QpqError && (error.code === "E009_QUEUE_FULL" || error.code === "E069_BLOCKED"))
        return error;
      throw error;
    }
  }

  /** `shared` stands for every entry with an empty payload. */
  async submitCommit(
    commit: Omit<ParamsOf<"submitCommit">, "auth" | "entries">,
    entries: readonly Outgoing[],
  ): Promise<readonly bigint[]> {
    const { seqs } = await this.#client.call("submitCommit", {
      ...commit,
      auth: await this.#auth(),
      entries: entries.map(({ recipient, payload }) => ({
        recipientKey: recipient,
        channelId: noChannel,
        payload,
        idempotencyKey: none,
        ttlSecs: 0,
      })),
    });
    if (seqs.length !== entries.length) throw wrongCount();
    return seqs;
  }

  /** Answers how many single-use packages then stand in the pool. */
  async uploadKeyPackage(bytes: Uint8Array, lastResort: boolean): Promise<number> {
    const params = { identityKey: this.#identityKey, package: bytes, auth: await this.#auth(), lastResort };
    return (await this.#client.call("uploadKeyPackage", params)).remaining;
  }

  /** undefined when there is none. */
  async fetchKeyPackage(identityKey: IdentityKey): Promise<Uint8Array | undefined> {
    const answer = await this.#client.call("fetchKeyPackage", { identityKey, auth: await this.#auth() });
    // a copy: the answer is a view into its frame
    return answer.package.length === 0 ? undefined : Uint8Array.from(answer.package);
  }

  async uploadHybridKey(hybridPublicKey: HybridPublicKey, signature: Uint8Array): Promise<void> {
    const identityKey = this.#identityKey;
    await this.#client.call("uploadHybridKey", { identityKey, hybridPublicKey, signature, auth: await this.#auth() });
  }

  async fetchHybridKeys(identityKeys: readonly IdentityKey[]): Promise<ResultsOf<"fetchHybridKeys">> {
    return await this.#client.call("fetchHybridKeys", { identityKeys, auth: await this.#auth() });
  }

  async #inbox() {
    return {
      recipientKey: this.#identityKey,
      channelId: noChannel,
      version: protocolVersion,
      auth: await this.#auth(),
    };
  }

  #auth() {
    return authOf(this.#accessToken);
  }
}

function wrongCount(): QpqError {
  return new QpqError("E034_INTERNAL", { text: "the server's answer doesn't have one seq for each recipient" });
}
