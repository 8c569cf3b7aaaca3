/**
 * `npm run fuzz -- --minutes 10`: mutated sessions against the RPC runtime, the server and a client, until the time is
 * over or something is found; the corpora first. Prints the seed and what was run. A finding is shrunk, written to a
 * file and printed; exits 1 then.
 *
 *     --minutes N   how long, 1 by default          --seed S   chance by default
 *     --only NAME   one target: peer, node, client  --from N   the first run of each target
 *     FILE ...      only plays these inputs back
 */
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { campaign, corpora, inputOf, readCorpus, replay, targets, writeFound } from "quicproquo-server/fuzz";

const print = (line: string): void => void process.stdout.write(`${line}\n`);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: "string", default: "1" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    only: { type: "string" },
    from: { type: "string", default: "0" },
  },
});
const seed = Number(values.seed);
const chosen = targets.filter(({ name }) => values.only === undefined || name === values.only);

if (chosen.length === 0) {
  print(`fuzz: there is no target ${values.only}; there are ${targets.map(({ name }) => name).join(", ")}`);
  process.exitCode = 2;
} else if (positionals.length > 0) {
  for (const file of positionals) await play(file, readFileSync(file, "utf8"));
} else {
  for (const folder of corpora) for (const [file, text] of readCorpus(folder)) await play(join(folder, file), text);
  if (process.exitCode === undefined) await search();
}

async function play(file: string, text: string): Promise<void> {
  try {
    await replay(targets, inputOf(text));
    print(`${file}: nothing found`);
  } catch (error) {
    print(`${file}: ${String(error)}`);
    process.exitCode = 1;
  }
}

async function search(): Promise<void> {
  print(`seed ${seed}, ${values.minutes} min: ${chosen.map(({ name }) => name).join(", ")}`);
  const startedAtMs = performance.now();
  const options = { seed, milliseconds: Number(values.minutes) * 60_000, from: Number(values.from) };
  const { tallies, found } = await campaign(chosen, options);
  const seconds = ((performance.now() - startedAtMs) / 1_000).toFixed(1);
  for (const tally of tallies) print(tally.toString());
  if (found === undefined) return print(`nothing found in ${seconds} s`);
  const { input, finding, run } = found;
  const file = writeFound(join(tmpdir(), "qpq-fuzz"), found, seed);
  print(`run ${run} of ${input.target} found, under seed ${seed}: ${finding.kind}: ${finding.stack}`);
  print(`${readFileSync(file, "utf8")}written to ${file}`);
  print(`again: npm run fuzz -- ${file}`);
  process.exitCode = 1;
}
