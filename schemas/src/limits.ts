/** Limits of the protocol: each has a name with its unit last, a default, a range, and a reason. Config makes them settable. */

export type LimitRow = { readonly default: number; readonly min: number; readonly max: number; readonly doc: string };

export const limits = {
  payloadBytesMax: {
    default: 5 * 1024 * 1024,
    min: 1,
    max: 7 * 1024 * 1024,
    doc: "Largest payload of one message, in bytes.",
  },
  queueDepthMax: { default: 1_000, min: 1, max: 1_000_000, doc: "Messages that may stand in one inbox." },
  messageLifeSecs: {
    default: 7 * 86_400,
    min: 1,
    max: 30 * 86_400,
    doc: "How long an unread message stands, in seconds.",
  },
  dedupeWindowSecs: {
    default: 7 * 86_400,
    min: 1,
    max: 60 * 86_400,
    doc: "How long an idempotency key is remembered, in seconds; at least the message life.",
  },
  batchRecipientsMax: { default: 1_000, min: 1, max: 1_000, doc: "Recipients of one batchEnqueue." },
  keyPackageBytesMax: { default: 1024 * 1024, min: 1, max: 4 * 1024 * 1024, doc: "Largest KeyPackage, in bytes." },
  keyPackagePoolMax: { default: 100, min: 1, max: 10_000, doc: "Single-use KeyPackages in one identity's pool." },
  keyPackageLifeSecs: {
    default: 86_400,
    min: 60,
    max: 30 * 86_400,
    doc: "Life of a single-use KeyPackage, in seconds.",
  },
  lastResortLifeSecs: {
    default: 30 * 86_400,
    min: 60,
    max: 400 * 86_400,
    doc: "Life of a last-resort KeyPackage, in seconds.",
  },
  keyPackageFetchesPerHour: {
    default: 10,
    min: 1,
    max: 10_000_000,
    doc: "KeyPackages of one identity that one account may fetch in an hour, so many at once too.",
  },
  fetchMessagesMax: {
    default: 100,
    min: 1,
    max: 10_000,
    doc: "Messages in one answer when the caller names no limit.",
  },
  answerBytesMax: {
    default: 7 * 1024 * 1024,
    min: 64 * 1024,
    max: 7 * 1024 * 1024,
    doc: "Payload bytes in one answer; one message always fits.",
  },
  fetchWaitMsMax: { default: 60_000, min: 1, max: 600_000, doc: "Longest wait of one fetchWait, in ms." },
  subscribeWindowMax: {
    default: 1_000,
    min: 1,
    max: 100_000,
    doc: "Messages that one subscription pushes ahead of what its reader has taken.",
  },
  subscribeWindowBytesMax: {
    default: 7 * 1024 * 1024,
    min: 1,
    max: 16 * 1024 * 1024,
    doc: "Payload bytes that one subscription pushes ahead of what its reader has taken; one message always fits.",
  },
  pushBytesMax: {
    default: 16 * 1024 * 1024,
    min: 64 * 1024,
    max: 24 * 1024 * 1024,
    doc: "Payload bytes pushed and not taken, all subscriptions of one RPC session together; one message always fits.",
  },
  groupIdBytesMax: { default: 64, min: 16, max: 255, doc: "Longest group id of submitCommit, in bytes." },
  groupLifeSecs: {
    default: 400 * 86_400,
    min: 86_400,
    max: 4_000 * 86_400,
    doc: "A group's place in the order of commits is forgotten so long after its last commit, in seconds.",
  },
  senderMessagesPerSecond: {
    default: 200_000, // the static token is everybody's: far above what one front-end carries
    min: 1,
    max: 10_000_000,
    doc: "Messages that one sender may send, each second; all holders of the static token are one sender.",
  },
  senderMessagesBurst: { default: 400_000, min: 1, max: 10_000_000, doc: "Messages that one sender may send at once." },
  inboxMessagesPerSecond: {
    default: 1_000,
    min: 1,
    max: 10_000_000,
    doc: "Messages that one sender may send to one inbox, each second.",
  },
  inboxMessagesBurst: {
    default: 10_000,
    min: 1,
    max: 10_000_000,
    doc: "Messages that one sender may send to one inbox at once.",
  },
  sendingCallsPerMinute: {
    default: 100,
    min: 1,
    max: 10_000_000,
    doc: "Sending calls of one account in 60 s, so many at once too; the static token has no such limit.",
  },
  recipientsPerMinute: {
    default: 20_000,
    min: 1,
    max: 100_000_000,
    doc: "Recipients in the sending calls of one account in 60 s, so many at once too; not of the static token.",
  },
  networkRecipientsPerMinute: {
    default: 400_000, // 20 accounts that send all they may
    min: 1,
    max: 1_000_000_000,
    doc: "Recipients in the sending calls from one network (/24, /56) in 60 s; not of the static token.",
  },
  callsPerMinute: {
    default: 12_000,
    min: 1,
    max: 100_000_000,
    doc: "Calls of one account with a token in 60 s, so many at once too.",
  },
  sessionCallsPerMinute: {
    default: 240_000,
    min: 1,
    max: 1_000_000_000,
    doc: "Calls of one account on its open Sessions (inbox, send, subscribe, ack) in 60 s, so many at once too.",
  },
  keyPackagesPerHour: {
    default: 3_000,
    min: 1,
    max: 100_000_000,
    doc: "KeyPackages of all identities together that one account may fetch in an hour, so many at once too.",
  },
  networkCallsPerMinute: {
    default: 120_000,
    min: 1,
    max: 1_000_000_000,
    doc: "Calls from one network (/24, /56) with a token other than the static one, valid or not, in 60 s.",
  },
  sessionTokenSecs: {
    default: 86_400,
    min: 60,
    max: 30 * 86_400,
    doc: "Life of a session token, in seconds.",
  },
  tokensMax: { default: 100, min: 1, max: 10_000, doc: "Session tokens of one account; beyond it the oldest go." },
  channelsPerHour: {
    default: 200,
    min: 1,
    max: 10_000_000,
    doc: "Channels that one account may ask for in an hour, so many at once too.",
  },
  devicesMax: { default: 5, min: 0, max: 50, doc: "Further devices of one account." },
  deviceNameBytesMax: { default: 64, min: 1, max: 255, doc: "Longest name of a device, in bytes of UTF-8." },
  blocksMax: { default: 10_000, min: 0, max: 100_000, doc: "Senders that one account may block." },
  endpointBytesMax: { default: 4 * 1024, min: 1, max: 64 * 1024, doc: "Largest published endpoint, in bytes." },
  endpointLifeSecs: {
    default: 3_600,
    min: 60,
    max: 30 * 86_400,
    doc: "How long a published endpoint stands, in seconds.",
  },
  lookupsPerMinute: {
    default: 100,
    min: 1,
    max: 10_000_000,
    doc: "Users, identities and endpoints that one account may look up in 60 s, so many at once too.",
  },
  blobBytesMax: { default: 50 * 1024 * 1024, min: 1, max: 1024 * 1024 * 1024, doc: "Largest blob, in bytes." },
  blobChunkBytesMax: {
    default: 256 * 1024,
    min: 1024,
    max: 4 * 1024 * 1024,
    doc: "Largest chunk of one uploadBlob or downloadBlob, in bytes.",
  },
  blobQuotaBytesMax: {
    default: 1024 * 1024 * 1024,
    min: 0,
    max: 1024 * 1024 * 1024 * 1024,
    doc: "Blobs and uploads of one account that have not ended, in bytes.",
  },
  blobBytesPerMinute: {
    default: 512 * 1024 * 1024,
    min: 1024,
    max: 1024 * 1024 * 1024 * 1024,
    doc: "Bytes of blobs that one account may upload and download in 60 s, so many at once too.",
  },
  blobLifeSecs: {
    default: 30 * 86_400,
    min: 60,
    max: 400 * 86_400,
    doc: "How long a completed blob stands, in seconds.",
  },
  uploadLifeSecs: {
    default: 86_400,
    min: 60,
    max: 30 * 86_400,
    doc: "How long an unfinished upload may be continued, in seconds.",
  },
  loginAttemptsPerMinute: {
    default: 10,
    min: 1,
    max: 1_000_000,
    doc: "Logins and registrations begun for one user name from one network (/24, /56) in 60 s; more are refused.",
  },
  loginAccountAttemptsPerMinute: {
    default: 60,
    min: 1,
    max: 1_000_000,
    doc: "Logins and registrations begun for one user name from everywhere in 60 s; more are delayed.",
  },
  loginAddressAttemptsPerMinute: {
    default: 240,
    min: 1,
    max: 1_000_000,
    doc: "Logins begun and ended, and registrations begun, from one network in 60 s; more are refused.",
  },
  registrationsPerHour: {
    default: 60,
    min: 1,
    max: 10_000_000,
    doc: "Registrations ended from one network in an hour; more are refused.",
  },
  hybridKeysMax: { default: 1_000, min: 1, max: 1_000, doc: "Identities in one fetchHybridKeys." },
} as const satisfies Record<string, LimitRow>;

export type LimitName = keyof typeof limits;

/** Fixed sizes of the wire contract, in bytes. */
export const sizes = {
  identityKey: 32,
  signature: 64,
  channelId: 16,
  idempotencyKey: 16,
  hybridPublicKey: 1216,
  fingerprint: 32,
  epochProof: 32,
  deliveryTokenHash: 32,
  blobHash: 32,
  sessionToken: 32,
  /** Messages of OPAQUE with ristretto255 and SHA-512 (RFC 9807). */
  opaqueRegisterRequest: 32,
  opaqueRegisterResponse: 64,
  opaqueUpload: 192,
  opaqueLoginRequest: 96,
  opaqueLoginResponse: 320,
  opaqueFinalization: 64,
  opaqueServerPublicKey: 32,
} as const;

/** The one protocol version there is. */
export const protocolVersion = 1;
