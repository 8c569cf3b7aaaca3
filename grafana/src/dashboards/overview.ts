/** Rate, errors, duration; how fast the error budgets burn; what waits and what is away. */
import { budgetOf, objectives } from "../objectives.ts";
import { type DashboardSource, type Panel, quantile, rate, selected } from "../panels.ts";
import { ratioName } from "../rules/burn-rate.ts";
import { day, hour } from "../rules/rule.ts";

const appending = 'method=~"enqueue|batchEnqueue|submitCommit|Session.send"';

const budgets: readonly Panel[] = objectives.flatMap((objective): Panel[] => {
  const budget = budgetOf(objective);
  const missed = (seconds: number): string => `${ratioName(seconds)}{slo="${objective.name}", job=~"$job"}`;
  return [
    {
      title: `${objective.title}: budget left`,
      says: `${objective.says} Share of the error budget of 30 days (${objective.target * 100} %) that is left; below 0 the objective is missed. Hours count alike, however many calls they had.`,
      unit: "percentunit",
      isStat: true,
      columns: 4,
      queries: [{ expr: `1 - avg_over_time(${missed(hour)}[30d]) / ${budget}`, legend: "{{job}}" }],
    },
    {
      title: `${objective.title}: burn rate`,
      says: "1 uses the budget up in just 30 days. Alerts: 14.4 over 1 h or 6 over 6 h page, 3 over 1 d or 1 over 3 d make a ticket.",
      unit: "short",
      columns: 4,
      queries: [hour, 6 * hour, 3 * day].map((seconds) => ({
        expr: `${missed(seconds)} / ${budget}`,
        legend: `${ratioName(seconds).split("rate").at(-1)} {{job}}`,
      })),
    },
  ];
});

export const overview: DashboardSource = {
  name: "qpq-overview",
  title: "qpq-server / Overview",
  says: "What callers get, and what is away. Start here.",
  rows: [
    { title: "Objectives", panels: budgets },
    {
      title: "Calls",
      panels: [
        {
          title: "Rate",
          says: "RPC calls ended, by method.",
          unit: "reqps",
          queries: [{ expr: `sum by (method) (${rate("qpq_rpc_calls_total")})`, legend: "{{method}}" }],
        },
        {
          title: "Errors",
          says: "Calls that ended with an error, by code: docs tell what each means. Limits (E018, E009) are the callers' own doing.",
          unit: "reqps",
          queries: [
            { expr: `sum by (code) (${rate("qpq_rpc_calls_total", 'code!~"ok|canceled"')})`, legend: "{{code}}" },
          ],
        },
        {
          title: "Duration of calls that store messages",
          says: "Until the message is durable and its readers were told.",
          unit: "s",
          queries: [0.5, 0.9, 0.99].map((q) => ({
            expr: quantile(q, "qpq_rpc_call_duration_seconds", { labels: appending }),
            legend: `p${q * 100}`,
          })),
        },
      ],
    },
    {
      title: "Messages",
      panels: [
        {
          title: "In and out",
          says: "Taken by enqueue, and handed to readers: by answers, and by pushes that were taken.",
          unit: "ops",
          queries: [
            { expr: `sum(${rate("enqueue_total")})`, legend: "taken" },
            { expr: `sum(${rate("qpq_messages_delivered_total")})`, legend: "delivered" },
          ],
        },
        {
          title: "What made readers look",
          says: "hint is the rule. timer: nobody told them, wake-ups are being lost; reconnect: Redis or the store was away.",
          unit: "ops",
          queries: [{ expr: `sum by (source) (${rate("qpq_delivery_found_total")})`, legend: "{{source}}" }],
        },
        {
          title: "Who is here",
          says: "Open RPC sessions, parked fetchWait calls, open subscriptions.",
          unit: "short",
          queries: [
            { expr: `sum(qpq_rpc_sessions{${selected}})`, legend: "sessions" },
            { expr: `sum(qpq_waiters{${selected}})`, legend: "parked fetchWait" },
            { expr: `sum(qpq_subscriptions{${selected}})`, legend: "subscriptions" },
          ],
        },
        {
          title: "Logins and limits",
          says: "Logins that got a token, refused second halves, and calls refused with E018_RATE_LIMIT.",
          unit: "ops",
          queries: [
            { expr: `sum(${rate("auth_login_success_total")})`, legend: "logins" },
            { expr: `sum(${rate("auth_login_failure_total")})`, legend: "refused logins" },
            { expr: `sum(${rate("rate_limit_hit_total")})`, legend: "over a rate" },
          ],
        },
      ],
    },
    {
      title: "Servers",
      panels: [
        {
          title: "Answers Prometheus",
          says: "1 = yes. Of those that did within a day.",
          unit: "short",
          isStat: true,
          columns: 4,
          queries: [
            {
              expr: `up{${selected}} and on (job, instance) last_over_time(qpq_draining[1d])`,
              legend: "{{instance}}",
            },
          ],
        },
        {
          title: "Store reached",
          says: "1 = yes. Of the embedded store there is nothing to reach.",
          unit: "short",
          isStat: true,
          columns: 4,
          queries: [{ expr: `min by (part) (qpq_store_up{${selected}})`, legend: "{{part}}" }],
        },
        {
          title: "Draining",
          says: "Processes in a graceful stop.",
          unit: "short",
          isStat: true,
          columns: 4,
          queries: [{ expr: `sum(qpq_draining{${selected}})`, legend: "processes" }],
        },
        {
          title: "Certificate expires in",
          says: "Of the server whose certificate expires first.",
          unit: "s",
          isStat: true,
          columns: 4,
          queries: [{ expr: `min(qpq_certificate_expiry_seconds{${selected}})`, legend: "first" }],
        },
        {
          title: "Disk left",
          says: "Of the file system of the data folder.",
          unit: "percentunit",
          isStat: true,
          columns: 4,
          queries: [
            {
              expr: `min by (instance) (qpq_disk_available_bytes{${selected}} / qpq_disk_size_bytes{${selected}})`,
              legend: "{{instance}}",
            },
          ],
        },
        {
          title: "Processes replaced in the last hour",
          says: "By reason. Of servers of several processes alone.",
          unit: "short",
          isStat: true,
          columns: 4,
          queries: [
            { expr: `sum by (reason) (increase(qpq_worker_restarts_total{${selected}}[1h]))`, legend: "{{reason}}" },
          ],
        },
      ],
    },
  ],
};
