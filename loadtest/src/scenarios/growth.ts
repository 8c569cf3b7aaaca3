/**
 * Does it get slower as it fills? Enqueue and fetch of the cluster's store over 10^4, 10^5 and 10^6 inboxes with a message
 * waiting in each: databases of one server, by turns; and enqueue directly after a checkpoint, when each page that is
 * touched for the first time goes into the log as a whole.
 */
import { randomBytes, randomInt } from "node:crypto";
import type { InboxKey } from "quicproquo-proto";
import type { Store } from "quicproquo-server/store";
import { TestPostgres } from "quicproquo-server/testing/postgres";
import { ensurePostgres } from "../../../scripts/apt.ts";
import { openStore } from "../delivery/cluster.ts";
import { bytesPerRow, fillDatabase, inboxOf } from "../growth/filled-database.ts";
import { timeCalls } from "../growth/timed-calls.ts";
import { Progress } from "../progress.ts";
import { median } from "../report.ts";
import { Rows, Samples } from "../samples.ts";
import type { RunOptions, Scenario } from "../scenario.ts";
import { payloadBytes } from "../workload.ts";

const sizes = { "1e4": 10_000, "1e5": 100_000, "1e6": 1_000_000 } as const;
type Size = keyof typeof sizes;
const kinds = ["enqueue", "fetch", "enqueue_after_checkpoint"] as const;
/** Few, so that a measurement changes little of what it measures; in slices by turns, so that a slow moment hits all sizes. */
const slices = 10;
const slice = { callers: 8, calls: 40 } as const;
const runs = 5;
const lifeMs = 7 * 86_400_000;
/** No checkpoint comes by itself. */
const settings = { shared_buffers: "128MB", checkpoint_timeout: "1h", max_wal_size: "16GB" } as const;

type Filled = { readonly size: Size; readonly store: Store };

const tables = ["inbox", "message", "dedupe"] as const;
/** Beside the smallest. */
const compared = ["1e5", "1e6"] as const;

export const growthScenario: Scenario = {
  doc: "time of enqueue and fetch on the cluster's store with 10^4, 10^5 and 10^6 inboxes and queued messages",
  names: {
    figures: [
      ...tables.map((table) => `${table}_row_bytes`),
      ...kinds.flatMap((kind) => Object.keys(sizes).map((size) => `${kind}_ms_${size}`)),
    ],
    ratios: kinds.flatMap((kind) => compared.map((size) => `${kind}_${size}_vs_1e4`)),
  },
  async run({ quick, say }: RunOptions) {
    ensurePostgres();
    const names = (Object.keys(sizes) as Size[]).filter((size) => !quick || size !== "1e6");
    say(`${payloadBytes} B in each inbox; ${slices * slice.calls} calls by ${slice.callers} callers a measurement`);
    await using started = new AsyncDisposableStack();
    const postgres = started.use(await TestPostgres.start({ settings }));
    const progress = new Progress(names.length + 2 * runs);
    const samples = new Samples();
    const filled: Filled[] = [];
    for (const size of names) {
      const database = await fillDatabase(postgres, sizes[size]);
      const store = await openStore({ databaseUrl: database.url, redisUrl: undefined });
      started.defer(() => store.close());
      filled.push({ size, store });
      progress.step(`filled ${size}`);
      if (size !== "1e5") continue;
      const bytes = Object.entries(await bytesPerRow(database, sizes[size]));
      for (const [table, value] of bytes) samples.add(`${table}_row_bytes`, value);
    }
    const shown = (kind: string, run: number): string =>
      names.map((size) => `${size} ${samples.of(`${kind}_${size}`)[run]?.toFixed(2)} ms`).join(", ");
    // the first makes statements and caches warm and isn't counted
    for (let run = -1; run < runs; run++) {
      const into = run < 0 ? new Samples() : samples;
      await measure("enqueue", { filled, call: enqueue, samples: into });
      await measure("fetch", { filled, call: fetch, samples: into });
      if (run >= 0) progress.step(`enqueue ${shown("enqueue", run)}; fetch ${shown("fetch", run)}`);
    }
    for (let run = 0; run < runs; run++) {
      await (await postgres.createDatabase()).query("CHECKPOINT");
      await measure("enqueue_after_checkpoint", { filled, call: enqueue, samples });
      progress.step(`after a checkpoint: enqueue ${shown("enqueue_after_checkpoint", run)}`);
    }
    return reportOf(samples, quick);
  },
};

type Call = (filled: Filled) => Promise<void>;
type Measurement = { readonly filled: readonly Filled[]; readonly call: Call; readonly samples: Samples };

/** The median time of a call, for each size. */
async function measure(kind: (typeof kinds)[number], { filled, call, samples }: Measurement): Promise<void> {
  const timesMs = new Map(filled.map(({ size }): [Size, number[]] => [size, []]));
  for (let i = 0; i < slices; i++) {
    for (const each of i % 2 === 0 ? filled : filled.toReversed()) {
      timesMs.get(each.size)?.push(...(await timeCalls({ ...slice, call: () => call(each) })));
    }
  }
  for (const [size, times] of timesMs) samples.add(`${kind}_${size}`, median(times));
}

const anyInbox = (size: Size): InboxKey => inboxOf(randomInt(sizes[size]));

async function enqueue({ size, store }: Filled): Promise<void> {
  const entry = { inbox: anyInbox(size), payload: randomBytes(payloadBytes), messageId: randomBytes(16) };
  const { kind } = await store.log.append({ ...entry, expiresAtMs: Date.now() + lifeMs });
  if (kind !== "stored") throw new Error(`append answered ${kind}`);
}

async function fetch({ size, store }: Filled): Promise<void> {
  const query = { inbox: anyInbox(size), after: 0n, storeEpoch: 0n, limit: 100, bytesMax: 1 << 20 };
  const { messages } = await store.log.read(query);
  if (messages.length === 0) throw new Error("an inbox is empty");
}

function reportOf(samples: Samples, quick: boolean): Awaited<ReturnType<Scenario["run"]>> {
  const rows = new Rows();
  for (const table of tables) rows.figure(`${table}_row_bytes`, samples.of(`${table}_row_bytes`));
  for (const kind of kinds) {
    for (const size of Object.keys(sizes)) rows.figure(`${kind}_ms_${size}`, samples.of(`${kind}_${size}`));
    for (const size of compared) {
      rows.ratio(`${kind}_${size}_vs_1e4`, samples.ratios(`${kind}_${size}`, `${kind}_1e4`));
    }
  }
  const notes = [
    `median time of ${slices * slice.calls} calls by ${slice.callers} callers at random inboxes, the store called directly; a run adds ${slices * slice.calls} messages`,
    "ratios are times: above 1 is slower than with 10^4",
    `the tables of 10^6 are about 1.2 GB, Postgres has ${JSON.stringify(settings)}: the rest is in the page cache`,
    "row_bytes: on disk with indexes, freshly filled (1e5); inbox rows leave room on their pages for their updates",
    "after_checkpoint: the first calls that follow a CHECKPOINT",
  ];
  if (quick) notes.push("*_1e6, *_1e6_vs_1e4: not measured with --quick, which has no time to fill it");
  return { runs, figures: rows.figures, ratios: rows.ratios, spread: rows.spread, notes };
}
