/**
 * A page of docs/ as a drill: its `sh` blocks are run as they stand, in bash, with the page's hosts, folders and ports put
 * in place of a test's own. Real are qpq-server and all programs of Postgres; `systemctl start|stop|restart qpq-server`, for which
 * a test has no systemd, starts and ends a real server process of the test's.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { delimiter, join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const qpqServer = fileURLToPath(new URL("../../bin/qpq-server.mjs", import.meta.url));
const docs = fileURLToPath(new URL("../../../../docs/", import.meta.url));

type Unit = { readonly start: () => Promise<void>; readonly stop: () => Promise<void> };

export type DrillOptions = {
  /** For what a drill needs itself. */
  readonly folder: string;
  /** Words of the page, and what stands for them here. */
  readonly places: Readonly<Record<string, string>>;
  /** What systemctl moves. */
  readonly unit: Unit;
};

/** Every block that was run in this process. */
export const followed = new Set<string>();

export class Drill implements AsyncDisposable {
  readonly #places: DrillOptions["places"];
  readonly #programs: string;
  readonly #control = createServer();

  constructor({ folder, places, unit }: DrillOptions) {
    this.#places = places;
    this.#programs = join(folder, "programs");
    mkdirSync(this.#programs);
    this.#control.on("request", ({ url }, response) => {
      move(unit, url ?? "").then(
        () => response.end(),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
    });
  }

  /** From here on blocks can be run. */
  async listen(): Promise<void> {
    this.#control.listen(0, "127.0.0.1");
    await once(this.#control, "listening");
    const { port } = this.#control.address() as AddressInfo;
    this.#provide("qpq-server", `exec '${process.execPath}' '${qpqServer}' "$@"`);
    this.#provide("systemctl", `[ "$2" = qpq-server ] && exec curl -sS --fail-with-body http://127.0.0.1:${port}/$1`);
  }

  /** All blocks of a section, one after the other. Answers what they printed, each. */
  async follow(page: string, heading: string): Promise<string[]> {
    const printed: string[] = [];
    for (const block of blocksOf(page, heading)) printed.push(await this.run(block));
    return printed;
  }

  /** Answers what it printed. Rejects when one of its commands fails. */
  async run(block: string): Promise<string> {
    followed.add(block);
    const child = spawn("bash", ["-euo", "pipefail", "-c", withPlaces(block, this.#places)], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: [this.#programs, "/usr/lib/postgresql/15/bin", process.env["PATH"]].join(delimiter) },
    });
    const [[code], words, errors] = await Promise.all([once(child, "close"), text(child.stdout), text(child.stderr)]);
    if (code !== 0) throw new Error(`ended with ${code}: ${block}\n${words}${errors}`);
    return words;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#control.close();
    this.#control.closeAllConnections();
  }

  #provide(name: string, script: string): void {
    const file = join(this.#programs, name);
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
  }
}

/** Longer words first: one may be the beginning of another. */
function withPlaces(block: string, places: DrillOptions["places"]): string {
  const words = Object.keys(places).sort((a, b) => b.length - a.length);
  const any = new RegExp(words.map((word) => RegExp.escape(word)).join("|"), "g");
  return block.replace(any, (word) => places[word] as string);
}

async function move({ start, stop }: Unit, url: string): Promise<void> {
  if (url !== "/start") await stop();
  if (url !== "/stop") await start();
}

/** Those of a page (`operate/backup.md`), or of one section of it, in their order. */
export function blocksOf(page: string, heading?: string): string[] {
  const whole = readFileSync(join(docs, page), "utf8");
  const section = whole.split(/^## /m).find((each) => heading === undefined || each.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`docs/${page} has no section ${heading}`);
  const text = heading === undefined ? whole : section;
  return [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block as string);
}
