/** Metrics of prom-client by the rows of the table (metric-table.ts): nobody else writes a name, a help or a label. */
import { Counter, collectDefaultMetrics, Gauge, type Metric, type OpenMetricsContentType, Registry } from "prom-client";
import { Distributions } from "./distribution.ts";
import { type MetricName, type MetricRow, metricTable, type NamesOf } from "./metric-table.ts";

/** Of a metric that is read when the page is asked for: all of its values, with their labels. */
export type Reading = readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[];

/** Sums over the labels of the metric beside it, called as only a counter may be. */
const misnamed = ["nodejs_active_handles_total", "nodejs_active_requests_total", "nodejs_active_resources_total"];

export class MetricRegistry {
  /** Of this type because the other takes no exemplars; metrics-page.ts writes either format. */
  readonly registry = new Registry<OpenMetricsContentType>();

  constructor() {
    this.registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  }

  /** Those of the Node process. */
  addProcess(): void {
    collectDefaultMetrics({ register: this.registry });
    for (const name of misnamed) this.registry.removeSingleMetric(name);
  }

  counter(name: NamesOf<"counter">): Counter<string> {
    return new Counter(this.#configOf(name));
  }

  gauge(name: NamesOf<"gauge">): Gauge<string> {
    return new Gauge(this.#configOf(name));
  }

  /** By its one label. */
  histogram(name: NamesOf<"histogram">): Distributions {
    const { help, labels, buckets } = metricTable[name];
    const distributions = new Distributions(Object.keys(labels)[0] as string, buckets);
    this.registry.registerMetric({ name, get: async () => distributions.metric(name, help) } as unknown as Metric);
    return distributions;
  }

  /** Its values are those of the reading, and no others. */
  counterOf(name: NamesOf<"counter">, read: () => Reading): void {
    new Counter({
      ...this.#configOf(name),
      collect() {
        this.reset();
        for (const [labels, value] of read()) this.inc(labels, value);
      },
    });
  }

  gaugeOf(name: NamesOf<"gauge">, read: () => Reading): void {
    new Gauge({
      ...this.#configOf(name),
      collect() {
        this.reset();
        for (const [labels, value] of read()) this.set(labels, value);
      },
    });
  }

  #configOf(name: MetricName) {
    const { help, labels = {}, joined }: MetricRow = metricTable[name];
    return {
      name,
      help,
      labelNames: Object.keys(labels),
      registers: [this.registry],
      ...(joined !== undefined && { aggregator: joined }),
    };
  }
}
