/** Rivals that move one group on: each offers its own commit of the group's epoch until it is told that it or the other won. */
import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Book } from "./book.ts";
import type { Commit } from "./commit-book.ts";
import { idempotencyKeyOf, inboxNameOf, payloadOf } from "./messages.ts";
import type { SendersBook, SendersSeat } from "./senders.ts";

export type RivalsOptions = {
  readonly seats: readonly SendersSeat[];
  readonly book: SendersBook & Pick<Book, "acceptCommit" | "refuseCommit">;
  readonly group: number;
  readonly memberKeys: readonly Uint8Array[];
  readonly isOver: () => boolean;
  readonly pauseMs: () => number;
};

const empty = new Uint8Array();

/** Each is told of its last commit what became of it when this resolves, unless it is over. */
export async function commitAll(options: RivalsOptions): Promise<void> {
  // the furthest that any of them knows: who was overtaken goes on there
  const group = { nextEpoch: 0 };
  await Promise.all(options.seats.map((seat, rival) => moveOn(options, { seat, rival, group })));
}

type Rival = { readonly seat: SendersSeat; readonly rival: number; readonly group: { nextEpoch: number } };

async function moveOn(options: RivalsOptions, { seat, rival, group }: Rival): Promise<void> {
  const { book, memberKeys } = options;
  while (!options.isOver()) {
    const epoch = group.nextEpoch;
    const commit: Commit = { group: options.group, epoch, rival };
    const told = await offer(options, seat, commit);
    if (told === "over") return;
    group.nextEpoch = Math.max(group.nextEpoch, epoch + 1);
    if (told === "taken") book.refuseCommit(commit);
    else {
      book.acceptCommit(commit);
      const payload = payloadOf({ kind: "commit", ...commit });
      for (const [i, seq] of told.entries()) {
        if (seq === 0n) book.unexpected(`${seat.place} was told that a member's inbox is full`);
        else book.acknowledge(inboxNameOf(memberKeys[i] as Uint8Array), seq, payload, seat.place);
      }
    }
    await pause(options.pauseMs());
  }
}

async function offer(
  { memberKeys }: RivalsOptions,
  seat: SendersSeat,
  commit: Commit,
): Promise<readonly bigint[] | "taken" | "over"> {
  const { group, epoch } = commit;
  const message = { kind: "commit", ...commit } as const;
  const params = {
    groupId: hashOf(`group ${group}`),
    epoch: BigInt(epoch),
    entries: memberKeys.map((recipientKey) => ({
      recipientKey,
      channelId: empty,
      payload: empty,
      idempotencyKey: empty,
      ttlSecs: 0,
    })),
    payload: payloadOf(message),
    idempotencyKey: idempotencyKeyOf(message),
    epochProof: proofOf(group, epoch),
    nextProofHash: hashOf(proofOf(group, epoch + 1)),
  };
  try {
    const answer = await seat.insist(
      (client, signal) => client.call("submitCommit", params, { signal }),
      ({ code }) => code === "E031_EPOCH_TAKEN",
    );
    return answer?.seqs ?? "over";
  } catch {
    return "taken";
  }
}

function proofOf(group: number, epoch: number): Uint8Array {
  return hashOf(`proof ${group} ${epoch}`);
}

function hashOf(what: string | Uint8Array): Uint8Array {
  return createHash("sha256").update(what).digest();
}
