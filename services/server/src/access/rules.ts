/**
 * Who may make a call (docs/wire.md, Authorization). Each row of the method tables names a rule, and this is the one place
 * that knows what it means; nothing else compares a caller with a key.
 */
import { QpqError } from "quicproquo-proto";
import type { Caller, CallerKind } from "./access.ts";

/** Whom a rule lets in. E006_FORBIDDEN for the others. */
export const admitted = {
  /** A valid token of somebody. */
  caller: ["static", "session", "device"],
  /** The key that the parameters name is the one that the token acts for; the static token's is every key. */
  own: ["static", "session", "device"],
  /** It acts for one key, which the parameters don't name. */
  bound: ["session", "device"],
  /** It acts for the identity of an account: a device cannot change what is the account's. */
  identity: ["session"],
  /** As `caller`, and who doesn't say who it is but was let in by the recipient. */
  sender: ["static", "session", "device", "sealed"],
} as const satisfies Record<string, readonly CallerKind[]>;

type RuleName = keyof typeof admitted;

/**
 * `anybody`: without a token. `own`: names the parameter that has the key. Params: of the method.
 */
export type AccessRule<Params = never> =
  | "anybody"
  | Exclude<RuleName, "own">
  | { readonly own: Extract<keyof Params, "recipientKey" | "identityKey"> };

type OwnKeys = {
  readonly recipientKey?: Uint8Array;
  readonly identityKey?: Uint8Array;
  readonly channelId?: Uint8Array;
};

/** E006_FORBIDDEN. */
export function requireAdmitted(
  rule: Exclude<AccessRule<Required<OwnKeys>>, "anybody">,
  caller: Caller,
  params: OwnKeys,
): void {
  const isOwn = typeof rule === "object";
  const kinds: readonly CallerKind[] = admitted[isOwn ? "own" : rule];
  // a channel's members say who they are
  const isSealed = caller.kind === "sealed" && (params.channelId?.length ?? 0) > 0;
  if (!kinds.includes(caller.kind) || isSealed) throw new QpqError("E006_FORBIDDEN", { text: refusals[caller.kind] });
  if (isOwn) requireOwn(caller, params[rule.own] as Uint8Array);
}

/** E006_FORBIDDEN unless the caller acts for the key. */
export function requireOwn({ kind, actsFor }: Caller, key: Uint8Array): void {
  if (kind === "static" || (actsFor !== undefined && Buffer.compare(actsFor, key) === 0)) return;
  throw new QpqError("E006_FORBIDDEN");
}

/** E022_CHANNEL_ACCESS_DENIED unless the caller acts for a member of the channel, and the inbox is a member's. */
export function requireMembers({ kind, actsFor }: Caller, members: readonly Uint8Array[], owner: Uint8Array): void {
  const isMember = (key: Uint8Array): boolean => members.some((member) => Buffer.compare(member, key) === 0);
  if (kind !== "static" && (actsFor === undefined || !isMember(actsFor)))
    throw new QpqError("E022_CHANNEL_ACCESS_DENIED");
  if (!isMember(owner))
    throw new QpqError("E022_CHANNEL_ACCESS_DENIED", { text: "the recipient is not a member of this channel" });
}

const refusals: Record<CallerKind, string> = {
  static: "the static token is bound to no identity; log in",
  session: "the token is not bound to this identity",
  device: "this is for the account's identity key, not for a device",
  sealed: "a delivery token sends to its recipient's default inbox, and does nothing else",
};
