/** SIGKILL in the middle of group commits: a group's epoch and its commit in all inboxes move together; and the trial would have seen it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { openEmbeddedStore } from "../../src/store/index.ts";
import type { CommitterTask } from "./committer-process.ts";
import { epochOf, groupCount, memberCount, memberInbox } from "./commits.ts";
import { randomOf, seed } from "../../testing/seed.ts";
import { messagePlaces, runUntilKilled, withStoreFile } from "./trial.ts";
import { limits } from "./trial-limits.ts";

const commitsMin = 3_000;

/** Kills a committer after so many answers; counts up, for each group, the epochs that were acknowledged. */
async function commitAndKill(task: CommitterTask, killAfterAnswers: number): Promise<number[]> {
  const epochs = [...task.firstEpochs];
  const refused: string[] = [];
  let answers = 0;
  await runUntilKilled({
    program: "committer-process.ts",
    task,
    onLine(line) {
      const [group = "", epoch, seqs] = line.split(" ");
      if (group === "refused") refused.push(line);
      else {
        epochs[Number(group)] = Number(epoch) + 1;
        // epoch e of a trial is message e + 1 of each member
        assert.equal(seqs, new Array(memberCount).fill(Number(epoch) + 1).join());
      }
      return ++answers === killAfterAnswers || refused.length === 1;
    },
  });
  assert.deepEqual(refused, [], `SEED=${seed}`);
  return epochs;
}

/** Which epochs stand in each inbox, by group and member. */
async function readAll(file: string): Promise<number[][][]> {
  const store = await openEmbeddedStore({ file, limits, clock: Date.now });
  const read = async (group: number, member: number): Promise<number[]> => {
    const query = { inbox: memberInbox(group, member), after: 0n, storeEpoch: 0n, limit: 1_000_000, bytesMax: 2 ** 30 };
    return (await store.log.read(query)).messages.map(({ payload }) => epochOf(payload));
  };
  const groups = Array.from({ length: groupCount }, (_, group) =>
    Promise.all(Array.from({ length: memberCount }, (_, member) => read(group, member))),
  );
  const found = await Promise.all(groups);
  await store.close();
  return found;
}

/** How many groups have a commit that some members have and others have not. */
function torn(found: readonly (readonly (readonly number[])[])[]): number {
  return found.filter((members) => new Set(members.map((epochs) => epochs.length)).size > 1).length;
}

for (const place of messagePlaces) {
  describe(`the embedded store with its messages in ${place === "log" ? "a log" : "tables"}`, () => {
    test(`over ${commitsMin} commits with the process killed again and again, each is with all members or none, and its repeat is answered right`, async (t) => {
      t.diagnostic(`SEED=${seed}`);
      const random = randomOf(seed);
      await withStoreFile(place, async (file) => {
        let firstEpochs: readonly number[] = new Array<number>(groupCount).fill(0);
        for (let round = 1; sum(firstEpochs) < commitsMin; round++) {
          // the first commit of each group repeats what may have been stored before the kill
          const task = { file, firstEpochs, plantedFault: "none" } as const;
          firstEpochs = await commitAndKill(task, 1 + Math.floor(random() * 1_000));
          const found = await readAll(file);
          assert.equal(torn(found), 0, `round ${round}, SEED=${seed}`);
          for (const [group, members] of found.entries()) {
            const acknowledged = firstEpochs[group] ?? 0;
            for (const epochs of members) {
              assert.deepEqual(epochs, [...epochs.keys()], "in order, without holes, none twice");
              assert.ok(epochs.length === acknowledged || epochs.length === acknowledged + 1);
            }
          }
        }
      });
    });

    test("a store that moves the epoch and delivers in two transactions is found out", async () => {
      await withStoreFile(place, async (file) => {
        const firstEpochs = new Array<number>(groupCount).fill(0);
        await commitAndKill({ file, firstEpochs, plantedFault: "two-transactions" }, 500);
        assert.ok(torn(await readAll(file)) > 0);
      });
    });
  });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
