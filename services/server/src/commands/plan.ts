/** `qpq-server plan --users N`: what machines that needs with these settings, from measured costs. It starts nothing. */
import { QpqError } from "quicproquo-proto";
import { loadConfig } from "../config.ts";
import { type Plan, planFor } from "../ops/cost-model.ts";
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
  const found = planFor({
    users,
    messagesPerDay: positiveOption(options, "messages-per-day", 20),
    peak: positiveOption(options, "peak", 10),
    unreadShare: positiveOption(options, "unread-share", 0.1),
    keepAliveMs: positiveOption(options, "keep-alive-ms", 10_000),
    connectionsMax: config.quic.connectionsMax,
    dedupeWindowSecs: config.limits.dedupeWindowSecs,
    store: config.cluster !== undefined || options["on-cluster"] === true ? "cluster" : "sqlite",
  });
  print(options["json"] === true ? `${JSON.stringify(found)}\n` : tableOf(users, found));
}

function tableOf(users: number, found: Plan): string {
  const { coresUsed, limit } = found;
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
