/** Who may call: what stands behind an access token. Which calls it may make: rules.ts. */
import type { IdentityKey } from "quicproquo-proto";

/**
 * `static`: the operator's token, whose holder may act for every key. `session`: somebody who has logged in, and acts for
 * the identity of an account. `device`: the same, for a device that the identity lists. `sealed`: whoever shows the
 * recipient's delivery token, and says not who it is.
 */
export type CallerKind = "static" | "session" | "device" | "sealed";

/** Who calls, as far as the server knows. */
export type Caller = {
  readonly kind: CallerKind;
  /**
   * 32 bytes that name the sender in message ids: the key that the token acts for; all zero for the static token; SHA-256
   * of the delivery token for a sealed sender.
   */
  readonly sender: Uint8Array;
  /** The identity whose account it is; undefined for `static` and `sealed`. */
  readonly account: IdentityKey | undefined;
  /** The one key it acts for: the account's identity, or a device's key. undefined for `static` and `sealed`. */
  readonly actsFor: IdentityKey | undefined;
  /** SHA-256 of the session token; undefined where the store has none. */
  readonly tokenHash: Uint8Array | undefined;
  /** ms since the Unix epoch; undefined = never. */
  readonly expiresAtMs: number | undefined;
};

export type AuthFields = { readonly version: number; readonly accessToken: Uint8Array };

/** Where a call comes from (network.ts). */
export type Arrival = { readonly network: string };

export interface Access {
  /**
   * At once for a token that is known, else once the store has been asked. E002_VERSION, E003_UNAUTHENTICATED (empty),
   * E004_BAD_TOKEN, E005_SESSION_EXPIRED, E018_RATE_LIMIT, E020, E021; thrown or rejected. `sealedTo`: the recipient, of a
   * call that takes its delivery token.
   */
  authenticate(auth: AuthFields, arrival: Arrival, sealedTo: Uint8Array | undefined): Caller | Promise<Caller>;
  /** One more call of a Session, which shows no token. E018_RATE_LIMIT. */
  countSessionCall(caller: Caller): void;
  /** Asks the store whether the caller's token is still one, whatever is believed of it. E005_SESSION_EXPIRED, E020, E021. */
  confirm(caller: Caller): Promise<void>;
  /** Calls onEnd once, within 5 s of the revocation of the caller's token; returns what stops it. */
  watch(caller: Caller, onEnd: () => void): () => void;
}
