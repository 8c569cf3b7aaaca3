/** Deaths at seeded checkpoints, in this process: nothing is lost, doubled, or encrypted under a used key. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startServerProcess } from "quicproquo-server/testing";
import { temporaryFolder } from "../person.ts";
import { lateRecords } from "./late-records.ts";
import { randomOf, seed } from "quicproquo-server/testing/seed";
import { Story } from "./story.ts";

const server = await startServerProcess();
const folders = [temporaryFolder(), temporaryFolder()] as const;
after(async () => {
  await server[Symbol.asyncDispose]();
  for (const folder of folders) folder.remove();
});

/** Every place between two durable steps at which a client can die. */
const checkpointCount = 13;

test(`after each of 200 deaths and more a client carries on where it died (SEED=${seed})`, async (t) => {
  const options = { server, folder: folders[0].path, random: randomOf(seed), deathsMin: 200, deathChance: 0.2 };
  const { faults, ...facts } = await new Story(options).run();
  t.diagnostic(JSON.stringify({ ...facts, deathsAt: Object.fromEntries(facts.deathsAt) }));
  assert.deepEqual(faults, []);
  assert.ok(facts.deaths >= 200);
  assert.ok(facts.ciphertexts >= facts.messages);
  assert.ok(facts.deathsAt.size >= checkpointCount - 2, "the seeded deaths meet nearly every place");
});

test(`the same story shows messages in doubt and keys used twice when a message leaves before it is durable (SEED=${seed})`, async (t) => {
  const options = { server, folder: folders[1].path, random: randomOf(seed), deathsMin: 100, deathChance: 0.2 };
  const { faults } = await new Story({ ...options, wrap: lateRecords }).run();
  t.diagnostic(JSON.stringify(faults));
  assert.ok(faults.some((fault) => /^epoch \d+ leaf \d+ application generation \d+ twice$/.test(fault)));
});
