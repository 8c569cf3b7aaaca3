/** Steps of groups: the order of epochs, and the entries, in one statement. */
import type { GroupCommit, GroupCommitted } from "../port.ts";
import { senderShareOf } from "../sender-share.ts";
import { AppendBatch } from "./append-batch.ts";
import type { Statement } from "./connector.ts";
import type { Link } from "./link.ts";
import { numbersOf } from "./parameters.ts";
import { queryRepeatedly } from "./tries.ts";

/** Migrations 6 and 7 have the functions. */
const commitStatement: Statement = {
  name: "commit_group",
  text: "SELECT outcome, seqs FROM commit_group($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
};

export type CommitSettings = { readonly nowMs: number; readonly queueDepthMax: number };

/** Throws QpqError. */
export async function commitGroup(link: Link, commit: GroupCommit, settings: CommitSettings): Promise<GroupCommitted> {
  const batch = new AppendBatch([commit.entries]);
  let isUncertain = false;
  const [[outcome, seqsText] = []] = await queryRepeatedly(link, {
    statement: commitStatement,
    values: [
      Buffer.from(commit.groupId),
      commit.epoch,
      Buffer.from(commit.proofHash),
      Buffer.from(commit.nextProofHash),
      Buffer.from(commit.messageId),
      settings.nowMs,
      settings.queueDepthMax,
      batch.inboxArray,
      batch.keyArray,
      batch.expiryArray,
      batch.payloadArray,
      batch.bodyIndexArray,
      batch.bodyArray,
      batch.senderArray,
      senderShareOf(settings.queueDepthMax),
    ],
    onRepeat: () => {
      isUncertain = true;
    },
  });
  if (outcome === "epochTaken" || outcome === "badProof") return { kind: outcome };
  const seqs = numbersOf(seqsText as string).map((seq) => BigInt(Math.max(0, seq)));
  // it was this call that had it accepted, and its readers are still to be woken
  return { kind: outcome === "repeated" && !isUncertain ? "repeated" : "accepted", seqs };
}
