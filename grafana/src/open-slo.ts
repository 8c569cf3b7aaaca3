/** The objectives as OpenSLO (openslo/v1), for tools that read it. */
import { type Objective, objectives } from "./objectives.ts";

const window = "5m";

export function openSlos(): object[] {
  return [
    {
      apiVersion: "openslo/v1",
      kind: "Service",
      metadata: { name: "qpq-server" },
      spec: { description: "Delivery of end-to-end encrypted messages." },
    },
    ...objectives.map(openSlo),
  ];
}

function openSlo({ name, title, says, target, missed, all }: Objective): object {
  const source = (query: string) => ({ metricSource: { type: "Prometheus", spec: { query } } });
  return {
    apiVersion: "openslo/v1",
    kind: "SLO",
    metadata: { name, displayName: title },
    spec: {
      description: says,
      service: "qpq-server",
      indicator: {
        metadata: { name: `${name}-missed` },
        spec: { ratioMetric: { counter: false, bad: source(missed(window)), total: source(all(window)) } },
      },
      timeWindow: [{ duration: "30d", isRolling: true }],
      budgetingMethod: "Occurrences",
      objectives: [{ target }],
    },
  };
}
