/**
 * A server dies under all its clients and is started again at its port, with its data: they notice, come back as the sdk
 * does, and go on behind their cursors, while somebody keeps sending. Nothing may be lost, come twice or in another order.
 */
import { availableParallelism } from "node:os";
import { setTimeout } from "node:timers/promises";
import { Crowd } from "../crowd/crowd.ts";
import { startCrowdFrontEnd, startCrowdStore } from "../crowd/crowd-front-end.ts";
import { clientsOf, crowdOptions, storeOf } from "../crowd/flags.ts";
import { failuresOf, outcomeOf } from "../crowd/outcome.ts";
import { Senders } from "../crowd/senders.ts";
import { machineMs } from "../open-loop/clock.ts";
import { peakResidentBytesOf } from "../process-facts.ts";
import { Progress } from "../progress.ts";
import { percentile } from "../report.ts";
import { Rows } from "../samples.ts";
import type { RunOptions, Scenario } from "../scenario.ts";
import { payloadBytes } from "../workload.ts";

type Plan = { readonly clients: number; readonly perSecond: number };
const plans: Record<"quick" | "full", Plan> = {
  quick: { clients: 1_000, perSecond: 200 },
  full: { clients: 10_000, perSecond: 500 },
};
/** Sending goes on before and after. */
const aroundMs = 2_000;
const lookMs = 250;
/** A client notices within its idle time of 15 s; then only the machine keeps it from coming back. */
const backMsMax = 300_000;
const steps = 10;

const figures = [
  "clients",
  "storm_down_ms",
  "storm_noticed_median_ms",
  "storm_noticed_last_ms",
  "storm_first_back_ms",
  "storm_median_back_ms",
  "storm_last_back_ms",
  "storm_connections_lost",
  "storm_cpu_bound_ms",
  "storm_server_cpu_ms_per_client",
  "storm_clients_cpu_ms_per_client",
  "storm_server_peak_mb",
  "storm_handshakes",
  "storm_handshakes_failed",
  "storm_retries",
  "storm_refused",
  "storm_resets",
  "storm_dropped_over_limit",
  "storm_dropped_busy",
  "acknowledged",
  "lost",
  "altered",
  "repeated",
  "gaps",
] as const;

