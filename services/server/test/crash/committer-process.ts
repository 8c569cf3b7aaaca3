/**
 * The process that a crash test kills while it moves groups on: commits epoch after epoch of each group, all groups at
 * once, and prints `group epoch seqs` only after the store said that it is done, or `refused` with what it said instead.
 */
import { openEmbeddedStore } from "../../src/store/index.ts";
import { commitNumber, memberInbox } from "./commits.ts";
import { commitInTwo } from "./planted-faults.ts";
import { limits } from "./trial-limits.ts";

export type CommitterTask = {
  readonly file: string;
  /** Of each group, the first epoch that is not known to be stored. */
  readonly firstEpochs: readonly number[];
  readonly plantedFault: "none" | "two-transactions";
};

async function commit({ file, firstEpochs, plantedFault }: CommitterTask): Promise<void> {
  const { log } = await openEmbeddedStore({ file, limits, clock: Date.now });
  const commitGroup = plantedFault === "none" ? log.commitGroup : commitInTwo(log);
  async function moveOn(group: number, firstEpoch: number): Promise<void> {
    // The kill follows an answer, and answers come a transaction at a time: with half of the groups a transaction behind
    // the others, it meets some of them in the middle of whatever a commit takes more than one transaction for.
    if (group % 2 === 1) await log.ack(memberInbox(group, 0), 0n, 0n);
    for (let epoch = firstEpoch; ; epoch++) {
      const answer = await commitGroup(commitNumber(group, epoch));
      const said = "seqs" in answer ? `${group} ${epoch} ${answer.seqs}` : `refused ${group} ${epoch} ${answer.kind}`;
      process.stdout.write(`${said}\n`);
      if (!("seqs" in answer)) return;
    }
  }
  await Promise.all(firstEpochs.map((epoch, group) => moveOn(group, epoch)));
}

process.stdin.resume().on("end", () => process.exit(0));
await commit(JSON.parse(process.argv[2] ?? "") as CommitterTask);
