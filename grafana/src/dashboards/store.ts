/** What the message log takes and fails; Postgres and Redis under it. */
import { type DashboardSource, quantile, rate, selected } from "../panels.ts";

const duration = "qpq_store_call_duration_seconds";

export const store: DashboardSource = {
  name: "qpq-store",
  title: "qpq-server / Store",
  says: "The message log, and what it stands on. Panels of Postgres and Redis are empty on the embedded store.",
  rows: [
    {
      title: "Message log",
      panels: [
        {
          title: "Operations",
          says: "Calls of the store, by operation.",
          unit: "ops",
          queries: [{ expr: `sum by (operation) (${rate(`${duration}_count`)})`, legend: "{{operation}}" }],
        },
        {
          title: "Median",
          says: "Of an append until it is durable.",
          unit: "s",
          queries: [{ expr: quantile(0.5, duration, { by: "operation" }), legend: "{{operation}}" }],
        },
        {
          title: "99th percentile",
          says: "Of an append until it is durable.",
          unit: "s",
          queries: [{ expr: quantile(0.99, duration, { by: "operation" }), legend: "{{operation}}" }],
        },
        {
          title: "Failures",
          says: "By operation and code.",
          unit: "ops",
          queries: [
            {
              expr: `sum by (operation, code) (${rate("qpq_store_failures_total")})`,
              legend: "{{operation}} {{code}}",
            },
          ],
        },
        {
          title: "Not yet durable",
          says: "Messages that were accepted; beyond appendsInFlightMax callers are told E021_OVERLOADED.",
          unit: "short",
          queries: [{ expr: `sum by (instance) (delivery_queue_depth{${selected}})`, legend: "{{instance}}" }],
        },
        {
          title: "Failures behind the callers' backs",
          says: "Removals of what was read, and sweeps of what has expired.",
          unit: "ops",
          queries: [
            { expr: `sum by (work, code) (${rate("qpq_background_failures_total")})`, legend: "{{work}} {{code}}" },
          ],
        },
        {
          title: "Bytes",
          says: "Request bytes of accepted enqueue calls.",
          unit: "bytes",
          queries: [{ expr: `sum(${rate("enqueue_bytes_total")})`, legend: "a second" }],
        },
        {
          title: "Disk of the data folder",
          says: "What is left of it. The embedded store is there.",
          unit: "bytes",
          queries: [{ expr: `qpq_disk_available_bytes{${selected}}`, legend: "{{instance}}" }],
        },
      ],
    },
    {
      title: "Postgres and Redis",
      panels: [
        {
          title: "Reached",
          says: "1 = yes; of several workers the worst.",
          unit: "short",
          queries: [{ expr: `min by (part, instance) (qpq_store_up{${selected}})`, legend: "{{part}} {{instance}}" }],
        },
        {
          title: "Postgres: trouble",
          says: "connectionsLost; appendsAfterLoss: batches whose outcome was unknown and was looked up; Duplicate, Conflict: batches that had to be tried again.",
          unit: "ops",
          queries: [{ expr: `sum by (name) (${rate("qpq_store_total", 'part="postgres"')})`, legend: "{{name}}" }],
        },
        {
          title: "Redis: trouble",
          says: "hintsDropped: the safety sweep finds what they would have told. connectionsDeaf: answered, and heard nothing.",
          unit: "ops",
          queries: [
            {
              expr: `sum by (name) (${rate("qpq_store_total", 'part="redis", name=~"hintsDropped|connections.*|failures"')})`,
              legend: "{{name}}",
            },
          ],
        },
        {
          title: "Hints",
          says: "Sent to other front-ends, and heard from them.",
          unit: "ops",
          queries: [
            {
              expr: `sum by (name) (${rate("qpq_store_total", 'part="redis", name=~"hints(Sent|Heard)"')})`,
              legend: "{{name}}",
            },
          ],
        },
        {
          title: "Hints waiting for Redis",
          says: "Rises while Redis is slow or away.",
          unit: "short",
          queries: [{ expr: `sum by (instance) (qpq_store_hints_waiting{${selected}})`, legend: "{{instance}}" }],
        },
        {
          title: "Hot tail",
          says: "Messages written there, reads that it answered, and reads that Postgres had to answer. All 0 while hotTail is off.",
          unit: "ops",
          queries: [
            { expr: `sum by (name) (${rate("qpq_store_total", 'part="redis", name=~"tail.*"')})`, legend: "{{name}}" },
          ],
        },
      ],
    },
  ],
};
