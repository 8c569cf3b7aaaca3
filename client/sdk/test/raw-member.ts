/**
 * A member of a group that is no chat client: it says what it wants, when it wants, to whom it wants. What hostile members
 * and other implementations do is tried with it.
 */
import { createHash, randomBytes } from "node:crypto";
import { type GroupChange, Identity, isWelcome, MlsGroup, MlsKeyPackage } from "quicproquo-core";
import { type IdentityKey, protocolVersion } from "quicproquo-proto";
import { NodeClient } from "quicproquo-sdk";
import type { ServerProcess } from "quicproquo-server/testing";
import { addressOf } from "./person.ts";

const none = new Uint8Array(0);

export class RawMember {
  readonly identity = Identity.generate();
  readonly #node: NodeClient;
  readonly #auth: { readonly version: number; readonly accessToken: Uint8Array; readonly deviceId: Uint8Array };
  #keyPackage: MlsKeyPackage | undefined;
  #group: MlsGroup | undefined;
  #seen = 0n;

  private constructor(node: NodeClient, token: string) {
    this.#node = node;
    this.#auth = { version: protocolVersion, accessToken: new TextEncoder().encode(token), deviceId: none };
  }

  static async connect(server: ServerProcess): Promise<RawMember> {
    return new RawMember(await NodeClient.connect(addressOf(server)), server.token);
  }

  get key(): IdentityKey {
    return this.identity.identityKey;
  }

  get group(): MlsGroup {
    if (this.#group === undefined) throw new Error("not in a group yet");
    return this.#group;
  }

  /** So that others can invite it. Without more, the package is the last resort. */
  async publish(): Promise<void> {
    this.#keyPackage = await MlsKeyPackage.generate(this.identity, { nowMs: Date.now(), lastResort: true });
    const params = { identityKey: this.key, package: this.#keyPackage.public, auth: this.#auth, lastResort: true };
    await this.#node.call("uploadKeyPackage", params);
  }

  /** Its own package, as somebody else's: what a lying directory answers. */
  async publishFor(identityKey: IdentityKey): Promise<void> {
    const own = await MlsKeyPackage.generate(this.identity, { nowMs: Date.now(), lastResort: false });
    await this.#node.call("uploadKeyPackage", {
      identityKey,
      package: own.public,
      auth: this.#auth,
      lastResort: false,
    });
  }

  /** A group of its own, with an id of its own choice. */
  async found(groupId: Uint8Array): Promise<void> {
    this.#group = await MlsGroup.create(this.identity, groupId, Date.now());
  }

  /** Joins and follows: everything that stands in its inbox. */
  async follow(): Promise<void> {
    for (const { seq, data } of await this.inboxOf(this.key, this.#seen)) {
      this.#seen = seq;
      if (isWelcome(data)) this.#group = (await MlsGroup.join(this.identity, data, () => this.#keyPackage)).group;
      const processed = this.#group === undefined ? undefined : await this.#group.process(data);
      if (processed !== undefined && "next" in processed) this.#group = processed.next;
    }
  }

  /** What stands in anybody's inbox: the static token may look everywhere. Removes nothing. */
  async inboxOf(recipientKey: IdentityKey, after = 0n): Promise<readonly { seq: bigint; data: Uint8Array }[]> {
    const inbox = { recipientKey, channelId: none, version: protocolVersion, auth: this.#auth };
    const { payloads } = await this.#node.call("peek", { ...inbox, limit: 0, after, storeEpoch: 0n });
    return payloads.map(({ seq, data }) => ({ seq, data: Uint8Array.from(data) }));
  }

  /** As if somebody else had read it. */
  async acknowledgeFor(recipientKey: IdentityKey, seqUpTo: bigint): Promise<void> {
    const inbox = { recipientKey, channelId: none, version: protocolVersion, auth: this.#auth };
    await this.#node.call("ack", { ...inbox, seqUpTo, storeEpoch: 0n });
  }

  async enqueue(recipientKey: IdentityKey, payload: Uint8Array, ttlSecs = 0): Promise<void> {
    await this.#node.call("enqueue", {
      recipientKey,
      payload,
      channelId: none,
      version: protocolVersion,
      auth: this.#auth,
      ttlSecs,
      idempotencyKey: new Uint8Array(randomBytes(16)),
    });
  }

  /** An application message of any content. */
  async encrypt(content: Uint8Array): Promise<Uint8Array> {
    const { next, message } = await this.group.encrypt(content);
    this.#group = next;
    return message;
  }

  /** A commit that the server accepts and delivers; `deliver: false` leaves its commit out of every inbox. */
  async commit(change: GroupChange = {}, { deliver = true } = {}): Promise<Uint8Array> {
    const before = this.group;
    const { next, commit, welcome } = await before.commit(change);
    const others = deliver ? before.members.filter(({ identityKey }) => identityKey.toHex() !== this.key.toHex()) : [];
    const entries = others.map(({ identityKey }) => ({ recipientKey: identityKey, payload: none }));
    const welcomes = (change.add ?? []).map(({ identityKey }) => ({
      recipientKey: identityKey,
      payload: welcome ?? none,
    }));
    await this.#node.call("submitCommit", {
      groupId: before.groupId,
      epoch: before.epoch,
      entries: [...entries, ...welcomes].map((one) => ({ ...one, channelId: none, idempotencyKey: none, ttlSecs: 0 })),
      payload: commit,
      idempotencyKey: new Uint8Array(randomBytes(16)),
      auth: this.#auth,
      epochProof: await before.epochProof(),
      nextProofHash: createHash("sha256")
        .update(await next.epochProof())
        .digest(),
    });
    this.#group = next;
    return commit;
  }

  /** The package that anybody would be given. */
  async keyPackageOf(identityKey: IdentityKey): Promise<Uint8Array> {
    const { package: bytes } = await this.#node.call("fetchKeyPackage", { identityKey, auth: this.#auth });
    return Uint8Array.from(bytes);
  }

  async close(): Promise<void> {
    this.#node.close();
  }
}
