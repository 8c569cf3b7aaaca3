/** The page of metrics, from the server's own table. */
import { MetricRegistry } from "../../services/server/src/observe/metric-registry.ts";
import { type MetricRow, metricTable } from "../../services/server/src/observe/metric-table.ts";
import { madeBy } from "./made-by.ts";

const onlyOf: Readonly<Record<NonNullable<MetricRow["only"]>, string>> = {
  workers: "several processes alone",
  cluster: "the cluster's store alone",
};

export function metricsPage(): string {
  return `# Metrics

${madeBy("`services/server/src/observe/metric-table.ts`")}

\`/metrics\` on the operators' port (\`opsPort\`), as Prometheus text or, for who asks for it, OpenMetrics. Counters and
histograms begin at 0 with the server. Of several processes there is one page: values are summed, except where it says
otherwise. Label values are of closed sets: no key, inbox, user, address or message id is ever among them.

| metric | kind, unit | is | labels |
|---|---|---|---|
${Object.entries(metricTable)
  .map(([name, row]) => lineOf(name, row))
  .join("\n")}

Histograms have these bounds, in seconds: ${metricTable.qpq_rpc_call_duration_seconds.buckets.join(", ")}. Where traces are
exported, buckets of \`qpq_rpc_call_duration_seconds\` carry the last trace that fell into them (\`trace_id\`, \`span_id\`) as an
exemplar, in OpenMetrics.

## Of the process

By prom-client, of each process. They are summed too, except lags of the event loop, which are averaged (\`min\` and \`max\`:
the least, the greatest), and the start time, which only a server of one process shows.

| metric | kind | is | labels |
|---|---|---|---|
${processMetrics()
  .map(
    ({ name, type, help, labelNames }) => `| \`${name}\` | ${type} | ${help} | ${labelNames.map(quoted).join(", ")} |`,
  )
  .join("\n")}
`;
}

function lineOf(name: string, { kind, unit, help, labels = {}, joined, only }: MetricRow): string {
  const said = [help, ...(joined === "min" ? ["Of several processes the least."] : [])].join(" ");
  const where = only === undefined ? "" : ` Of ${onlyOf[only]}.`;
  const labelled = Object.entries(labels).map(([label, values]) => `${quoted(label)}: ${values}`);
  return `| \`${name}\` | ${kind}, ${unit} | ${said}${where} | ${labelled.join("; ")} |`;
}

type ProcessMetric = {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly labelNames: readonly string[];
};

function processMetrics(): readonly ProcessMetric[] {
  const metrics = new MetricRegistry();
  metrics.addProcess();
  return metrics.registry.getMetricsAsArray() as unknown as readonly ProcessMetric[];
}

function quoted(text: string): string {
  return `\`${text}\``;
}
