/** What client and server must agree on when HTTP becomes a WebSocket (RFC 6455 section 4), and how both set `ws` up. */
import { alpnNode } from "quicproquo-proto";
import type { ServerOptions } from "ws";
import type { WebSocketLimits } from "./websocket-limits.ts";

/** The name ALPN has over QUIC. */
export const subprotocol = alpnNode;
/** A path of its own, so that a proxy can serve other things beside it. */
export const upgradePath = "/capnp";
export const httpAlpn = "http/1.1";

/** Why the server refuses, so that the client can say it. */
export const refusals = {
  origin: { status: 403, text: "the server does not allow this page's origin" },
  path: { status: 404, text: "the server has no WebSocket at this path" },
  method: { status: 426, text: "the server wants a WebSocket upgrade" },
  subprotocol: { status: 400, text: "the server does not speak this protocol (subprotocol)" },
  noNewConnections: { status: 503, text: "the server takes no new connections" },
} as const;
export type Refusal = (typeof refusals)[keyof typeof refusals];

/** Options of `ws` on both sides; some are younger than its types. */
export function wsOptions(limits: WebSocketLimits): ServerOptions {
  const options = {
    // Compression beside secrets leaks them by length, costs 300 KB a connection, and the content is encrypted anyway.
    perMessageDeflate: false,
    maxPayload: limits.messageBytesMax,
    maxFragments: limits.messagePiecesMax,
    maxBufferedChunks: limits.messagePiecesMax,
    closeTimeout: limits.closeMsMax,
  };
  return options;
}
