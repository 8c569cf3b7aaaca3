/** WebSocket over TLS 1.3 behind the transport port, for Node; browser.ts is for browsers. */
export type { Certificate } from "./certificates.ts";
export { dialWebSocket, type WebSocketDialOptions } from "./dial.ts";
export { listenWebSocket, type WebSocketListener, type WebSocketListenOptions } from "./listen.ts";
export type { Trust } from "./tls-client.ts";
export { resolveWebSocketLimits, type WebSocketLimits, websocketLimits } from "./websocket-limits.ts";
