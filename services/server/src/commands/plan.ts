/** `qpq-server plan --users N`: what machines that needs with these settings, from measured costs. It starts nothing. */
import { availableParallelism } from "node:os";
import { QpqError } from "quicproquo-proto";
import { loadConfig } from "../config.ts";
import { type Plan, type PlanInput, planFor } from "../ops/cost-model.ts";
import { positiveOption } from "./own-options.ts";
import type { OwnCommand, OwnProgram } from "./program.ts";

/** E048_USAGE, E046_CONFIG. */
export const plan: OwnCommand = {
  options: {
    users: "value",
    "messages-per-day": "value",
    peak: "value",
    "unread-share": "value",
    "keep-alive-ms": "value",
    "payload-bytes": "value",
    processes: "value",
    cores: "value",
    "calls-per-connection": "value",
    "with-callers": "switch",
    "on-cluster": "switch",
    json: "switch",
  },
  run,
};

async function run({ sources, options, words, print }: OwnProgram): Promise<void> {
  if (options["users"] === undefined || words.length > 0) {
    throw new QpqError("E048_USAGE", { text: "say how many: qpq-server plan --users 100000 [--messages-per-day 20]" });
  }
  const config = loadConfig(sources);
  const users = positiveOption(options, "users", 0);
  const input: PlanInput = {
    users,
    messagesPerDay: positiveOption(options, "messages-per-day", 20),
    peak: positiveOption(options, "peak", 10),
    unreadShare: positiveOption(options, "unread-share", 0.1),
    keepAliveMs: positiveOption(options, "keep-alive-ms", 10_000),
    connectionsMax: config.quic.connectionsMax,
    dedupeWindowSecs: config.limits.dedupeWindowSecs,
    store: config.cluster !== undefined || options["on-cluster"] === true ? "cluster" : "sqlite",
    ...(options["processes"] !== undefined && { processes: Math.ceil(positiveOption(options, "processes", 1)) }),
    machine: {
      cores: positiveOption(options, "cores", availableParallelism()),
      payloadBytes: positiveOption(options, "payload-bytes", 512),
      callsPerConnection: positiveOption(options, "calls-per-connection", 1),
      withCallers: options["with-callers"] === true,
    },
  };
  const found = planFor(input);
  print(options["json"] === true ? `${JSON.stringify(found)}\n` : tableOf(input, found));
}

function tableOf({ users, machine }: PlanInput, found: Plan): string {
  const { coresUsed, limit, throughput } = found;
  const rows: (readonly [name: string, text: string])[] = [
    ["users", `${users.toLocaleString("en")}, all of them connected`],
    ["messages", `${rate(found.messagesPerSecond)} on average, ${rate(found.messagesPerSecondAtPeak)} at the peak`],
    ["processes", `${found.processes} (connectionsMax)`],
    ["memory", `${gigabytes(found.memoryBytes)} of front-ends`],
    [
      "cores",
      `${found.cores} of front-ends; used at the peak: pings ${coresUsed.pings.toFixed(2)}, messages ${coresUsed.messages.toFixed(2)}, hints ${coresUsed.hints.toFixed(2)}`,
    ],
    ...(found.databaseCores === 0 ? [] : [["db cores", `${found.databaseCores} for Postgres`] as const]),
    ["disk", `${gigabytes(found.diskBytes)}, and ${gigabytes(found.logBytesPerDay)} of log a day`],
    ["storm", `${found.stormSeconds.toFixed(0)} s until everybody is back who came in one moment`],
    [
      "carries",
      `at most ${rate(throughput.messagesPerSecond)} of ${machine.payloadBytes} B, durable, on one machine of ${machine.cores} cores; then its ${throughput.bound} are full`,
    ],
    ...(limit === undefined ? [] : [["limit", limit] as const]),
  ];
  return rows.map(([name, text]) => `${name.padEnd(14)}${text}\n`).join("");
}

function rate(perSecond: number): string {
  return `${perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond).toLocaleString("en")}/s`;
}

function gigabytes(bytes: number): string {
  return bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
