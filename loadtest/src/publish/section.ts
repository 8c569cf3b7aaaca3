/** What a page says of one scenario's report: its command, when and where it ran, every figure with its spread, its notes. */
import { shown } from "../report.ts";
import { reasonFor } from "../report-names.ts";
import { hostKeyOf, type StoredReport } from "./stored-report.ts";

export function sectionOf(scenario: string, report: StoredReport | undefined): string {
  const command = `\`npm run bench -- ${scenario}\``;
  if (report === undefined) return `Not measured yet: ${command}.`;
  const how = report.quick ? `\`npm run bench -- ${scenario} --quick\`, **quick**: short windows, few runs` : command;
  const when = `${report.measuredAt.slice(0, 10)}, commit ${report.commit}, machine ${hostKeyOf(report)}`;
  const runs = report.runs === 1 ? "1 run" : `medians of ${report.runs} runs`;
  const load = report.host["loadAverage"];
  const tables = [
    tableOf("figure", report.figures, report),
    tableOf("ratio (ours / the other)", report.ratios, report),
  ].filter((table) => table !== "");
  const rows = Object.keys(report.figures).length + Object.keys(report.ratios).length;
  const parts = [
    `${how}; ${runs}. ${when}, load average before it ${load}.`,
    (report.failures ?? []).map((failure) => `- **Failed**: ${escaped(failure)}`).join("\n"),
    rows > rowsShown ? folded(`All ${rows} figures and ratios`, tables.join("\n\n")) : tables.join("\n\n"),
    report.notes.map((note) => `- ${escaped(note)}`).join("\n"),
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

/** Open at once up to here: what lies below a longer table is not found. */
const rowsShown = 40;

function folded(summary: string, text: string): string {
  return `<details>\n<summary>${summary}</summary>\n\n${text}\n\n</details>`;
}

function tableOf(title: string, rows: StoredReport["figures"], { spread, notes }: StoredReport): string {
  if (Object.keys(rows).length === 0) return "";
  const lines = [`| ${title} | median | least to greatest |`, "|---|---:|---:|"];
  for (const [name, value] of Object.entries(rows)) {
    if (value === null) {
      lines.push(`| ${name} | not measured | ${escaped(reasonFor(name, notes) ?? "")} |`);
      continue;
    }
    const range = spread[name];
    const ends = range === undefined ? "" : `${shown(range[0])} to ${shown(range[2])}`;
    lines.push(`| ${name} | ${shown(value)} | ${ends} |`);
  }
  return lines.join("\n");
}

/**
 * Notes are plain words: in a page of VitePress neither a tag, nor a mustache, nor a column. An address stands as code: the
 * site leads to no other host.
 */
function escaped(text: string): string {
  return text
    .split(/(https?:\/\/[^\s,;)|{}`]+)/)
    .map((part, i) => (i % 2 === 1 ? `\`${part}\`` : escapedWords(part)))
    .join("");
}

function escapedWords(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll("{{", "{ {")
    .replaceAll("|", "\\|")
    .replaceAll(/[*_]/g, "\\$&");
}
