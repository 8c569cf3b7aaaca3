/**
 * What a login costs the server, on each store: both halves over QUIC, the identity's proof, the token's durable row;
 * beside the server's half of OPAQUE alone, in the same run.
 */
import { ensurePostgres, ensureRedis } from "../../../scripts/apt.ts";
import { startCluster } from "../delivery/cluster.ts";
import { type FrontEnd, startEmbedded, startFrontEnd } from "../delivery/front-ends.ts";
import { Load, runWithUse } from "../delivery/load.ts";
import { Progress } from "../progress.ts";
import { Rows, Samples } from "../samples.ts";
import type { RunOptions, Scenario } from "../scenario.ts";

const callers = 16;
const connections = 4;
const warmUpMs = 2_500;
const many = 1_000_000;
/** What is measured is the work, not its refusal. */
const settings = {
  "login-attempts-per-minute": many,
  "login-address-attempts-per-minute": many,
  "login-account-attempts-per-minute": many,
  "registrations-per-hour": many,
};

const stores = ["cluster", "embedded"] as const;
const perStore = ["login_cpu_ms", "login_per_s", "login_p99_ms"] as const;

export const accountsScenario: Scenario = {
  doc: "server CPU of a login on each store, beside OPAQUE alone; logins/s of one process",
  names: {
    figures: [...stores.flatMap((store) => perStore.map((figure) => `${figure}_${store}`)), "opaque_cpu_ms"],
    ratios: stores.map((store) => `login_cpu_vs_opaque_${store}`),
  },
  async run({ quick, say }: RunOptions) {
    ensurePostgres();
    ensureRedis();
    const runs = quick ? 3 : 7;
    const opaqueLogins = quick ? 150 : 400;
    const window = { callers, warmUpMs: 500, windowMs: quick ? 2_000 : 5_000 };
    say(`${callers} callers on ${connections} connections, each with an account of its own; no limit on tries`);
    await using cluster = await startCluster();
    await using onCluster = await startFrontEnd(cluster.address, { settings });
    await using embedded = await startEmbedded({ settings });
    const sides = { cluster: await loadOf(onCluster), embedded: await loadOf(embedded) };
    await using stack = new AsyncDisposableStack();
    for (const { load } of Object.values(sides)) stack.use(load);
    const samples = new Samples();
    const progress = new Progress(runs);
    // to compiled code
    for (const { load } of Object.values(sides)) await load.run({ ...window, windowMs: warmUpMs });
    for (let run = 0; run < runs; run++) {
      for (const name of run % 2 === 0 ? stores : stores.toReversed()) {
        const { load, frontEnd } = sides[name];
        samples.add(`opaque_${name}`, (await load.peer.ask<number>("opaque", { logins: opaqueLogins })) / 1_000);
        const result = await runWithUse(load, [frontEnd], window);
        samples.add(`login_cpu_ms_${name}`, result.cpuUsPerRequest / 1_000);
        samples.add(`login_per_s_${name}`, result.perSecond);
        samples.add(`login_p99_ms_${name}`, result.p99Ms);
      }
      progress.step(
        stores.map((name) => `${name} ${samples.of(`login_cpu_ms_${name}`)[run]?.toFixed(2)} ms`).join(", "),
      );
    }
    const rows = new Rows();
    for (const name of stores) {
      for (const figure of perStore) {
        rows.figure(`${figure}_${name}`, samples.of(`${figure}_${name}`));
      }
      rows.ratio(`login_cpu_vs_opaque_${name}`, samples.ratios(`login_cpu_ms_${name}`, `opaque_${name}`));
    }
    rows.figure("opaque_cpu_ms", [...samples.of("opaque_cluster"), ...samples.of("opaque_embedded")]);
    const notes = [
      "login_cpu_ms: user and system of the whole qpq-server process for loginStart and loginFinish of one login; Postgres and Redis not counted",
      "opaque_cpu_ms: the server's part of OPAQUE for the same two messages, without network, store, sealing and proof",
    ];
    return { runs, figures: rows.figures, ratios: rows.ratios, spread: rows.spread, notes };
  },
};

async function loadOf(frontEnd: FrontEnd): Promise<{ readonly frontEnd: FrontEnd; readonly load: Load }> {
  const task = { frontEnds: [frontEnd.address], connections, accounts: callers };
  return { frontEnd, load: await Load.start("login", task) };
}
