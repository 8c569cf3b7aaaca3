/** Runs the programs and takes down what they print, as docs/terminal.md shows it: a text that comes out the same again. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { type ServerProcess, startServerProcess } from "quicproquo-server/testing";
import { masked } from "./masks.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const programs: Readonly<Record<string, string>> = {
  qpq: `${root}client/cli/bin/qpq.mjs`,
  "qpq-server": `${root}services/server/bin/qpq-server.mjs`,
};

type Shown = {
  readonly title: string;
  readonly words?: string;
  /** In their order; who runs it, if it is a person. */
  readonly commands: readonly (readonly [who: "alice" | "bob" | "operator", command: string])[];
  /** What it prints tells of the machine it runs on: a test does not compare it. */
  readonly ofMachine?: boolean;
};

const start: Shown = { title: "A server", commands: [] };
const shown: readonly Shown[] = [
  {
    title: "Two people",
    words: "Each has a `QPQ_STATE` of their own, and gives a password when asked.",
    commands: [
      ["alice", "qpq register-user alice"],
      ["alice", "qpq login alice"],
      ["bob", "qpq register-user bob"],
      ["bob", "qpq login bob"],
      ["alice", 'qpq send bob "see you at nine"'],
      ["bob", "qpq recv"],
      ["alice", "qpq check-key bob"],
    ],
  },
  {
    title: "A group",
    commands: [
      ["alice", "qpq create-group climbing"],
      ["alice", "qpq invite climbing bob"],
      ["bob", "qpq join"],
      ["alice", 'qpq send climbing "who brings the rope?"'],
      ["bob", "qpq recv"],
      ["alice", "qpq members climbing"],
    ],
  },
  {
    title: "What fails says what comes next",
    commands: [
      ["alice", "qpq logout"],
      ["alice", "qpq send bob hello"],
      ["alice", "qpq send bob"],
      ["operator", "qpq-server restore backup"],
    ],
  },
  {
    title: "A backup",
    commands: [["operator", "qpq-server backup backup"]],
  },
  {
    title: "A look at a running server",
    commands: [
      ["operator", "qpq-server probe"],
      ["operator", "qpq-server users list"],
    ],
  },
  {
    title: "The doctor",
    words: "What it says is of the machine it runs on.",
    commands: [["operator", "qpq-server doctor"]],
    ofMachine: true,
  },
];

export type Section = { readonly words: string; readonly text: string; readonly ofMachine: boolean };

/** By their titles, in the page's order. */
export async function takeDown(): Promise<Map<string, Section>> {
  const folder = mkdtempSync(join(tmpdir(), "qpq-terminal-"));
  try {
    await using server = await startServerProcess({
      dataDir: join(folder, "data"),
      settings: { "log-level": "error" },
    });
    const printed = [`$ qpq-server\n${server.words}`];
    for (const { commands } of shown) {
      let lines = "";
      for (const [who, command] of commands) lines += await run(command, { who, folder, server });
      printed.push(lines);
    }
    const places = { [`${folder}/`]: "", [`:${server.opsPort}`]: ":9090", [String(server.port)]: "7000" };
    const texts = masked(printed.join("\0"), places).split("\0");
    const sections = [start, ...shown].map(({ title, words = "", ofMachine = false }, i): [string, Section] => {
      return [title, { words, text: texts[i] as string, ofMachine }];
    });
    return new Map(sections);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function terminalPage(sections: ReadonlyMap<string, Section>): string {
  const parts = [...sections].map(([title, { words, text }]) => {
    return `## ${title}\n\n${words === "" ? "" : `${words}\n\n`}\`\`\`text\n${text}\`\`\`\n`;
  });
  return `# On a terminal

Made by \`node scripts/docs.ts\`, which runs the programs. Keys, hashes, dates and times are made up.

${parts.join("\n")}`;
}

type Place = { readonly who: string; readonly folder: string; readonly server: ServerProcess };

/** Errors stand among the words, as on a terminal. */
async function run(command: string, { who, folder, server }: Place): Promise<string> {
  const [program = "", ...words] = [...command.matchAll(/"([^"]*)"|\S+/g)].map(([word, quoted]) => quoted ?? word);
  const child = spawn(process.execPath, [programs[program] as string, ...words], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"], NO_COLOR: "1", ...environmentOf(who, server) },
  });
  const [, out, err] = await Promise.all([once(child, "close"), text(child.stdout), text(child.stderr)]);
  return `${who === "operator" ? "" : who}$ ${command}\n${out}${err}`;
}

function environmentOf(who: string, { port, opsPort }: ServerProcess): Readonly<Record<string, string>> {
  if (who === "operator") return { QPQ_HOST: "127.0.0.1", QPQ_PORT: String(port), QPQ_OPS_PORT: String(opsPort) };
  return {
    QPQ_SERVER: `127.0.0.1:${port}`,
    QPQ_CA_CERT: "data/server-cert.der",
    QPQ_STATE: `${who}.bin`,
    QPQ_PASSWORD: `${who}'s password`,
  };
}
