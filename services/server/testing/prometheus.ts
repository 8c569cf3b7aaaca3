/** A real Prometheus (Debian's package) that scrapes what it is told and looks at its rules every second, and keeps exemplars. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "./free-port.ts";
import { makeOwnedFolder, removeFolder } from "./owned-folder.ts";

const answerMsMax = 10_000;

/** One series at one time. */
type Series = { readonly metric: Readonly<Record<string, string>>; readonly value: number };

export type PrometheusProcess = AsyncDisposable & {
  /** What a path of /api/v1/ answers. */
  ask<Data>(path: string): Promise<Data>;
  query(expression: string): Promise<readonly Series[]>;
};

/** `ports`: of 127.0.0.1; `rules`: what a rule file has. Resolves when it answers. */
export async function startPrometheus(ports: readonly number[], rules?: object): Promise<PrometheusProcess> {
  const folder = makeOwnedFolder("qpq-prometheus-");
  const port = await freePort();
  const targets = ports.map((each) => `127.0.0.1:${each}`);
  const scrape = { job_name: "qpq", static_configs: [{ targets }] };
  const file = join(folder, "prometheus.yml");
  // JSON is YAML
  const rulesFile = join(folder, "rules.yml");
  writeFileSync(rulesFile, JSON.stringify(rules ?? {}));
  const global = { scrape_interval: "1s", evaluation_interval: "1s" };
  writeFileSync(file, JSON.stringify({ global, rule_files: [rulesFile], scrape_configs: [scrape] }));
  const args = [
    `--config.file=${file}`,
    `--storage.tsdb.path=${join(folder, "data")}`,
    `--web.listen-address=127.0.0.1:${port}`,
    "--enable-feature=exemplar-storage",
  ];
  // it ends with the test, however that ends
  const child = spawn("setpriv", ["--pdeathsig=KILL", "--", "prometheus", ...args], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  child.stderr.on("data", (chunk: Buffer) => {
    log += chunk.toString();
  });
  const ended = once(child, "close");
  const url = `http://127.0.0.1:${port}`;
  const isReady = () =>
    fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await isReady())) {
    if (child.exitCode !== null) throw new Error(`prometheus ended: ${log}`);
    await pause(50);
  }
  const ask = async <Data>(path: string): Promise<Data> => {
    const { status, data, error } = (await answerOf(`${url}/api/v1/${path}`)) as Answer<Data>;
    if (status !== "success") throw new Error(`${path}: ${error}`);
    return data;
  };
  return {
    ask,
    async query(expression) {
      type Result = { metric: Record<string, string>; value: [number, string] };
      const { result } = await ask<{ result: readonly Result[] }>(`query?query=${encodeURIComponent(expression)}`);
      return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
      removeFolder(folder);
    },
  };
}

type Answer<Data> = { readonly status: string; readonly data: Data; readonly error?: string };

/** Asks again when there is none in time. */
async function answerOf(url: string): Promise<unknown> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(answerMsMax) });
    return await response.json();
  } catch (error) {
    if (error instanceof DOMException && error.name === "TimeoutError") return await answerOf(url);
    throw error;
  }
}

/** What `promtool check metrics` says of a page; empty when it finds nothing. */
export function promtoolFindings(page: string): string {
  const { status, stderr, stdout } = spawnSync("promtool", ["check", "metrics"], { input: page, encoding: "utf8" });
  return status === 0 ? "" : `exit code ${status}: ${stderr}${stdout}`;
}
