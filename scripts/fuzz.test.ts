/** Nothing that was found once comes back, and a minute of new sessions finds nothing. SEED=... repeats a minute. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { campaign, corpora, inputOf, readCorpus, replay, targets, writeFound } from "quicproquo-server/fuzz";
import { seed } from "quicproquo-server/testing/seed";

for (const folder of corpora) {
  for (const [file, text] of readCorpus(folder)) {
    test(`${file}: ${text.split("\n")[0]?.slice(2)} no more`, () => replay(targets, inputOf(text)));
  }
}

const collect = ((): (() => void) => {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
})();

/** After what was forgotten has been released and collected. */
async function heapBytes(): Promise<number> {
  for (let round = 0; round < 10; round++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage().heapUsed;
}

async function fuzz(context: TestContext, options: { readonly seed: number; readonly milliseconds: number }) {
  const { tallies, found } = await campaign(targets, options);
  for (const tally of tallies) context.diagnostic(tally.toString());
  if (found === undefined) return;
  const file = writeFound(join(tmpdir(), "qpq-fuzz"), found, options.seed);
  const { finding, input, run } = found;
  const where = `run ${run} of ${input.target}, seed ${options.seed}`;
  assert.fail(`${where}, ${finding.stack}\n${file}:\n${readFileSync(file, "utf8")}`);
}

test("mutated sessions harm neither the runtime, nor the server, nor a client, nor those beside them, and leave no memory", async (context) => {
  context.diagnostic(`seeds ${seed} and ${seed + 1}`);
  await fuzz(context, { seed, milliseconds: 20_000 });
  const before = await heapBytes();
  await fuzz(context, { seed: seed + 1, milliseconds: 40_000 });
  const grown = (await heapBytes()) - before;
  context.diagnostic(`the heap grew by ${grown} bytes`);
  // 0.1 to 0.4 MB are code and inline caches; one session in fifty that stayed would be more than 4
  assert.ok(grown < 2_000_000, `the heap grew by ${grown} bytes`);
});
