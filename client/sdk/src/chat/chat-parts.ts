/** What the parts of a chat client share. Made by ChatClient. */
import type { HybridKeyPair, Identity, RecordStore } from "quicproquo-core";
import type { ChatLimits } from "./chat-limits.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { EventLog } from "./event-log.ts";
import type { HybridKeys } from "./hybrid-keys.ts";
import type { MailServer } from "./mail-server.ts";

export type ChatParts = {
  readonly me: Identity;
  readonly keyPair: HybridKeyPair;
  readonly records: RecordStore;
  readonly events: EventLog;
  readonly server: MailServer;
  readonly hybridKeys: HybridKeys;
  readonly limits: ChatLimits;
  /** ms since the Unix epoch. */
  readonly clock: () => number;
  /** So many bytes that nobody can guess. */
  readonly random: (bytes: number) => Uint8Array;
  readonly checkpoint: Checkpoint;
};
