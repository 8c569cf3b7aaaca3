/** Connections, handshakes, datagrams, and what was dropped and why; the WebSocket beside it. */
import { type DashboardSource, rate, selected } from "../panels.ts";

const total = "qpq_transport_total";

export const quicTransport: DashboardSource = {
  name: "qpq-quic-transport",
  title: "qpq-server / QUIC transport",
  says: "What the listeners see, below the calls.",
  rows: [
    {
      title: "Connections",
      panels: [
        {
          title: "Open",
          says: "QUIC connections whose handshake is done, by server.",
          unit: "short",
          queries: [
            { expr: `sum by (instance) (qpq_transport_size{${selected}, name="connections"})`, legend: "{{instance}}" },
          ],
        },
        {
          title: "Handshakes under way",
          says: "halfOpen: not done yet. sheltered: those of clients that have shown their address while many were half open.",
          unit: "short",
          queries: [
            { expr: `sum by (name) (qpq_transport_size{${selected}, name=~"halfOpen|sheltered"})`, legend: "{{name}}" },
          ],
        },
        {
          title: "Handshakes",
          says: "Done, failed, and answered with Retry, Version Negotiation or a stateless reset. Many at once: everybody comes back.",
          unit: "cps",
          queries: [
            {
              expr: `sum by (name) (${rate(total, 'name=~"handshakes|handshakesFailed|retries|versionNegotiations|statelessResets"')})`,
              legend: "{{name}}",
            },
          ],
        },
        {
          title: "Refused",
          says: "A limit of connections or handshakes was reached (connectionsMax, halfOpenMax and those by network).",
          unit: "cps",
          queries: [{ expr: `sum by (name) (${rate(total, 'name=~"refused|droppedLimit"')})`, legend: "{{name}}" }],
        },
        {
          title: "RPC sessions",
          says: "One a connection of a client that speaks.",
          unit: "short",
          queries: [{ expr: `sum by (instance) (qpq_rpc_sessions{${selected}})`, legend: "{{instance}}" }],
        },
      ],
    },
    {
      title: "Datagrams",
      panels: [
        {
          title: "In and out",
          says: "UDP datagrams.",
          unit: "ops",
          queries: [{ expr: `sum by (name) (${rate(total, 'name=~"datagrams(In|Out)"')})`, legend: "{{name}}" }],
        },
        {
          title: "Dropped",
          says: "By reason: too short, malformed, of no known connection, with a wrong token, over a limit. Some of strangers is normal.",
          unit: "ops",
          queries: [{ expr: `sum by (name) (${rate(total, 'name=~"dropped.*"')})`, legend: "{{name}}" }],
        },
        {
          title: "Handed to a sibling",
          says: "The kernel gave them to the wrong worker, as it does for a while when one was replaced. straysDropped: a sibling was too slow.",
          unit: "ops",
          queries: [{ expr: `sum by (name) (${rate(total, 'name=~"strays.*"')})`, legend: "{{name}}" }],
        },
        {
          title: "Datagrams a call",
          says: "In and out together. An enqueue on a quiet connection is two; pings of idle clients count too.",
          unit: "short",
          queries: [
            {
              expr: `sum(${rate(total, 'name=~"datagrams(In|Out)"')}) / sum(${rate("qpq_rpc_calls_total")})`,
              legend: "datagrams",
            },
          ],
        },
      ],
    },
    {
      title: "WebSocket",
      panels: [
        {
          title: "Open",
          says: "Connections over the WebSocket, and handshakes under way.",
          unit: "short",
          queries: [
            { expr: `sum by (name) (qpq_transport_size{${selected}, name=~"websocket_.*"})`, legend: "{{name}}" },
          ],
        },
        {
          title: "Handshakes and refusals",
          says: "refusedOrigin: a page that is not in allowedOrigins.",
          unit: "cps",
          queries: [{ expr: `sum by (name) (${rate(total, 'name=~"websocket_.*"')})`, legend: "{{name}}" }],
        },
      ],
    },
  ],
};
