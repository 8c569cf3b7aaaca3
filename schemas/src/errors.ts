/**
 * The one error class that crosses borders, and the one table of codes.
 *
 * A code is written once and never reused. Its kind says what the caller should do, and it is what the
 * Cap'n Proto exception type is made from (rpc.capnp, struct Exception):
 *
 * | kind | exception type | the caller |
 * |---|---|---|
 * | invalid, denied, notFound, conflict | failed | does not repeat the call |
 * | limited | overloaded | waits retryAfterMs, repeats |
 * | unavailable | disconnected | reconnects, repeats with the same idempotency key |
 * | unimplemented | unimplemented | talks to an older server |
 * | internal | failed | reports the reference; the cause is in the server's log only |
 */

export type ErrorKind =
  | "invalid"
  | "denied"
  | "notFound"
  | "conflict"
  | "limited"
  | "unavailable"
  | "unimplemented"
  | "internal";

type Row = { readonly kind: ErrorKind; readonly text: string };

export const errorTable = {
  E001_BAD_REQUEST: { kind: "invalid", text: "a field of the request is malformed" },
  E002_VERSION: { kind: "invalid", text: "unsupported protocol version; this server speaks version 1" },
  E003_UNAUTHENTICATED: {
    kind: "denied",
    text: "an access token is required; log in",
  },
  E004_BAD_TOKEN: { kind: "denied", text: "the access token is not valid here" },
  E005_SESSION_EXPIRED: { kind: "denied", text: "the session token has expired or was revoked; log in again" },
  E006_FORBIDDEN: { kind: "denied", text: "the token is not bound to this identity" },
  E007_KEY_LENGTH: { kind: "invalid", text: "a key must be 32 bytes" },
  E008_PAYLOAD_TOO_LARGE: { kind: "invalid", text: "the payload is larger than the server allows" },
  E009_QUEUE_FULL: { kind: "limited", text: "the recipient's inbox is full" },
  E010_PAYLOAD_EMPTY: { kind: "invalid", text: "the payload is empty" },
  E011_IDEMPOTENCY_KEY: { kind: "invalid", text: "an idempotency key must be 16 bytes" },
  E012_CHANNEL_ID: { kind: "invalid", text: "a channel id must be empty or 16 bytes" },
  E013_KEY_PACKAGE_SIZE: { kind: "invalid", text: "a KeyPackage must have 1 byte to 1 MiB" },
  E014_KEY_PACKAGE_POOL_FULL: { kind: "limited", text: "the identity's KeyPackage pool is full" },
  E015_HYBRID_KEY: {
    kind: "invalid",
    text: "a hybrid public key must be 1216 bytes with a 64-byte signature of its identity",
  },
  E016_TOO_MANY_RECIPIENTS: { kind: "invalid", text: "too many recipients in one call" },
  E017_DUPLICATE_RECIPIENT: { kind: "invalid", text: "the recipients of one call must be distinct" },
  E018_RATE_LIMIT: { kind: "limited", text: "too many calls" },
  E019_UNKNOWN_METHOD: { kind: "unimplemented", text: "this server does not know the method" },
  E020_STORE_UNAVAILABLE: { kind: "unavailable", text: "the message store cannot be reached" },
  E021_OVERLOADED: { kind: "limited", text: "too much work in flight" },
  E022_CHANNEL_ACCESS_DENIED: { kind: "denied", text: "the caller is not a member of this channel" },
  E023_CHANNEL_NOT_FOUND: { kind: "notFound", text: "no such channel" },
  E024_BLOB_TOO_LARGE: { kind: "invalid", text: "the blob is larger than the server allows" },
  E025_BLOB_HASH: { kind: "invalid", text: "the blob does not have the announced SHA-256" },
  E026_BLOB_NOT_FOUND: { kind: "notFound", text: "no such blob" },
  E027_BLOB_QUOTA: { kind: "limited", text: "the blob quota is used up" },
  E028_DEADLINE: { kind: "unavailable", text: "the call did not end before its deadline" },
  E029_DEVICE_LIMIT: { kind: "conflict", text: "the account has the largest number of devices; revoke one first" },
  E030_DEVICE_NOT_FOUND: { kind: "notFound", text: "no such device" },
  E031_EPOCH_TAKEN: { kind: "conflict", text: "another commit won this epoch" },
  E032_EPOCH_PROOF: { kind: "denied", text: "the epoch proof does not match" },
  E033_SHUTTING_DOWN: { kind: "unavailable", text: "the server is shutting down; reconnect" },
  E034_INTERNAL: { kind: "internal", text: "internal" },
  E035_STORE_FULL: { kind: "unavailable", text: "the disk of the message store is full" },
  E036_STORE_LOCKED: {
    kind: "conflict",
    text: "another process owns the store file; stop it, or name another folder with --data-dir",
  },
  E037_STORE_SCHEMA: {
    kind: "conflict",
    text: "the store file was written by a newer version, or by another program; run that one, or name another folder with --data-dir",
  },
  E038_STORE_DAMAGED: {
    kind: "conflict",
    text: "the message store is damaged; put a backup in its place: qpq-server restore FOLDER",
  },
  E040_CONNECT_FAILED: { kind: "unavailable", text: "no connection to the server" },
  E041_CERTIFICATE: { kind: "denied", text: "the server's certificate was refused" },
  E042_CONNECTION_LOST: { kind: "unavailable", text: "the connection was lost" },
  E043_ENVELOPE_REFUSED: { kind: "invalid", text: "the hybrid envelope cannot be opened" },
  E044_STATE_FILE: { kind: "invalid", text: "the client state file cannot be used" },
  E045_WRONG_PASSWORD: { kind: "denied", text: "the client state file does not open with this password" },
  E046_CONFIG: { kind: "invalid", text: "the configuration is not valid" },
  E047_PORT_IN_USE: {
    kind: "conflict",
    text: "the port is in use by another process; name another one with --port, or any free one with --port 0",
  },
  E048_USAGE: { kind: "invalid", text: "wrong usage; see --help" },
  E049_STREAM_RESET: { kind: "unavailable", text: "the peer reset the stream" },
  E050_STATE_ROLLED_BACK: {
    kind: "conflict",
    text: "this state is older than what it has acknowledged (a restored copy?); use the newest copy, or start over and be invited again",
  },
  E051_NO_KEY_PACKAGE: {
    kind: "notFound",
    text: "this identity has no KeyPackage on the server; its owner must go online once",
  },
  E052_CONVERSATION_UNKNOWN: { kind: "notFound", text: "no such conversation" },
  E053_CONVERSATION_ENDED: {
    kind: "conflict",
    text: "this conversation cannot be used any more; ask to be invited again",
  },
  E054_COMMITS_CONTENDED: { kind: "conflict", text: "other members' commits won every try; try again" },
  E055_KEY_PACKAGE: { kind: "invalid", text: "the KeyPackage is refused" },
  E056_WELCOME: { kind: "invalid", text: "the Welcome is refused" },
  E057_GROUP_STATE: { kind: "invalid", text: "the stored group state cannot be used" },
  E058_NOT_A_MEMBER: { kind: "conflict", text: "this client is no longer a member of the group" },
  E059_GROUP_CHANGE: { kind: "conflict", text: "the change does not fit the group as it is" },
  E060_PROPOSALS_PENDING: { kind: "conflict", text: "a proposal of this epoch waits for a commit; commit first" },
  E061_GROUP_ID: { kind: "invalid", text: "the group id has a wrong length" },
  E062_SUBSCRIPTION_REPLACED: { kind: "conflict", text: "a newer subscription on this inbox took its place" },
  E063_SINK_FAILED: { kind: "unavailable", text: "the sink did not take a push; subscribe again" },
  E064_LOGIN_REFUSED: {
    kind: "denied",
    text: "the user name, the password or the identity proof is wrong, or the login took longer than 5 minutes",
  },
  E065_USERNAME: {
    kind: "invalid",
    text: "a user name has 1 to 64 bytes: letters and digits, and behind the first also . _ + @ -",
  },
  E066_USERNAME_TAKEN: { kind: "conflict", text: "the user name belongs to another identity" },
  E067_IDENTITY_TAKEN: { kind: "conflict", text: "the identity key has another user name, or is somebody's device" },
  E068_ACCOUNT_DISABLED: { kind: "denied", text: "the account was disabled by the server's operator" },
  E069_BLOCKED: { kind: "denied", text: "the recipient takes no messages from this sender" },
  E070_LOGIN_SERVER: { kind: "denied", text: "this client refuses the server's part of the login" },
  E071_CONTACT_KEY: { kind: "denied", text: "the server names another key for this user than before" },
  E072_BLOCK_LIST_FULL: { kind: "conflict", text: "the block list is full; unblock somebody first" },
  E073_BLOB_OFFSET: { kind: "conflict", text: "the upload goes on at another offset" },
  E074_DEVICE_SIGNATURE: { kind: "invalid", text: "a device key must be signed by its identity" },
  E075_ACCOUNT_NOT_FOUND: { kind: "notFound", text: "nobody has this user name" },
  E080_BACKUP: { kind: "invalid", text: "the backup cannot be used" },
  E081_WOULD_OVERWRITE: { kind: "conflict", text: "a file is there already, and is not overwritten" },
  E082_LOAD_IN_FLIGHT: { kind: "limited", text: "the load had as many actions under way as it may have" },
  E083_PLANS_DIFFER: { kind: "conflict", text: "the two results are of different plans" },
  E084_ASSERTION: { kind: "conflict", text: "a measured figure is not what was asserted" },
} as const satisfies Record<string, Row>;

