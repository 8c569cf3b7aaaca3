/**
 * The end of an account, by who is logged in as it: nobody is let in as it or as one of its devices any more, and nothing of
 * it is left in the store (store/account-port.ts, deleteAccount). What others received of it stays theirs.
 */
import type { IdentityKey } from "quicproquo-proto";
import type { Channels } from "../access/channels.ts";
import type { SessionTokens } from "../access/session-tokens.ts";
import type { AccountStore } from "../store/port.ts";

export type AccountDeletionParts = {
  readonly store: AccountStore;
  readonly tokens: SessionTokens;
  readonly channels: Channels;
};

export class AccountDeletion {
  readonly #parts: AccountDeletionParts;

  constructor(parts: AccountDeletionParts) {
    this.#parts = parts;
  }

  /**
   * Resolves when all is gone, and name and keys are free. Tokens and open Sessions end first, durably: here at once,
   * elsewhere within 5 s. May be repeated after E020_STORE_UNAVAILABLE, with a new login while there is still an account;
   * once the store has begun, it ends by itself.
   */
  async delete(identity: IdentityKey): Promise<void> {
    const { store, tokens, channels } = this.#parts;
    await tokens.revokeAll(identity, undefined);
    const keys = [identity, ...(await store.listDevices(identity)).map(({ deviceKey }) => deviceKey)];
    await store.deleteAccount(identity);
    // of a login in between
    await tokens.forget(identity);
    for (const key of keys) channels.forget(key);
  }
}
