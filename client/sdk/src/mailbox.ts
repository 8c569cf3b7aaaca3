/**
 * One person's mailbox on a server: publish the keys others need, send to a peer, receive in order. Every message is
 * sealed and opened here; the server sees hybrid envelopes only.
 */
import { randomBytes } from "node:crypto";
import {
  type DirectMessage,
  type HybridKeyPair,
  type HybridPublicKey,
  type Identity,
  openDirectMessage,
  sealDirectMessage,
  signHybridKey,
  verifyHybridKey,
} from "quicproquo-core";
import { type IdentityKey, protocolVersion, QpqError, sizes } from "quicproquo-proto";
import type { ParamsOf } from "./node-client.ts";
import type { ReconnectingClient } from "./reconnecting-client.ts";

export type MailboxParts = {
  readonly client: ReconnectingClient;
  readonly identity: Identity;
  readonly keyPair: HybridKeyPair;
  readonly accessToken: Uint8Array;
};

export type Received = {
  readonly seq: bigint;
  readonly storeEpoch: bigint;
  readonly enqueuedAtMs: number;
  readonly envelopeBytes: number;
} & (
  | { readonly kind: "message"; readonly message: DirectMessage }
  /** It cannot be opened, or its life ended before it was read. It is told, not hidden. */
  | { readonly kind: "refused" | "expired" }
);

export type Lost = {
  readonly kind: "gap";
  readonly reason: "expired" | "overflow" | "epochReset";
  readonly upTo: bigint;
};

const waitMs = 20_000;
const noChannel = new Uint8Array();

export class Mailbox {
  readonly #parts: MailboxParts;
  readonly #hybridKeys = new Map<string, HybridPublicKey>();

  constructor(parts: MailboxParts) {
    this.#parts = parts;
  }

  /** Puts the signed hybrid key on the server unless it is there. */
  async publishKeys(): Promise<"published" | "already there"> {
    const { client, identity, keyPair } = this.#parts;
    const identityKey = identity.identityKey;
    const there = await client.call("fetchHybridKey", { identityKey, auth: this.#auth() });
    if (Buffer.from(there.hybridPublicKey).equals(keyPair.publicKey)) return "already there";
    const signature = signHybridKey(identity, keyPair.publicKey);
    await client.call("uploadHybridKey", {
      identityKey,
      hybridPublicKey: keyPair.publicKey,
      signature,
      auth: this.#auth(),
    });
    return "published";
  }

  /** The peer's hybrid key, its signature checked. E015_HYBRID_KEY when there is none or it isn't the peer's. */
  async hybridKeyOf(peer: IdentityKey): Promise<HybridPublicKey> {
    const name = Buffer.from(peer).toString("latin1");
    const known = this.#hybridKeys.get(name);
    if (known !== undefined) return known;
    const { hybridPublicKey, signature } = await this.#parts.client.call("fetchHybridKey", {
      identityKey: peer,
      auth: this.#auth(),
    });
    if (hybridPublicKey.length === 0) {
      throw new QpqError("E015_HYBRID_KEY", {
        text: "the peer has not published a key on this server; let them run: qpq recv",
      });
    }
    const checked = verifyHybridKey({
      identityKey: peer,
      hybridPublicKey: Uint8Array.from(hybridPublicKey),
      signature: Uint8Array.from(signature),
    });
    this.#hybridKeys.set(name, checked);
    return checked;
  }

  /** Seals and enqueues; resolves when the server has it durably. A repeat after a lost connection is stored once. */
  async send(peer: IdentityKey, text: string): Promise<{ seq: bigint; envelope: Uint8Array }> {
    const recipient = { identityKey: peer, hybridPublicKey: await this.hybridKeyOf(peer) };
    const envelope = sealDirectMessage(this.#parts.identity, recipient, text);
    const { seq } = await this.#parts.client.call("enqueue", {
      recipientKey: peer,
      payload: envelope,
      channelId: noChannel,
      version: protocolVersion,
      auth: this.#auth(),
      ttlSecs: 0,
      idempotencyKey: randomBytes(sizes.idempotencyKey),
    });
    return { seq, envelope };
  }

  /**
   * Yields what stands in the inbox and then what comes, in order; ends when the inbox is empty and `follow` is false,
   * or at the signal. Messages are removed from the server when the next ones are asked for, or by acknowledge(): who
   * stops in between gets them again.
   */
  async *receive({ follow, signal }: { follow: boolean; signal?: AbortSignal }): AsyncGenerator<Received | Lost> {
    let after = 0n;
    let storeEpoch = 0n;
    while (signal?.aborted !== true) {
      const { payloads, gap } = await this.#fetchWait({ after, storeEpoch, timeoutMs: follow ? waitMs : 0 }, signal);
      if (gap.kind !== "none") {
        yield { kind: "gap", reason: gap.kind, upTo: gap.upTo };
        after = gap.kind === "epochReset" ? 0n : gap.upTo;
        storeEpoch = gap.storeEpoch;
      }
      for (const envelope of payloads) {
        yield this.#open(envelope);
        after = envelope.seq;
        storeEpoch = envelope.storeEpoch;
      }
      if (payloads.length === 0 && gap.kind === "none" && !follow) return;
    }
  }

  /** Removes everything up to this message from the server. */
  async acknowledge({ seq, storeEpoch }: Pick<Received, "seq" | "storeEpoch">): Promise<void> {
    const { client, identity } = this.#parts;
    const address = { recipientKey: identity.identityKey, channelId: noChannel, version: protocolVersion };
    await client.call("ack", { ...address, auth: this.#auth(), seqUpTo: seq, storeEpoch });
  }

  /** keep: nothing is leased, what lies at or before `after` is acknowledged. */
  #fetchWait(cursor: { after: bigint; storeEpoch: bigint; timeoutMs: number }, signal: AbortSignal | undefined) {
    const params: ParamsOf<"fetchWait"> = {
      recipientKey: this.#parts.identity.identityKey,
      channelId: noChannel,
      version: protocolVersion,
      auth: this.#auth(),
      limit: 0,
      keep: true,
      after: cursor.after,
      storeEpoch: cursor.storeEpoch,
      timeoutMs: BigInt(cursor.timeoutMs),
    };
    // the answer comes by timeoutMs; 5 s more for the way
    const timeoutMs = cursor.timeoutMs + 5_000;
    return this.#parts.client.call("fetchWait", params, signal === undefined ? { timeoutMs } : { timeoutMs, signal });
  }

  #open(envelope: {
    seq: bigint;
    data: Uint8Array;
    storeEpoch: bigint;
    enqueuedAtMs: bigint;
    expired: boolean;
  }): Received {
    const about = {
      seq: envelope.seq,
      storeEpoch: envelope.storeEpoch,
      enqueuedAtMs: Number(envelope.enqueuedAtMs),
      envelopeBytes: envelope.data.length,
    };
    if (envelope.expired) return { ...about, kind: "expired" };
    try {
      return {
        ...about,
        kind: "message",
        message: openDirectMessage(this.#parts.identity, this.#parts.keyPair, envelope.data),
      };
    } catch (error) {
      if (error instanceof QpqError && error.code === "E043_ENVELOPE_REFUSED") return { ...about, kind: "refused" };
      throw error;
    }
  }

  #auth() {
    return { version: protocolVersion, accessToken: this.#parts.accessToken, deviceId: new Uint8Array() };
  }
}
