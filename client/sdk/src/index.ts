/** The public face of quicproquo-sdk. */
export * from "./chat/index.ts";
export {
  type CallOptions,
  type MethodName,
  NodeClient,
  type ParamsOf,
  type ResultsOf,
  type ServerAddress,
} from "./node-client.ts";
export { type OnCall, ReconnectingClient, type ReconnectOptions } from "./reconnecting-client.ts";
