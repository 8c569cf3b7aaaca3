/** Pages of docs/runbooks: their parts, and their commands run against a server as a person would run them. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeOwnedFolder, removeFolder } from "../../services/server/testing/owned-folder.ts";
import type { ServerProcess } from "../../services/server/testing/server-process.ts";

const folder = fileURLToPath(new URL("../../docs/runbooks/", import.meta.url));
const qpqServer = fileURLToPath(new URL("../../services/server/bin/qpq-server.mjs", import.meta.url));

/** Of the alerts that have one. */
export function runbookNames(): string[] {
  const pages = readdirSync(folder).filter((name) => name !== "README.md");
  return pages.map((name) => name.replace(/\.md$/, ""));
}

export type Part = "Look" | "Mend" | "Over when";

export class Runbook {
  readonly text: string;

  constructor(alert: string) {
    this.text = readFileSync(join(folder, `${alert}.md`), "utf8");
  }

  get title(): string {
    return /^# (.*)$/m.exec(this.text)?.[1] ?? "";
  }

  part(name: Part): string {
    return this.text.split(/^## /m).find((part) => part.startsWith(`${name}\n`)) ?? "";
  }

  get queries(): string[] {
    return blocksOf(this.text, "promql");
  }

  /** The commands of one part, or of all. */
  commands(name?: Part): string[] {
    return blocksOf(name === undefined ? this.text : this.part(name), "sh");
  }
}

function blocksOf(text: string, language: string): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))].map(([, block = ""]) => block);
}

export type Outcome = { readonly status: number | null; readonly words: string };

/** Where somebody stands who runs commands for a server: its settings, and a folder of their own. */
export class Desk implements Disposable {
  readonly #folder = makeOwnedFolder("qpq-desk-");
  readonly #server: ServerProcess;
  readonly #environment: Readonly<Record<string, string>>;

  /** `settings`: variables that the server was given. */
  constructor(server: ServerProcess, settings: Readonly<Record<string, string>>) {
    this.#server = server;
    const program = join(this.#folder, "qpq-server");
    writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${qpqServer}" "$@"\n`);
    chmodSync(program, 0o755);
    this.#environment = {
      PATH: `${this.#folder}:${dirname(process.execPath)}:${process.env["PATH"]}`,
      ...settings,
      QPQ_HOST: "127.0.0.1",
      QPQ_PORT: String(server.port),
      QPQ_OPS_PORT: String(server.opsPort),
      QPQ_DATA_DIR: server.dataDir,
      PID: String(server.pid),
    };
  }

  /** Ends at the first command that fails. The page's 127.0.0.1:9090 is the server's. */
  async run(commands: string): Promise<Outcome> {
    const script = commands.replaceAll("127.0.0.1:9090", `127.0.0.1:${this.#server.opsPort}`);
    const shell = spawn("sh", ["-euc", script], { cwd: this.#folder, env: this.#environment });
    let words = "";
    for (const stream of [shell.stdout, shell.stderr])
      stream.on("data", (chunk: Buffer) => (words += chunk.toString()));
    const [status] = (await once(shell, "close")) as [number | null];
    return { status, words };
  }

  [Symbol.dispose](): void {
    removeFolder(this.#folder);
  }
}
