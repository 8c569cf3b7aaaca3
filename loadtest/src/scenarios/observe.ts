/**
 * What seeing costs: a front-end's CPU a message with metrics and with traces of 1 % of the calls, beside one that counts
 * and traces nothing, in pairs of windows by turns.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { ensurePostgres, ensureRedis } from "../../../scripts/apt.ts";
import type { Window } from "../closed-loop.ts";
import { startCluster } from "../delivery/cluster.ts";
import { startFrontEnd } from "../delivery/front-ends.ts";
import { callers, Load, runWithUse } from "../delivery/load.ts";
import { Progress } from "../progress.ts";
import { Rows, Samples } from "../samples.ts";
import type { RunOptions, Scenario } from "../scenario.ts";
import { payloadBytes } from "../workload.ts";

const connections = 8;

type Plan = { readonly pairs: number; readonly warming: Window; readonly window: Window };
const plans: Record<"quick" | "full", Plan> = {
  quick: { pairs: 3, warming: { warmUpMs: 500, windowMs: 500 }, window: { warmUpMs: 100, windowMs: 1_000 } },
  full: { pairs: 10, warming: { warmUpMs: 5_000, windowMs: 1_000 }, window: { warmUpMs: 500, windowMs: 4_000 } },
};

export const observeScenario: Scenario = {
  doc: "what metrics and traces of 1 % cost a front-end, a message, beside neither",
  names: {
    figures: ["observed_cpu_us_per_message", "bare_cpu_us_per_message", "observed_per_s", "bare_per_s"],
    ratios: ["cpu_observed_vs_off"],
  },
  async run({ quick, say }: RunOptions) {
    ensurePostgres();
    ensureRedis();
    const plan = quick ? plans.quick : plans.full;
    say(`${callers} callers on ${connections} connections, ${payloadBytes} B; ${plan.pairs} pairs`);
    await using started = new AsyncDisposableStack();
    const collector = started.use(await startCollector());
    const start = async (settings: Readonly<Record<string, string>>, env: Readonly<Record<string, string>> = {}) => {
      // of its own: front-ends of one cluster hear of each other's messages
      const cluster = started.use(await startCluster());
      const frontEnd = started.use(await startFrontEnd(cluster.address, { settings, env }));
      const load = started.use(await Load.start("enqueue", { frontEnds: [frontEnd.address], connections }));
      return (window: Window) => runWithUse(load, [frontEnd], window);
    };
    const sides = [
      ["observed", await start({ metrics: "on" }, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint })],
      ["bare", await start({ metrics: "off" })],
    ] as const;
    for (const [, run] of sides) await run(plan.warming);
    const samples = new Samples();
    const progress = new Progress(plan.pairs);
    for (let pair = 0; pair < plan.pairs; pair++) {
      for (const [name, run] of pair % 2 === 0 ? sides : sides.toReversed()) {
        const { cpuUsPerRequest, perSecond } = await run(plan.window);
        samples.add(`${name}_cpu_us_per_message`, cpuUsPerRequest);
        samples.add(`${name}_per_s`, perSecond);
      }
      const shown = (name: string): string | undefined => samples.of(`${name}_cpu_us_per_message`)[pair]?.toFixed(1);
      progress.step(`observed ${shown("observed")} us, bare ${shown("bare")} us`);
    }
    const rows = new Rows();
    for (const [name] of sides) rows.figure(`${name}_cpu_us_per_message`, samples.of(`${name}_cpu_us_per_message`));
    for (const [name] of sides) rows.figure(`${name}_per_s`, samples.of(`${name}_per_s`));
    const ratios = samples.ratios("observed_cpu_us_per_message", "bare_cpu_us_per_message");
    rows.ratio("cpu_observed_vs_off", ratios);
    const notes = [
      "user and system of the front-end's process, on Postgres and Redis of its own; its collector is in the bench's process",
      `traces: ${collector.bodies()} bodies of OTLP came to the collector`,
    ];
    return { runs: plan.pairs, figures: rows.figures, ratios: rows.ratios, spread: rows.spread, notes };
  },
};

type Collector = AsyncDisposable & { readonly endpoint: string; readonly bodies: () => number };

/** Takes what comes. */
async function startCollector(): Promise<Collector> {
  let bodies = 0;
  const server = createServer((request, response) => {
    bodies++;
    request.resume().on("end", () => response.end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies: () => bodies,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
