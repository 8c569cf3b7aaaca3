/**
 * The port for accounts and what belongs to them. Promises beside those of each method:
 *
 * - a method that changes something is durable when it resolves, is one transaction, and may be repeated after an
 *   unknown outcome (E020_STORE_UNAVAILABLE): the same call again leaves the same state;
 * - a read sees everything whose change resolved before it was called, on every front-end.
 */
import type { IdentityKey } from "quicproquo-proto";

export type Account = {
  /** As the domain has normalized it; compared byte by byte. Well-formed, without NUL. */
  readonly username: string;
  readonly identity: IdentityKey;
  /** The OPAQUE registration record (RFC 9807, section 3.3); the store does not look into it. */
  readonly record: Uint8Array;
  /** Which profile of Argon2id the record was made with. */
  readonly stretching: number;
  /** When the name was taken; a new password leaves it. */
  readonly createdAtMs: number;
  readonly disabled: boolean;
};

/**
 * `replaced`: the account was there under both names; it has the new record and profile, and is otherwise as it was.
 * `usernameTaken`: by another identity. `identityTaken`: the identity has another username, is a listed device of
 * somebody, or is just being deleted. Nothing was stored in the last two.
 */
export type AccountPut = "created" | "replaced" | "usernameTaken" | "identityTaken";

export type Token = {
  /** SHA-256 of the token, 32 bytes: a read of the store gives nobody a token. */
  readonly hash: Uint8Array;
  /** Whose account. */
  readonly identity: IdentityKey;
  /** Which key it acts for: the identity or one of its listed devices. */
  readonly actsFor: IdentityKey;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
};

export type Device = {
  readonly identity: IdentityKey;
  /** 16 bytes, made from the device key: the same key again has the same id. */
  readonly deviceId: Uint8Array;
  /** An inbox, a pool of KeyPackages and an MLS leaf of its own. */
  readonly deviceKey: IdentityKey;
  readonly name: string;
  /** By the identity over the device key. */
  readonly signature: Uint8Array;
  readonly registeredAtMs: number;
};

/**
 * `known`: this key is listed for this identity; the row stays as it was. `full`: devicesMax are listed. `keyTaken`: the
 * key is an account's identity, or another account's device, or the id is another key's. `noAccount`: the identity has
 * none. Only `registered` stored something.
 */
export type DevicePut = "registered" | "known" | "full" | "keyTaken" | "noAccount";

/** Who might block whom. */
export type BlockPair = { readonly owner: IdentityKey; readonly sender: IdentityKey };

export interface AccountStore {
  /** Of several calls for one username, or for one identity, one creates the account. */
  putAccount(account: Omit<Account, "disabled">): Promise<AccountPut>;
  /** As much work for a name that nobody has: how long it takes must not tell which names there are. */
  accountOf(username: string): Promise<Account | undefined>;
  /** Of an account's identity, not of a device key. */
  accountOfIdentity(identity: IdentityKey): Promise<Account | undefined>;
  /** false: there is no such account. A disabled account's tokens are not found until it is enabled again. */
  setDisabled(request: { readonly username: string; readonly disabled: boolean }): Promise<boolean>;
  /** Behind afterUsername ("": from the first on), at most `limit`, ascending by the bytes of the username's UTF-8. */
  listAccounts(query: { readonly afterUsername: string; readonly limit: number }): Promise<readonly Account[]>;

  /**
   * Beyond tokensMax of one identity the oldest go. `refused`: there is no such account, it is disabled, or actsFor is
   * neither its identity nor a listed device of it at this moment.
   */
  putToken(request: { readonly token: Token; readonly tokensMax: number }): Promise<"stored" | "refused">;
  /** In the order asked for; undefined where there is none, it has expired, or its account is disabled. By primary key. */
  findTokens(hashes: readonly Uint8Array[]): Promise<readonly (Token | undefined)[]>;
  /** false: there was none. */
  revokeToken(hash: Uint8Array): Promise<boolean>;
  /** All of an identity, or those that act for one key. Answers how many. */
  revokeTokens(request: { readonly identity: IdentityKey; readonly actsFor: IdentityKey | undefined }): Promise<number>;

  putDevice(request: { readonly device: Device; readonly devicesMax: number }): Promise<DevicePut>;
  /** In the order of their registration. */
  listDevices(identity: IdentityKey): Promise<readonly Device[]>;
  /**
   * Answers the row that it removed. Its tokens, KeyPackages, hybrid key, endpoint and delivery token go in the same transaction, so that nobody
   * adds it again; what stands in its inboxes ends with its life.
   */
  removeDevice(request: { readonly identity: IdentityKey; readonly deviceId: Uint8Array }): Promise<Device | undefined>;
  /** The identity that lists the key. */
  ownerOfDevice(deviceKey: IdentityKey): Promise<IdentityKey | undefined>;

  /** Where the identity can be reached at present; replaces the one before it. */
  putEndpoint(request: {
    readonly identity: IdentityKey;
    readonly endpoint: Uint8Array;
    readonly expiresAtMs: number;
  }): Promise<void>;
  /** undefined: there is none, or it has expired. */
  endpointOf(identity: IdentityKey): Promise<Uint8Array | undefined>;

  /** SHA-256 of what a sealed sender must show, 32 bytes; undefined: nobody may send sealed any more. */
  putDeliveryToken(request: {
    readonly identity: IdentityKey;
    readonly tokenHash: Uint8Array | undefined;
  }): Promise<void>;
  deliveryTokenOf(identity: IdentityKey): Promise<Uint8Array | undefined>;

  /** false: `owner` blocks blocksMax already, and nothing was stored. */
  setBlocked(request: {
    readonly owner: IdentityKey;
    readonly sender: IdentityKey;
    readonly blocked: boolean;
    readonly blocksMax: number;
  }): Promise<boolean>;
  /**
   * Whether the owner blocks the sender, in the order asked for. An owner that is a listed device has the list of its
   * identity. Two walks down unique indexes for each; an answer may be kept for some seconds.
   */
  areBlocked(pairs: readonly BlockPair[]): Promise<readonly boolean[]>;

  /**
   * Removes the account, its tokens and devices, endpoint, delivery token and block list in one transaction; nobody is
   * logged in from then on. Then, a bounded number of rows a transaction: the inboxes (of all channels), KeyPackages and
   * hybrid keys of the identity and its devices, its channels, and the blobs it uploaded. When it resolves all is gone,
   * and username and identity are free again; until then the identity is not (`identityTaken`). A process that ends
   * meanwhile leaves the rest to the next call, or to the sweep. Without an account it removes what else there is of the
   * identity. What others wrote of it stays theirs: their block lists, and what they received.
   */
  deleteAccount(identity: IdentityKey): Promise<void>;
}
