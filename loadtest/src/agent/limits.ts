/** The agent's limits: each is a flag of `qpq bench agent` too (`--in-flight-max`), and has a hostile test. */
export const agentLimits = {
  inFlightMax: { default: 1_024, doc: "actions under way at once; beyond it E021_OVERLOADED" },
  connectionsMax: { default: 2_048, doc: "open HTTP connections; further ones are closed at once" },
  bodyBytesMax: { default: 4_096, doc: "of a request; beyond it E008_PAYLOAD_TOO_LARGE" },
  requestTimeoutMs: { default: 10_000, doc: "until a request is here as a whole; then 408" },
  // a call gives up after 10 s by itself, and an action may be several; it counts as under way until it has ended
  actionTimeoutMs: { default: 45_000, doc: "until an action has ended; then E028_DEADLINE" },
} as const satisfies Record<string, { readonly default: number; readonly doc: string }>;

export type AgentLimits = { readonly [Name in keyof typeof agentLimits]: number };

export function defaultAgentLimits(): AgentLimits {
  return Object.fromEntries(
    Object.entries(agentLimits).map(([name, { default: value }]) => [name, value]),
  ) as AgentLimits;
}
