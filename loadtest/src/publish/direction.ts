/** Whether more of a figure is better, by its name: rates are what there should be more of, times, bytes and CPU less. */

export type Direction = "more" | "less" | "neither";

/** Rates by their unit, but not CPU time a second; ratios that are of rates (docs/bench.md). */
const more = [
  /(?:^|_)per_s(?:_|$)/,
  /^(?:enqueue|embedded|embedded_network|cluster|echo|js_js|redis|jetstream|rabbitmq)_vs_/,
  /^direct_vs_relayed_rate$/,
];
const cpu = /_us_per_s(?:_|$)/;
/** What is foretold is right or wrong, not better; how much was done in a run is set, or has no better. */
const neither = /^(?:planned_|rate_per_s$|(?:clients|minutes|acknowledged|reconnects|logins|storm_handshakes)$)/;
/** Latencies and times whose ratio begins like one of rates. */
const times = /^enqueue_(?:\d|after_checkpoint)|_p\d+_vs_|_cpu_vs_|^cpu_/;

export function directionOf(name: string): Direction {
  if (neither.test(name)) return "neither";
  if (cpu.test(name) || times.test(name)) return "less";
  return more.some((pattern) => pattern.test(name)) ? "more" : "less";
}
