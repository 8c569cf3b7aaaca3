/**
 * `qpq-server top`: what a running server does, from its /metrics, again every `--interval` seconds; `--once` shows one
 * interval and ends. It reads the page of these settings (opsHost, opsPort), or the one that is named: `top HOST:PORT`.
 */
import { setTimeout as pause } from "node:timers/promises";
import { QpqError } from "quicproquo-proto";
import { loadConfig } from "../config.ts";
import { MetricsPage } from "../ops/metrics-text.ts";
import { tableOf, viewOf } from "../ops/top-view.ts";
import { positiveOption } from "./own-options.ts";
import { dialHost } from "./probe.ts";
import type { OwnCommand, OwnProgram } from "./program.ts";

const intervalSecondsDefault = 2;
const answerMsMax = 5_000;
/** To the upper left, and the rest of the screen empty. */
const clear = "\u001b[H\u001b[J";

/** E040_CONNECT_FAILED when there is no such page, E046_CONFIG, E048_USAGE. */
export const top: OwnCommand = { options: { once: "switch", json: "switch", interval: "value" }, run };

type Reading = { readonly page: MetricsPage; readonly atMs: number };

async function run({ sources, words, options, print }: OwnProgram): Promise<void> {
  const { opsHost, opsPort } = loadConfig(sources);
  const [place = `${bracketed(dialHost(opsHost))}:${opsPort}`] = words;
  if (words.length > 1 || !/^\S+:\d+$/.test(place)) {
    throw new QpqError("E048_USAGE", { text: "say one page of metrics: qpq-server top HOST:PORT" });
  }
  const url = `http://${place}/metrics`;
  const intervalMs = positiveOption(options, "interval", intervalSecondsDefault) * 1_000;
  let before = await read(url);
  do {
    await pause(intervalMs);
    const after = await read(url);
    const view = viewOf([before.page, after.page], (after.atMs - before.atMs) / 1_000);
    if (options["json"] === true) print(`${JSON.stringify(view)}\n`);
    else print(`${options["once"] === true || !process.stdout.isTTY ? "" : clear}${url}\n${tableOf(view)}`);
    before = after;
  } while (options["once"] !== true);
}

async function read(url: string): Promise<Reading> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(answerMsMax) });
    if (!response.ok) throw new Error(`status ${response.status}`);
    return { page: new MetricsPage(await response.text()), atMs: performance.now() };
  } catch (cause) {
    const text = `there is no page ${url}; name the server's with --ops-host and --ops-port, as it prints it at its start`;
    throw new QpqError("E040_CONNECT_FAILED", { text, cause });
  }
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
