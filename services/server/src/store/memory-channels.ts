/** The channels of the reference store. Synchronous; memory.ts gives it the port's shape. */
import { bytesOfLatin1, type IdentityKey, latin1 } from "quicproquo-proto";
import type { ChannelMade, ChannelStore } from "./port.ts";

type Members = readonly [IdentityKey, IdentityKey];

export class MemoryChannels {
  /** By id. */
  readonly #members = new Map<string, Members>();

  createChannel({ a, b, newId }: Parameters<ChannelStore["createChannel"]>[0]): ChannelMade {
    const members = [a, b].sort(Buffer.compare) as unknown as Members;
    const pair = nameOf(members);
    for (const [id, known] of this.#members) {
      if (nameOf(known) === pair) return { channelId: bytesOfLatin1(id), wasNew: id === latin1(newId) };
    }
    this.#members.set(latin1(newId), members);
    return { channelId: newId, wasNew: true };
  }

  membersOf(channelId: Uint8Array): Members | undefined {
    return this.#members.get(latin1(channelId));
  }

  removeOf(key: IdentityKey): void {
    for (const [id, members] of this.#members) {
      if (members.some((member) => latin1(member) === latin1(key))) this.#members.delete(id);
    }
  }
}

function nameOf(members: Members): string {
  return members.map(latin1).join("");
}
