/**
 * A load test (docs/bench.md, loadtest/k6/README.md): what the load's side counts, where k6 and its agent drive it, and the
 * server's: throughput, latency far into the tail, what a call costs, what gives first.
 */
import { type DashboardSource, quantile, rate, selected } from "../panels.ts";

const quantiles = [0.5, 0.9, 0.99, 0.999] as const;
/** Of what has another job than the server. */
const loadRate = (metric: string): string => `rate(${metric}[$__rate_interval])`;
const cpu = `sum(${rate("process_cpu_seconds_total")})`;

export const loadTest: DashboardSource = {
  name: "qpq-load-test",
  title: "qpq-server / Load test",
  says: "Set the time range to the run. The bench's own figures see the network too; these say where the time goes.",
  rows: [
    {
      title: "The load, by k6 and its agent",
      panels: [
        {
          title: "Actions",
          says: "That the agent did. What k6 had no virtual user for is not begun: a run with such is no measure.",
          unit: "ops",
          queries: [
            { expr: `sum by (action) (${loadRate("qpq_agent_actions_total")})`, legend: "{{action}}" },
            { expr: `sum(${loadRate("k6_dropped_iterations_total")})`, legend: "due and not begun" },
          ],
        },
        {
          title: "Actions, p99",
          says: "As the agent measures them, from the call to its end; by k6 of the run so far.",
          unit: "s",
          queries: [
            {
              expr: `histogram_quantile(0.99, sum by (le, action) (${loadRate("qpq_agent_action_duration_seconds_bucket")}))`,
              legend: "{{action}}",
            },
            { expr: "max by (action) (k6_qpq_action_duration_p99)", legend: "{{action}}, the run so far" },
          ],
        },
        {
          title: "Outcomes",
          says: "A run is good when nearly all is ok. Refused: by the agent, before anything was begun.",
          unit: "ops",
          queries: [
            { expr: `sum by (code) (${loadRate("qpq_agent_actions_total")})`, legend: "{{code}}" },
            { expr: `sum by (code) (${loadRate("qpq_agent_refused_total")})`, legend: "refused: {{code}}" },
          ],
        },
        {
          title: "Under way",
          says: "Actions at the agent, and virtual users of k6. They grow when the server is slower than the rate.",
          unit: "short",
          queries: [
            { expr: "sum(qpq_agent_in_flight)", legend: "actions" },
            { expr: "sum(k6_vus)", legend: "virtual users" },
          ],
        },
      ],
    },
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
