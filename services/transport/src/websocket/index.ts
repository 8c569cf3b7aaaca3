/** WebSocket over TLS 1.3 behind the transport port, for Node; browser.ts is for browsers. */
export { dialWebSocket, type WebSocketDialOptions } from "./dial.ts";
export { listenWebSocket, type WebSocketListener, type WebSocketListenOptions } from "./listen.ts";
export { resolveWebSocketLimits, type WebSocketLimits, websocketLimits } from "./websocket-limits.ts";
