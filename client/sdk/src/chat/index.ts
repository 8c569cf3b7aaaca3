/** The chat client: conversations over MLS groups. */
export {
  ChatClient,
  type ChatClientOptions,
  type HistoryOptions,
  type Sent,
  type SyncOptions,
} from "./chat-client.ts";
export type { ChatEvent, ConversationEvent, ConversationId } from "./chat-event.ts";
export type { ConversationSummary } from "./conversation-summary.ts";
export { type ChatLimits, chatLimits } from "./chat-limits.ts";
export type { Checkpoint, CheckpointName } from "./checkpoint.ts";
export type { HistoryEntry } from "./history.ts";
export type { HybridMode } from "./hybrid-keys.ts";
export type { Published } from "./key-packages.ts";
