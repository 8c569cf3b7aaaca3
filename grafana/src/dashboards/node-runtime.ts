/** Processes of Node: processor, memory, garbage, event loop, and the supervisor's view of them. */
import { type DashboardSource, rate, selected } from "../panels.ts";

export const nodeRuntime: DashboardSource = {
  name: "qpq-node-runtime",
  title: "qpq-server / Node runtime",
  says: "Of servers of several processes these are sums; lags of the event loop are averages.",
  rows: [
    {
      title: "Processor and event loop",
      panels: [
        {
          title: "Processor",
          says: "Cores in use.",
          unit: "cores",
          queries: [
            { expr: `sum by (instance) (${rate("process_cpu_user_seconds_total")})`, legend: "user {{instance}}" },
            { expr: `sum by (instance) (${rate("process_cpu_system_seconds_total")})`, legend: "system {{instance}}" },
          ],
        },
        {
          title: "Event loop lag",
          says: "How late timers are. p99 beyond 0.5 s for 10 minutes is an alert.",
          unit: "s",
          queries: [
            { expr: `nodejs_eventloop_lag_p50_seconds{${selected}}`, legend: "p50 {{instance}}" },
            { expr: `nodejs_eventloop_lag_p99_seconds{${selected}}`, legend: "p99 {{instance}}" },
            { expr: `nodejs_eventloop_lag_max_seconds{${selected}}`, legend: "max {{instance}}" },
          ],
        },
        {
          title: "Garbage collection",
          says: "Share of the time, by kind.",
          unit: "percentunit",
          queries: [{ expr: `sum by (kind) (${rate("nodejs_gc_duration_seconds_sum")})`, legend: "{{kind}}" }],
        },
        {
          title: "Longest collections",
          says: "99th percentile, by kind.",
          unit: "s",
          queries: [
            {
              expr: `histogram_quantile(0.99, sum by (le, kind) (${rate("nodejs_gc_duration_seconds_bucket")}))`,
              legend: "{{kind}}",
            },
          ],
        },
      ],
    },
    {
      title: "Memory",
      panels: [
        {
          title: "Resident",
          says: "Of all processes of a server.",
          unit: "bytes",
          queries: [{ expr: `process_resident_memory_bytes{${selected}}`, legend: "{{instance}}" }],
        },
        {
          title: "JavaScript heap",
          says: "Used, and taken from the system.",
          unit: "bytes",
          queries: [
            { expr: `nodejs_heap_size_used_bytes{${selected}}`, legend: "used {{instance}}" },
            { expr: `nodejs_heap_size_total_bytes{${selected}}`, legend: "taken {{instance}}" },
          ],
        },
        {
          title: "Outside of the heap",
          says: "Buffers, and what native code told of.",
          unit: "bytes",
          queries: [{ expr: `nodejs_external_memory_bytes{${selected}}`, legend: "{{instance}}" }],
        },
        {
          title: "Heap by space",
          says: "old grows without end: a leak.",
          unit: "bytes",
          queries: [{ expr: `sum by (space) (nodejs_heap_space_size_used_bytes{${selected}})`, legend: "{{space}}" }],
        },
        {
          title: "File descriptors",
          says: "All QUIC connections share one.",
          unit: "short",
          queries: [{ expr: `process_open_fds{${selected}}`, legend: "{{instance}}" }],
        },
      ],
    },
    {
      title: "Processes, seen from outside",
      panels: [
        {
          title: "Workers that serve",
          says: "Of servers of several processes alone.",
          unit: "short",
          queries: [{ expr: `qpq_workers{${selected}}`, legend: "{{instance}}" }],
        },
        {
          title: "Resident, by process",
          says: "Beyond workerRssBytesMax it is drained and replaced.",
          unit: "bytes",
          queries: [{ expr: `qpq_worker_rss_bytes{${selected}}`, legend: "{{worker}} {{instance}}" }],
        },
        {
          title: "Since the last sign of life",
          says: "Beyond heartbeatMs x heartbeatMissesMax it is killed and replaced.",
          unit: "s",
          queries: [{ expr: `qpq_worker_heartbeat_age_seconds{${selected}}`, legend: "{{worker}} {{instance}}" }],
        },
        {
          title: "Replaced",
          says: "In the last 15 minutes, by process and reason.",
          unit: "short",
          queries: [
            {
              expr: `sum by (worker, reason) (increase(qpq_worker_restarts_total{${selected}}[15m]))`,
              legend: "{{worker}} {{reason}}",
            },
          ],
        },
        {
          title: "Versions of Node",
          says: "Processes that count, by version.",
          unit: "short",
          queries: [{ expr: `sum by (version) (nodejs_version_info{${selected}})`, legend: "{{version}}" }],
        },
      ],
    },
  ],
};
