/** Who may call: what stands behind an access token. */

/** Who calls, as far as the server knows. */
export type Caller = {
  /** 32 bytes that name the sender in message ids: all zero for the static token. */
  readonly sender: Uint8Array;
  /** ms since the Unix epoch; undefined = never. */
  readonly expiresAtMs: number | undefined;
};

export type AuthFields = { readonly version: number; readonly accessToken: Uint8Array };

export interface Access {
  /** E002_VERSION, E003_UNAUTHENTICATED (empty), E004_BAD_TOKEN, E005_SESSION_EXPIRED. */
  authenticate(auth: AuthFields): Caller;
}
