/**
 * The page of /metrics, in the format that is asked for: Prometheus text, or OpenMetrics, which alone has exemplars
 * (https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md).
 */
import { type Metric, Registry } from "prom-client";
import type { MetricsSnapshot } from "./prometheus.ts";

export type MetricsPage = { readonly contentType: string; readonly text: string };

/** `accept`: the request's header of that name. */
export async function metricsPage(metrics: MetricsSnapshot, accept = ""): Promise<MetricsPage> {
  const isOpen = accept.includes("application/openmetrics-text");
  const contentType = isOpen ? Registry.OPENMETRICS_CONTENT_TYPE : Registry.PROMETHEUS_CONTENT_TYPE;
  const registry = new Registry<typeof contentType>();
  registry.setContentType(contentType);
  for (const metric of metrics) {
    // of a counter the family is named without it, and its samples with it
    const name = isOpen && String(metric.type) === "counter" ? metric.name.replace(/_total$/, "") : metric.name;
    registry.registerMetric({ name, get: async () => ({ ...metric, name }) } as unknown as Metric);
  }
  return { contentType, text: await registry.metrics() };
}
