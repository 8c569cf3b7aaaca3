/** A group of ours with a committer and one more living member; the others are KeyPackages that were added once. */
import { randomBytes } from "node:crypto";
import { Identity, MlsGroup, MlsKeyPackage, type PeerKeyPackage, parseKeyPackage } from "quicproquo-core";
import { type MeasuredGroup, messageBytes, messagesATime, timed } from "./measured-group.ts";

export class OurGroup implements MeasuredGroup {
  readonly #committer: MlsGroup;
  readonly #other: MlsGroup;
  readonly #newcomer: PeerKeyPackage;

  private constructor(committer: MlsGroup, other: MlsGroup, newcomer: PeerKeyPackage) {
    this.#committer = committer;
    this.#other = other;
    this.#newcomer = newcomer;
  }

  static async of(members: number): Promise<OurGroup> {
    const [me, other] = [Identity.generate(), Identity.generate()];
    const own = await packageOf(other);
    const add = [await parsed(own, other)];
    while (add.length < members - 1) {
      const filler = Identity.generate();
      add.push(await parsed(await packageOf(filler), filler));
    }
    const alone = await MlsGroup.create(me, randomBytes(16), Date.now());
    const { next, welcome } = await alone.commit({ add });
    if (welcome === undefined) throw new Error("a commit that adds has a Welcome");
    const isOwn = (ref: Uint8Array) => Buffer.from(ref).equals(own.ref);
    const joined = await MlsGroup.join(other, welcome, (ref) => (isOwn(ref) ? own : undefined));
    const newcomer = Identity.generate();
    return new OurGroup(next, joined.group, await parsed(await packageOf(newcomer), newcomer));
  }

  add(): Promise<number> {
    return timed(() => this.#committer.commit({ add: [this.#newcomer] }));
  }

  async processAdd(): Promise<number> {
    const { commit } = await this.#committer.commit({ add: [this.#newcomer] });
    return timed(() => this.#other.process(commit));
  }

  remove(): Promise<number> {
    return timed(() => this.#committer.commit({ remove: [this.#other.myLeaf] }));
  }

  update(): Promise<number> {
    return timed(() => this.#committer.commit());
  }

  async encrypt(): Promise<number> {
    return (await timed(() => this.#messages())) / messagesATime;
  }

  async decrypt(): Promise<number> {
    const messages = await this.#messages();
    const read = async () => {
      let group = this.#other;
      for (const message of messages) group = nextOf(await group.process(message));
    };
    return (await timed(read)) / messagesATime;
  }

  /** What sender and receiver write for one message, the larger of the two. */
  async stateBytesPerMessage(): Promise<number> {
    const { next, message } = await this.#committer.encrypt(new Uint8Array(messageBytes));
    const read = nextOf(await this.#other.process(message));
    const bytes = [this.#committer.delta(next), this.#other.delta(read)].map((deltas) => {
      if (deltas === undefined) throw new Error("a message has a delta");
      return deltas.reduce((sum, delta) => sum + delta.bytes.length, 0);
    });
    return Math.max(...bytes);
  }

  async #messages(): Promise<readonly Uint8Array[]> {
    const messages: Uint8Array[] = [];
    let group = this.#committer;
    for (let at = 0; at < messagesATime; at++) {
      const { next, message } = await group.encrypt(new Uint8Array(messageBytes));
      messages.push(message);
      group = next;
    }
    return messages;
  }
}

function nextOf(processed: Awaited<ReturnType<MlsGroup["process"]>>): MlsGroup {
  if (processed.kind !== "application") throw new Error(`a message was ${processed.kind}`);
  return processed.next;
}

function packageOf(identity: Identity): Promise<MlsKeyPackage> {
  return MlsKeyPackage.generate(identity, { nowMs: Date.now(), lastResort: false });
}

function parsed(own: MlsKeyPackage, identity: Identity): Promise<PeerKeyPackage> {
  return parseKeyPackage(own.public, identity.identityKey, Date.now());
}
