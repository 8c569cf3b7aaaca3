/** What a run found wrong. The kind tells findings apart: shrinking an input must keep it. */
export type FindingKind =
  /** A callback of the stream threw. */
  | "threw"
  /** An unhandled rejection or uncaught exception of the process. */
  | "unhandled"
  /** The session aborted, or a call failed, with an error that is no rule of the protocol. */
  | "internal"
  /** The session ended without telling the peer why. */
  | "silent-end"
  /** It lives and does not answer. */
  | "deaf"
  /** It lives, though the peer broke the protocol. */
  | "lenient"
  /** It went on with messages that came behind the one it ended with. */
  | "undead"
  /** What it sent breaks the protocol, or cannot be read. */
  | "bad-output"
  /** Something is left in the tables, or an object was not given back. */
  | "leak"
  /** An object was given back more than once. */
  | "double-dispose"
  /** A call of its own was never settled. */
  | "hanging-call"
  /** More bytes or messages than what came can justify. */
  | "amplification"
  /** It goes on by itself when nothing comes any more. */
  | "restless"
  /** A session beside it, or what that session has stored, was touched. */
  | "bystander"
  /** The stream was used in a way its contract forbids. */
  | "misused-stream";

export class Finding extends Error {
  readonly kind: FindingKind;

  constructor(kind: FindingKind, text: string, options?: ErrorOptions) {
    super(text, options);
    this.name = "Finding";
    this.kind = kind;
  }
}
