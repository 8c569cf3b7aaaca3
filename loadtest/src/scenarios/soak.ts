/**
 * Half of what the server carries, for a long time: messages that are all consumed, people who come, go and log in. What
 * grows is found: nothing may be more than 10 % larger in the last quarter than in the second.
 */
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Crowd } from "../crowd/crowd.ts";
import { clientsOf, crowdOptions, positiveOf, storeOf } from "../crowd/flags.ts";
import { failuresOf, outcomeOf } from "../crowd/outcome.ts";
import { Senders } from "../crowd/senders.ts";
import { Progress } from "../progress.ts";
import { Rows } from "../samples.ts";
import type { RunOptions, Scenario } from "../scenario.ts";
import { writeFiles } from "../soak/files.ts";
import { People } from "../soak/people.ts";
import { Recording, type SeriesKind, seriesKinds } from "../soak/recording.ts";
import { sample } from "../soak/sampler.ts";
import { keptForSecs, startSoakServer } from "../soak/soak-server.ts";
import { growthMax, growthOf } from "../soak/verdict.ts";
import { payloadBytes } from "../workload.ts";

type Plan = { readonly minutes: number; readonly subscribers: number; readonly pollers: number };
const plans: Record<"quick" | "full", Plan> = {
  quick: { minutes: 0.3, subscribers: 40, pollers: 4 },
  full: { minutes: 30, subscribers: 200, pollers: 20 },
};
const sampleMsMax = 5_000;
/** In a short run samples are denser: a quarter has some 6. */
const samplesMin = 24;
const collectionsMin = 48;
const capacityWindow = { callers: 256, warmUpMs: 2_000, windowMs: 4_000 };
const quickCapacityWindow = { callers: 256, warmUpMs: 1_000, windowMs: 1_000 };

const counts = [
  "minutes",
  "capacity_per_s",
  "rate_per_s",
  "acknowledged",
  "reconnects",
  "logins",
  "missed",
  "errors",
  "lost",
  "altered",
  "repeated",
  "gaps",
  "wal_bytes_per_message",
] as const;

