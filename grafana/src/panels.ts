/** Panels and dashboards as plain data, and what Grafana's SDK makes of them. */
import type * as cog from "@grafana/grafana-foundation-sdk/cog";
import {
  BigValueGraphMode,
  type DataSourceRef,
  LegendDisplayMode,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
  LegendPlacement,
  SortOrder,
  ReduceDataOptionsBuilder,
} from "@grafana/grafana-foundation-sdk/common";
import {
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  type Dashboard,
  DatasourceVariableBuilder,
  type Panel as BuiltPanel,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as StatBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as TimeseriesBuilder } from "@grafana/grafana-foundation-sdk/timeseries";

/** Grafana's ids: "s", "bytes", "reqps", "short", "percentunit", "ops". */
type Unit = "s" | "bytes" | "reqps" | "ops" | "short" | "percentunit" | "cps" | "cores";

type Query = { readonly expr: string; readonly legend: string };

export type Panel = {
  readonly title: string;
  /** What it shows, and what to make of it. */
  readonly says: string;
  readonly unit: Unit;
  readonly queries: readonly Query[];
  /** One number each, instead of lines. */
  readonly isStat?: true;
  /** Of the 24 columns. Default 8. */
  readonly columns?: number;
};

type Row = { readonly title: string; readonly panels: readonly Panel[] };

export type DashboardSource = {
  /** File name and uid. */
  readonly name: string;
  readonly title: string;
  readonly says: string;
  readonly rows: readonly Row[];
};

/** What every query selects by: the variables above each dashboard. */
export const selected = 'job=~"$job", instance=~"$instance"';

/** `rate` over what Grafana thinks right for its step and the scrape interval. */
export function rate(metric: string, labels = ""): string {
  return `rate(${metric}{${[selected, labels].filter((each) => each !== "").join(", ")}}[$__rate_interval])`;
}

/** Of a histogram with the labels `by` beside `le`, in the histogram's unit. */
export function quantile(q: number, metric: string, { by = "", labels = "" } = {}): string {
  return `histogram_quantile(${q}, sum by (${by === "" ? "le" : `le, ${by}`}) (${rate(`${metric}_bucket`, labels)}))`;
}

const datasource: DataSourceRef = { type: "prometheus", uid: "$datasource" };
const panelHeight = 8;
const tag = "qpq-server";

export function buildDashboard({ name, title, says, rows }: DashboardSource): Dashboard {
  const builder = new DashboardBuilder(title)
    .uid(name)
    .description(says)
    .tags([tag])
    .editable()
    .timezone("browser")
    .time({ from: "now-1h", to: "now" })
    .refresh("30s")
    .tooltip(DashboardCursorSync.Crosshair)
    .link(
      new DashboardLinkBuilder("qpq-server")
        .type(DashboardLinkType.Dashboards)
        .tags([tag])
        .asDropdown(true)
        .includeVars(true)
        .keepTime(true),
    )
    .withVariable(new DatasourceVariableBuilder("datasource").label("Prometheus").type("prometheus"))
    .withVariable(choice("job", "label_values(qpq_draining, job)"))
    .withVariable(choice("instance", 'label_values(qpq_draining{job=~"$job"}, instance)'));
  for (const row of rows) {
    builder.withRow(new RowBuilder(row.title));
    for (const panel of row.panels) builder.withPanel(panelOf(panel));
  }
  return builder.build();
}

function choice(name: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .datasource(datasource)
    .query(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .multi(true)
    .includeAll(true)
    .allValue(".*")
    .current({ selected: true, text: "All", value: "$__all" });
}

function panelOf({ title, says, unit, queries, isStat, columns = 8 }: Panel): cog.Builder<BuiltPanel> {
  const panel = isStat === true ? statPanel() : linesPanel();
  panel.title(title).description(says).unit(unit).datasource(datasource).span(columns).height(panelHeight);
  for (const [i, { expr, legend }] of queries.entries()) {
    panel.withTarget(
      new DataqueryBuilder()
        .refId(String.fromCharCode("A".charCodeAt(0) + i))
        .datasource(datasource)
        .expr(expr)
        .legendFormat(legend)
        .range(),
    );
  }
  return panel;
}

function statPanel(): StatBuilder {
  return new StatBuilder()
    .graphMode(BigValueGraphMode.Area)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(["lastNotNull"]));
}

function linesPanel(): TimeseriesBuilder {
  return new TimeseriesBuilder()
    .fillOpacity(5)
    .legend(
      new VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
}
