/** The page of commands: what the programs say of themselves. The server's settings have a page of their own. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { madeBy } from "./made-by.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

export function commandsPage(): string {
  const [serverWords = "", rest = ""] = helpOf("services/server/bin/qpq-server.mjs").split(/^Settings: /m);
  const exitCodes = /^Exit codes: .*$/m.exec(rest)?.[0] ?? "";
  return `# Commands

${madeBy("`qpq --help`, `qpq bench --help`, `qpq bench agent --help` and `qpq-server --help`")}

Data is on standard output, words are on standard error; \`--json\` is stable.

## qpq

\`\`\`text
${helpOf("client/cli/bin/qpq.mjs").trimEnd()}
\`\`\`

## qpq bench

What it is for: [load testing](../load-testing.md).

\`\`\`text
${helpOf("client/cli/bin/qpq.mjs", "bench").trimEnd()}
\`\`\`

## qpq bench agent

\`\`\`text
${helpOf("client/cli/bin/qpq.mjs", "bench", "agent").trimEnd()}
\`\`\`

## qpq-server

Every setting is a flag too: [settings](settings.md).

\`\`\`text
${serverWords.trimEnd()}

${exitCodes}
\`\`\`
`;
}

export function helpOf(program: string, ...words: readonly string[]): string {
  const env = { PATH: process.env["PATH"], NO_COLOR: "1" };
  return execFileSync(process.execPath, [root + program, ...words, "--help"], { encoding: "utf8", env });
}