export const soakScenario: Scenario = {
  doc: "half of the capacity for 30 minutes: what grows (nothing may), and what is lost",
  names: { figures: [...counts, ...seriesKinds.flatMap((kind) => [kind, `${kind}_growth`])], ratios: [] },
  options: { ...crowdOptions, minutes: { type: "string" }, rate: { type: "string" }, out: { type: "string" } },
  async run(options: RunOptions) {
    const plan = options.quick ? plans.quick : plans.full;
    const minutes = positiveOf(options, "minutes", plan.minutes);
    const subscribers = clientsOf(options, plan.subscribers);
    const { pollers } = plan;
    const store = storeOf(options, "cluster");
    await using started = new AsyncDisposableStack();
    const { cluster, frontEnds } = await startSoakServer({ store, minutes }, started);
    const addresses = frontEnds.map(({ address }) => address);
    const name = "soak";
    const crowd = started.use(
      await Crowd.start({ frontEnds: addresses, name, subscribers, pollers, acknowledges: true }),
    );
    const task = { frontEnds: addresses, connections: 8, inboxes: name, count: subscribers + pollers, payloadBytes };
    const senders = started.use(await Senders.start(task));
    const capacity =
      options.flags["rate"] === undefined
        ? (await senders.run(options.quick ? quickCapacityWindow : capacityWindow)).perSecond
        : undefined;
    const perSecond = capacity === undefined ? positiveOf(options, "rate", 1) : capacity / 2;
    options.say(
      `${Math.round(perSecond)} messages/s for ${minutes} minutes to ${subscribers} subscribers and ${pollers} who ask; ${store} store`,
    );

    await crowd.watch();
    const recording = new Recording();
    const writtenBefore = (await cluster?.sizes())?.writtenBytes;
    const { acknowledged: acknowledgedBefore } = await senders.sent();
    const people = started.use(await People.start(crowd, frontEnds));
    const sending = senders.send({ perSecond, seconds: minutes * 60, seed: 1 });
    await record({ minutes, take: (collects) => sample({ frontEnds, cluster, crowd, recording }, collects) });
    await people.end();
    const sent = await sending;
    const { losses } = await crowd.status();
    const outcome = await outcomeOf(crowd, senders);
    const writtenAfter = (await cluster?.sizes())?.writtenBytes;

    const rows = new Rows();
    const messages = outcome.acknowledged - acknowledgedBefore;
    const values: Record<(typeof counts)[number], number | undefined> = {
      minutes,
      capacity_per_s: capacity,
      rate_per_s: perSecond,
      acknowledged: outcome.acknowledged,
      reconnects: losses,
      logins: people.loginCount,
      missed: sent.missed,
      errors: sent.errorCount,
      lost: outcome.lost,
      altered: outcome.altered,
      repeated: outcome.repeated,
      gaps: outcome.gaps,
      wal_bytes_per_message:
        writtenAfter === undefined || writtenBefore === undefined
          ? undefined
          : (writtenAfter - writtenBefore) / messages,
    };
    for (const [each, value] of Object.entries(values)) rows.figure(each, value === undefined ? [] : [value]);
    const growing = seriesKinds.flatMap((kind) => judge(kind, recording, rows));
    const folder = String(options.flags["out"] ?? fileURLToPath(new URL("../../../.build/soak", import.meta.url)));
    const files = writeFiles(folder, `soak-${store}`, recording);
    const kept = keptForSecs(minutes);
    const notes = [
      `${store} store, ${frontEnds.length} front-ends; KIND: median of the last quarter, KIND_growth: of it and that of the second, of the front-end that grew most; at most ${growthMax}`,
      "heap_mb: after a collection of garbage; handles: open files and sockets; tables_mb: with indexes; wal_mb: files of the write-ahead log; p50_ms, p99_ms: from due to received",
      `dedupe-window-secs and message-life-secs are ${kept} s instead of 7 days, so that remembered message ids reach their amount within the run; tokens-max is 20`,
      "*: null where the store has no such part, a short run too few samples, or --rate was given",
      `files: ${files.join(" ")}`,
    ];
    const failures = [...failuresOf(outcome), ...growing];
    if (sent.errorCount > 0) failures.push(`${sent.errorCount} sends failed: ${Object.keys(sent.errors).join(", ")}`);
    const series = recording.series();
    return { runs: 1, figures: rows.figures, ratios: rows.ratios, spread: rows.spread, notes, series, failures };
  },
};

/** Of each that grows, a sentence. */
function judge(kind: SeriesKind, recording: Recording, rows: Rows): string[] {
  const growths = recording
    .of(kind)
    .map(growthOf)
    .filter((growth) => growth !== undefined);
  const worst = growths.toSorted((a, b) => b.ratio - a.ratio)[0];
  rows.figure(kind, worst === undefined ? [] : [worst.lastQuarter]);
  rows.figure(`${kind}_growth`, worst === undefined ? [] : [worst.ratio]);
  return growths
    .filter(({ isGrowing }) => isGrowing)
    .map(({ name, secondQuarter, lastQuarter }) => {
      return `${name} grows: ${secondQuarter.toFixed(1)} in the second quarter, ${lastQuarter.toFixed(1)} in the last`;
    });
}

type Recorded = { readonly minutes: number; readonly take: (collects: boolean) => Promise<void> };

async function record({ minutes, take }: Recorded): Promise<void> {
  const durationMs = minutes * 60_000;
  const everyMs = Math.min(sampleMsMax, durationMs / samplesMin);
  const samples = Math.floor(durationMs / everyMs);
  const collectsEvery = Math.max(1, Math.floor(samples / collectionsMin));
  const progress = new Progress(samples);
  const beganMs = performance.now();
  for (let n = 0; n < samples; n++) {
    await setTimeout(Math.max(0, beganMs + (n + 1) * everyMs - performance.now()));
    await take(n % collectsEvery === 0);
    progress.step(`${((performance.now() - beganMs) / 60_000).toFixed(1)} minutes`);
  }
}