export const stormScenario: Scenario = {
  doc: "10,000 clients come back after kill -9 and a restart: how soon, at what cost, and what is lost (nothing)",
  names: { figures, ratios: ["storm_last_back_vs_cpu_bound"] },
  options: crowdOptions,
  async run(options: RunOptions) {
    const plan = options.quick ? plans.quick : plans.full;
    const clients = clientsOf(options, plan.clients);
    const storeName = storeOf(options);
    options.say(
      `${clients} clients with a subscription each, ${plan.perSecond} messages/s to them; ${storeName} store`,
    );
    await using started = new AsyncDisposableStack();
    const store = await startCrowdStore(storeName, started);
    const killed = started.use(await startCrowdFrontEnd(store, { clientsMax: clients }));
    const frontEnds = [killed.address];
    const progress = new Progress(2 * steps + 2);
    const crowd = started.use(
      await Crowd.start({
        frontEnds,
        name: "storm",
        subscribers: clients,
        acknowledges: true,
        onProgress: stepper(clients, (connected) => progress.step(`${connected} clients`)),
      }),
    );
    const senders = started.use(
      await Senders.start({ frontEnds, connections: 8, inboxes: "storm", count: clients, payloadBytes }),
    );
    const sending = senders.send({ perSecond: plan.perSecond, seconds: backMsMax / 1_000, seed: 1 });
    await setTimeout(aroundMs);
    await crowd.watch();
    const [clientsFromUs, killedAtMs] = [crowd.cpuUs() + senders.cpuUs(), machineMs()];
    await killed.process.kill("SIGKILL");
    const frontEnd = started.use(await startCrowdFrontEnd(store, { clientsMax: clients, after: killed }));
    const listensAtMs = machineMs();
    progress.step(`killed, and listens again after ${Math.round(listensAtMs - killedAtMs)} ms`);
    const onBack = stepper(clients, (back) => progress.step(`${back} back`));
    for (;;) {
      const { back } = await crowd.status();
      onBack(back);
      if (back === clients) break;
      if (machineMs() - listensAtMs > backMsMax) throw new Error(`only ${back} of ${clients} are back after 5 minutes`);
      await setTimeout(lookMs);
    }
    const [serverUs, clientsUs] = [await frontEnd.cpuUs(), crowd.cpuUs() + senders.cpuUs() - clientsFromUs];
    const peakBytes = peakResidentBytesOf(frontEnd.process.pid);
    const { lostAtMs, backAtMs } = await crowd.returns();
    const { losses } = await crowd.status();
    await setTimeout(aroundMs);
    await senders.stop();
    const sent = await sending;
    const outcome = await outcomeOf(crowd, senders);
    progress.step(`${outcome.acknowledged} acknowledged, ${outcome.lost} lost`);

    const after = (times: readonly number[], p: number): number =>
      Math.max(
        0,
        percentile(
          times.toSorted((a, b) => a - b),
          p,
        ) - listensAtMs,
      );
    const cpuBoundMs = (serverUs + clientsUs) / 1_000 / availableParallelism();
    const count = async (name: string): Promise<number> => await frontEnd.transportCount(name);
    const lastBackMs = after(backAtMs, 1);
    const values: Record<(typeof figures)[number], number> = {
      clients,
      storm_down_ms: listensAtMs - killedAtMs,
      storm_noticed_median_ms: after(lostAtMs, 0.5),
      storm_noticed_last_ms: after(lostAtMs, 1),
      storm_first_back_ms: after(backAtMs, 0),
      storm_median_back_ms: after(backAtMs, 0.5),
      storm_last_back_ms: lastBackMs,
      storm_connections_lost: losses,
      storm_cpu_bound_ms: cpuBoundMs,
      storm_server_cpu_ms_per_client: serverUs / 1_000 / clients,
      storm_clients_cpu_ms_per_client: clientsUs / 1_000 / clients,
      storm_server_peak_mb: peakBytes / 2 ** 20,
      storm_handshakes: await count("handshakes"),
      storm_handshakes_failed: await count("handshakesFailed"),
      storm_retries: await count("retries"),
      storm_refused: await count("refused"),
      storm_resets: await count("statelessResets"),
      storm_dropped_over_limit: await count("droppedLimit"),
      storm_dropped_busy: await count("droppedBusy"),
      acknowledged: outcome.acknowledged,
      lost: outcome.lost,
      altered: outcome.altered,
      repeated: outcome.repeated,
      gaps: outcome.gaps,
    };
    const rows = new Rows();
    for (const [name, value] of Object.entries(values)) rows.figure(name, [value]);
    rows.ratio("storm_last_back_vs_cpu_bound", [lastBackMs / cpuBoundMs]);
    const notes = [
      `${storeName} store; times from when the server listens again until a client is told anew where its inbox stands`,
      "storm_noticed_*: when a client knows that its connection is gone: by a stateless reset to its next ping (every 10 s) or message, or by 15 s of silence",
      "storm_cpu_bound_ms: CPU of server, clients and senders from the kill until the last is back, over the cores: it cannot be sooner than that; what the noticing takes comes on top",
      "storm_resets: stateless resets; storm_dropped_over_limit: datagrams over a limit of such answers; storm_dropped_busy: first datagrams with a Retry token that a busy server left for later",
      `storm_connections_lost: ${clients} once each; more is who came back and lost its connection again`,
      `all clients come from 127.0.0.1, so connections-per-address-max is raised; senders: ${sent.missed} missed, ${sent.errorCount} errors`,
    ];
    const failures = failuresOf(outcome);
    return { runs: 1, figures: rows.figures, ratios: rows.ratios, spread: rows.spread, notes, failures };
  },
};

/** Calls `step` once for each tenth of the whole. */
function stepper(whole: number, step: (count: number) => void): (count: number) => void {
  let shown = 0;
  return (count) => {
    for (; count >= ((shown + 1) * whole) / steps; shown++) step(count);
  };
}
