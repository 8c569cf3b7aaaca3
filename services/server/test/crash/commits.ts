/** The group commits of a crash trial: each is known by its group and epoch alone, so that two processes agree on them. */
import { createHash } from "node:crypto";
import type { InboxKey } from "quicproquo-proto";
import type { GroupCommit } from "../../src/store/port.ts";
import { inboxNumber } from "./messages.ts";

export const groupCount = 32;
export const memberCount = 10;

export function memberInbox(group: number, member: number): InboxKey {
  return inboxNumber(group * memberCount + member);
}

/** The commit that leaves `epoch` of `group`: one payload shared by half of the members, one of its own for each other. */
export function commitNumber(group: number, epoch: number): GroupCommit {
  const shared = payloadOf(epoch);
  return {
    groupId: hashOf(`group ${group}`),
    epoch: BigInt(epoch),
    proofHash: hashOf(`proof ${group} ${epoch}`),
    nextProofHash: hashOf(`proof ${group} ${epoch + 1}`),
    messageId: hashOf(`commit ${group} ${epoch}`).subarray(0, 16),
    entries: Array.from({ length: memberCount }, (_, member) => ({
      inbox: memberInbox(group, member),
      payload: member % 2 === 0 ? shared : payloadOf(epoch),
      messageId: undefined,
      expiresAtMs: Date.now() + 3_600_000,
    })),
  };
}

function payloadOf(epoch: number): Uint8Array {
  const payload = new Uint8Array(600);
  new DataView(payload.buffer).setFloat64(0, epoch);
  return payload;
}

export function epochOf(payload: Uint8Array): number {
  return new DataView(payload.buffer, payload.byteOffset).getFloat64(0);
}

function hashOf(text: string): Uint8Array {
  return Uint8Array.from(createHash("sha256").update(text).digest());
}
