/** The public face of quicproquo-sdk. */
export type { AccessTokenSource } from "./access-token.ts";
export { Account, type AccountParts, type Credentials } from "./account/account.ts";
export { type Contact, Contacts, type ContactsParts } from "./account/contacts.ts";
export { type Device, type Devices, Directory, type DirectoryParts } from "./account/directory.ts";
export * from "./chat/index.ts";
export {
  type MethodName,
  NodeClient,
  type ParamsOf,
  type ResultsOf,
} from "./node-client.ts";
export {
  type ConnectOptions,
  MemorySessionCache,
  type ServerAddress,
  type SessionCache,
  type TransportChoice,
  type Trust,
} from "./connect.ts";
export { Files, type FilesParts, type OutgoingFile } from "./files.ts";
export { GatheringSender } from "./gathering-sender.ts";
export { RecordSessionCache } from "./record-session-cache.ts";
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
