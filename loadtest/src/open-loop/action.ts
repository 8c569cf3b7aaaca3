/** What a virtual user does once, over real connections: the shape of a file in actions/. */
import type { ConnectionPool } from "./connection-pool.ts";

type ActionOptions = {
  /** Users from 0; each has inboxes, or a conversation, of its own. */
  readonly users: number;
  /** Of each message, in bytes; of a blob its size. Of those that are told apart by a number at least 8. */
  readonly payloadBytes: number;
  /** Of one fan-out; members of one group. */
  readonly recipients: number;
};

export type Action = {
  readonly doc: string;
  /** What one `once` is, from when to when. */
  readonly measures: string;
  /** payloadBytes and recipients where nobody names others. */
  readonly defaults: Pick<ActionOptions, "payloadBytes" | "recipients">;
  /** Whether it needs an access token. */
  readonly needsToken: boolean;
  /** Makes what the users need; nothing of it is measured. E040_CONNECT_FAILED, E003_UNAUTHENTICATED ... */
  readonly prepare: (pool: ConnectionPool, options: ActionOptions) => Promise<PreparedAction>;
};

export type PreparedAction = {
  /** One of user n; any number at once, of the same user too. Rejects with QpqError; nothing is repeated. */
  readonly once: (user: number) => Promise<void>;
  readonly close: () => Promise<void>;
};
