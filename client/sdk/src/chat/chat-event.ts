/** What a chat client tells its user, in order, by `sync`. */
import type { AppMessage } from "quicproquo-core";
import type { IdentityKey } from "quicproquo-proto";

/** A conversation's MLS group id in lower-case hex. */
export type ConversationId = string;

type InConversation =
  /** `number` is its place in the history; left out for what the history does not keep (typing, dummy). */
  | {
      readonly kind: "message";
      readonly number: number | undefined;
      readonly sender: IdentityKey;
      readonly message: AppMessage;
      readonly enqueuedAtMs: number;
    }
  /** I was invited, and am a member now. */
  | { readonly kind: "joined" }
  | { readonly kind: "memberAdded" | "memberRemoved"; readonly member: IdentityKey; readonly by: IdentityKey }
  /** A member wants to leave; the removal comes with somebody's next commit. */
  | { readonly kind: "memberLeaving"; readonly member: IdentityKey }
  /** A member has new keys; nobody came or went. */
  | { readonly kind: "keysUpdated"; readonly by: IdentityKey }
  /** I am no longer a member: removed by somebody, or my leave was committed. */
  | { readonly kind: "left"; readonly by: IdentityKey }
  /** A commit was lost: nothing can be read or sent here until somebody invites me again. */
  | { readonly kind: "broken" }
  /** A message of mine wasn't taken within its life. */
  | { readonly kind: "failed"; readonly number: number | undefined }
  /** A member takes no messages from me. They go to the others. */
  | { readonly kind: "blocked"; readonly member: IdentityKey }
  /** A change of mine that was interrupted cannot be carried out any more. */
  | {
      readonly kind: "changeFailed";
      readonly change: "add" | "remove" | "renew" | "proposals";
      readonly reason: string;
    }
  /** A commit reached everybody but these: their inboxes are full, and they will have lost it. */
  | { readonly kind: "undelivered"; readonly members: readonly IdentityKey[] }
  /** Wrapped in hybrid envelopes the commit would not have fitted one call: only the Welcome was wrapped. */
  | { readonly kind: "commitUnwrapped"; readonly bytes: number }
  /** It does not verify, or says nothing that can be read. Nothing was changed by it. */
  | { readonly kind: "refused"; readonly reason: string };

type InInbox =
  /** It opens with no key of mine, or belongs to no conversation here. */
  | { readonly kind: "refused"; readonly conversation: undefined; readonly reason: string }
  /** Messages up to `upTo` never arrived. Conversations that may have lost a commit are checked at the next step. */
  | { readonly kind: "gap"; readonly reason: "expired" | "overflow" | "epochReset"; readonly upTo: bigint }
  /** The server gave a hybrid key that this identity didn't sign: it isn't used. */
  | { readonly kind: "hybridKeyRefused"; readonly member: IdentityKey }
  /** So many events were thrown away because nobody took them; messages stand in the history. */
  | { readonly kind: "eventsDropped"; readonly count: number };

export type ConversationEvent = InConversation & { readonly conversation: ConversationId };
export type ChatEvent = ConversationEvent | InInbox;
