/** What a chat client bounds, each by name. A client can be opened with other numbers; tests do, to reach them. */
export const chatLimits = {
  /** Single-use KeyPackages that should stand on the server: enough for a day of invitations. */
  keyPackagesWanted: 20,
  /** Other members may win so many epochs before a change gives up with E054_COMMITS_CONTENDED. */
  commitTriesMax: 10,
  /** Anybody can invite; beyond it Welcomes are refused, and nothing new is created. */
  conversationsMax: 1_000,
  /** One submitCommit has at most 1,000 entries (wire.md), and the newcomer needs one. */
  groupMembersMax: 1_000,
  /** Payload bytes of one submitCommit: the RPC message's 8 MiB less 256 KiB for 1,000 entries of about 200 bytes. */
  commitBytesMax: 8 * 1024 * 1024 - 256 * 1024,
  /** Messages of one conversation that wait for the server, or for a full inbox. */
  outboxEntriesMax: 1_000,
  /** A day less than the server's dedupe window: a repeat after it could be delivered twice (wire.md, enqueue). */
  outboxLifeMs: 6 * 86_400_000,
  /** Messages of epochs that one conversation hasn't reached. The order of the inbox makes even one an exception. */
  futureMessagesMax: 100,
  futureBytesMax: 8 * 1024 * 1024,
  /** Envelopes of one conversation that are processed into one durable write. */
  envelopesInRunMax: 64,
  /** Events that nobody has taken yet; the oldest go, and an event says how many. */
  eventsMax: 10_000,
  /** Peers' hybrid keys held in memory, 1.2 KB each. */
  hybridKeysCachedMax: 2_000,
  /** A peer without a hybrid key is asked for again after this time. */
  hybridKeyAbsentMs: 10 * 60_000,
  /** Operations that wait for their turn in one conversation; beyond it E021_OVERLOADED. */
  turnsWaitingMax: 10_000,
  /** One long poll of `sync({ follow: true })`. */
  pollMs: 20_000,
} as const;

export type ChatLimits = { readonly [name in keyof typeof chatLimits]: number };
