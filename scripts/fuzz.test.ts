/** Nothing that was found once comes back, and a minute of new sessions finds nothing. SEED=... repeats a minute. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { campaign, corpora, inputOf, readCorpus, replay, targets, writeFound } from "quicproquo-server/fuzz";
import { seed } from "quicproquo-server/testing/seed";

for (const folder of corpora) {
  for (const [file, text] of readCorpus(folder)) {
    test(`${file}: ${text.split("\n")[0]?.slice(2)} no more`, () => replay(targets, inputOf(text)));
  }
}

test("mutated sessions harm neither the runtime, nor the server, nor a client, nor those beside them", async (context) => {
  context.diagnostic(`seed ${seed}`);
  const { tallies, found } = await campaign(targets, { seed, milliseconds: 60_000 });
  for (const tally of tallies) context.diagnostic(tally.toString());
  if (found === undefined) return;
  const file = writeFound(join(tmpdir(), "qpq-fuzz"), found, seed);
  const { finding, input, run } = found;
  assert.fail(`run ${run} of ${input.target}, seed ${seed}, ${finding.stack}\n${file}:\n${readFileSync(file, "utf8")}`);
});