export type ErrorCode = keyof typeof errorTable;

type Field = string | number | bigint | boolean;

export type QpqErrorOptions = {
  /** How long to wait before the next try, in ms; only for kinds `limited` and `unavailable`. */
  readonly retryAfterMs?: number;
  /** Replaces the table's text. Never a secret, a key, an inbox or a payload. */
  readonly text?: string;
  /** Facts for the reader, printed as key=value. Never a secret, a key, an inbox or a payload. */
  readonly fields?: Readonly<Record<string, Field>>;
  readonly cause?: unknown;
};

export class QpqError extends Error {
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  readonly retryAfterMs: number | undefined;
  readonly text: string;
  readonly fields: Readonly<Record<string, Field>>;

  constructor(code: ErrorCode, options: QpqErrorOptions = {}) {
    const text = options.text ?? errorTable[code].text;
    super(reasonOf(code, options, text), options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "QpqError";
    this.code = code;
    this.kind = errorTable[code].kind;
    this.retryAfterMs = options.retryAfterMs;
    this.text = text;
    this.fields = options.fields ?? {};
  }

  /** The RPC exception's reason: `CODE key=value ... text`; {@link QpqError.fromReason} reads it back. */
  get reason(): string {
    return this.message;
  }

  /** Reads a reason back; undefined when it does not begin with a code of the table. */
  static fromReason(reason: string): QpqError | undefined {
    const words = reason.split(" ");
    const code = words.shift();
    if (code === undefined || !Object.hasOwn(errorTable, code)) return undefined;
    const fields: Record<string, Field> = {};
    let retryAfterMs: number | undefined;
    while (words[0] !== undefined && /^[A-Za-z][A-Za-z0-9]*=/.test(words[0])) {
      const word = words.shift() as string;
      const at = word.indexOf("=");
      const name = word.slice(0, at);
      const value = word.slice(at + 1);
      if (name === "retryAfterMs" && /^\d{1,15}$/.test(value)) retryAfterMs = Number(value);
      else fields[name] = value;
    }
    return new QpqError(code as ErrorCode, {
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      text: words.join(" "),
      fields,
    });
  }
}

/** The code to count a failure under: foreign errors are internal. */
export function errorCodeOf(error: unknown): ErrorCode {
  return error instanceof QpqError ? error.code : "E034_INTERNAL";
}

function reasonOf(code: ErrorCode, options: QpqErrorOptions, text: string): string {
  const words: string[] = [code];
  if (options.retryAfterMs !== undefined) words.push(`retryAfterMs=${Math.ceil(options.retryAfterMs)}`);
  for (const [name, value] of Object.entries(options.fields ?? {})) words.push(`${name}=${value}`);
  words.push(text);
  return words.join(" ");
}

/** Exception.Type of rpc.capnp for each kind. */
export const exceptionTypeOf: Readonly<Record<ErrorKind, "failed" | "overloaded" | "disconnected" | "unimplemented">> =
  {
    invalid: "failed",
    denied: "failed",
    notFound: "failed",
    conflict: "failed",
    limited: "overloaded",
    unavailable: "disconnected",
    unimplemented: "unimplemented",
    internal: "failed",
  };
