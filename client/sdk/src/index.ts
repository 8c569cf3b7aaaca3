/** The public face of quicproquo-sdk. */
export * from "./chat/index.ts";
export {
  type MethodName,
  NodeClient,
  type ParamsOf,
  type ResultsOf,
  type ServerAddress,
} from "./node-client.ts";
export { type OnCall, ReconnectingClient, type ReconnectOptions } from "./reconnecting-client.ts";
export {
  InboxClient,
  type OutgoingMessage,
  SessionClient,
  SubscriptionClient,
  type SubscribeOptions,
  type SubscriptionReader,
} from "./session-client.ts";
export type { CallOptions } from "./typed-call.ts";
