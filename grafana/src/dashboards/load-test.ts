/** The server's side of a load test (docs/bench.md): throughput, latency far into the tail, what a call costs, what gives first. */
import { type DashboardSource, quantile, rate, selected } from "../panels.ts";

const quantiles = [0.5, 0.9, 0.99, 0.999] as const;
const cpu = `sum(${rate("process_cpu_seconds_total")})`;

export const loadTest: DashboardSource = {
  name: "qpq-load-test",
  title: "qpq-server / Load test",
  says: "Set the time range to the run. The bench's own figures see the network too; these say where the time goes.",
  rows: [
    {
      title: "Throughput",
      panels: [
        {
          title: "Messages",
          says: "Taken and delivered. Delivered below taken for long: readers do not keep up.",
          unit: "ops",
          queries: [
            { expr: `sum(${rate("enqueue_total")})`, legend: "taken" },
            { expr: `sum(${rate("qpq_messages_delivered_total")})`, legend: "delivered" },
          ],
        },
        {
          title: "Calls by outcome",
          says: "A run is good when nearly all is ok.",
          unit: "reqps",
          queries: [{ expr: `sum by (code) (${rate("qpq_rpc_calls_total")})`, legend: "{{code}}" }],
        },
        {
          title: "Handshakes",
          says: "Of the storms.",
          unit: "cps",
          queries: [
            {
              expr: `sum by (name) (${rate("qpq_transport_total", 'name=~"handshakes(Failed)?"')})`,
              legend: "{{name}}",
            },
          ],
        },
      ],
    },
    {
      title: "Latency",
      panels: [
        {
          title: "enqueue",
          says: "From the decoded call to the durable answer; as exact as the histogram's buckets.",
          unit: "s",
          queries: quantiles.map((q) => ({
            expr: quantile(q, "qpq_rpc_call_duration_seconds", { labels: 'method="enqueue"' }),
            legend: `p${q * 100}`,
          })),
        },
        {
          title: "of it the store",
          says: "An append until it is durable. What enqueue takes beyond it is this server's processor.",
          unit: "s",
          queries: quantiles.map((q) => ({
            expr: quantile(q, "qpq_store_call_duration_seconds", { labels: 'operation="append"' }),
            legend: `p${q * 100}`,
          })),
        },
        {
          title: "Event loop lag, p99",
          says: "Rises before everything else when a core is full.",
          unit: "s",
          queries: [{ expr: `nodejs_eventloop_lag_p99_seconds{${selected}}`, legend: "{{instance}}" }],
        },
      ],
    },
    {
      title: "Cost",
      panels: [
        {
          title: "Processor time a call",
          says: "Of all processes, for all they do.",
          unit: "s",
          queries: [{ expr: `${cpu} / sum(${rate("qpq_rpc_calls_total")})`, legend: "a call" }],
        },
        {
          title: "Cores",
          says: "In use, and of them for collecting garbage.",
          unit: "cores",
          queries: [
            { expr: cpu, legend: "all" },
            { expr: `sum(${rate("nodejs_gc_duration_seconds_sum")})`, legend: "garbage" },
          ],
        },
        {
          title: "Memory a session",
          says: "Resident bytes by open RPC sessions; means something from some thousands on.",
          unit: "bytes",
          queries: [
            {
              expr: `sum(process_resident_memory_bytes{${selected}}) / sum(qpq_rpc_sessions{${selected}} > 0)`,
              legend: "a session",
            },
          ],
        },
      ],
    },
    {
      title: "What gives first",
      panels: [
        {
          title: "Not yet durable",
          says: "Grows when the store is slower than the load.",
          unit: "short",
          queries: [{ expr: `sum(delivery_queue_depth{${selected}})`, legend: "messages" }],
        },
        {
          title: "Waiting readers",
          says: "Parked fetchWait calls and open subscriptions.",
          unit: "short",
          queries: [
            { expr: `sum(qpq_waiters{${selected}})`, legend: "fetchWait" },
            { expr: `sum(qpq_subscriptions{${selected}})`, legend: "subscriptions" },
          ],
        },
        {
          title: "Turned away",
          says: "By a limit of the transport, or of a rate.",
          unit: "cps",
          queries: [
            {
              expr: `sum by (name) (${rate("qpq_transport_total", 'name=~"refused|droppedLimit"')})`,
              legend: "{{name}}",
            },
            { expr: `sum(${rate("rate_limit_hit_total")})`, legend: "over a rate" },
          ],
        },
      ],
    },
  ],
};
