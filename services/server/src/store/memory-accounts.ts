/** The accounts of the reference store. Synchronous; memory.ts gives it the port's shape. */
import { type IdentityKey, latin1 } from "quicproquo-proto";
import type { Account, AccountPut, AccountStore, Clock, Device, DevicePut, Token } from "./port.ts";

type Request<Name extends keyof AccountStore> = Parameters<AccountStore[Name]>[0];
type Endpoint = { readonly endpoint: Uint8Array; readonly expiresAtMs: number };

/** Keys of the maps are latin1. Maps keep the order in which rows came. */
export class MemoryAccounts {
  readonly #clock: Clock;
  readonly #removeKeys: (key: IdentityKey) => void;
  /** By username. */
  readonly #accounts = new Map<string, Account>();
  /** By identity. */
  readonly #usernames = new Map<string, string>();
  /** By hash. */
  readonly #tokens = new Map<string, Token>();
  /** By device key. */
  readonly #devices = new Map<string, Device>();
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #deliveryTokens = new Map<string, Uint8Array>();
  /** By owner: the senders. */
  readonly #blocks = new Map<string, Set<string>>();

  /** `removeKeys`: removes a key's KeyPackages and hybrid key. */
  constructor(clock: Clock, removeKeys: (key: IdentityKey) => void) {
    this.#clock = clock;
    this.#removeKeys = removeKeys;
  }

  putAccount(put: Request<"putAccount">): AccountPut {
    const identity = latin1(put.identity);
    const known = this.#accounts.get(put.username);
    if (known !== undefined && latin1(known.identity) !== identity) return "usernameTaken";
    if (known === undefined && this.#usernames.has(identity)) return "identityTaken";
    if (this.#devices.has(identity)) return "identityTaken";
    const { username, record, stretching } = put;
    this.#accounts.set(username, known ? { ...known, record, stretching } : { ...put, disabled: false });
    this.#usernames.set(identity, username);
    return known === undefined ? "created" : "replaced";
  }

  accountOf(username: string): Account | undefined {
    return this.#accounts.get(username);
  }

  accountOfIdentity(identity: IdentityKey): Account | undefined {
    const username = this.#usernames.get(latin1(identity));
    return username === undefined ? undefined : this.#accounts.get(username);
  }

  setDisabled({ username, disabled }: Request<"setDisabled">): boolean {
    const account = this.#accounts.get(username);
    if (account === undefined) return false;
    this.#accounts.set(username, { ...account, disabled });
    return true;
  }

  listAccounts({ afterUsername, limit }: Request<"listAccounts">): Account[] {
    const order = (one: string, other: string) => Buffer.compare(Buffer.from(one), Buffer.from(other));
    return [...this.#accounts.values()]
      .filter(({ username }) => order(username, afterUsername) > 0)
      .sort((one, other) => order(one.username, other.username))
      .slice(0, limit);
  }

  putToken({ token, tokensMax }: Request<"putToken">): "stored" | "refused" {
    const account = this.accountOfIdentity(token.identity);
    if (account === undefined || account.disabled) return "refused";
    const actsFor = latin1(token.actsFor);
    const owner = this.#devices.get(actsFor)?.identity ?? token.actsFor;
    if (latin1(owner) !== latin1(token.identity)) return "refused";
    const name = latin1(token.hash);
    if (!this.#tokens.has(name)) this.#tokens.set(name, token);
    const names = this.#tokensOf(token.identity);
    for (const oldest of names.slice(0, Math.max(0, names.length - tokensMax))) this.#tokens.delete(oldest);
    return "stored";
  }

  findTokens(hashes: readonly Uint8Array[]): (Token | undefined)[] {
    return hashes.map((hash) => {
      const token = this.#tokens.get(latin1(hash));
      if (token === undefined || token.expiresAtMs <= this.#clock()) return undefined;
      return this.accountOfIdentity(token.identity)?.disabled ? undefined : token;
    });
  }

  revokeToken(hash: Uint8Array): boolean {
    return this.#tokens.delete(latin1(hash));
  }

  revokeTokens({ identity, actsFor }: Request<"revokeTokens">): number {
    const names = this.#tokensOf(identity, actsFor);
    for (const name of names) this.#tokens.delete(name);
    return names.length;
  }

  putDevice({ device, devicesMax }: Request<"putDevice">): DevicePut {
    if (this.accountOfIdentity(device.identity) === undefined) return "noAccount";
    const key = latin1(device.deviceKey);
    const listed = this.listDevices(device.identity);
    const same = this.#devices.get(key);
    if (same !== undefined) return listed.includes(same) ? "known" : "keyTaken";
    const id = latin1(device.deviceId);
    if (this.#usernames.has(key) || listed.some(({ deviceId }) => latin1(deviceId) === id)) return "keyTaken";
    if (listed.length >= devicesMax) return "full";
    this.#devices.set(key, device);
    return "registered";
  }

  listDevices(identity: IdentityKey): Device[] {
    const owner = latin1(identity);
    return [...this.#devices.values()].filter((device) => latin1(device.identity) === owner);
  }

  removeDevice({ identity, deviceId }: Request<"removeDevice">): Device | undefined {
    const id = latin1(deviceId);
    const device = this.listDevices(identity).find((listed) => latin1(listed.deviceId) === id);
    if (device === undefined) return undefined;
    this.#forgetDevice(device);
    this.revokeTokens({ identity, actsFor: device.deviceKey });
    this.#removeKeys(device.deviceKey);
    return device;
  }

  ownerOfDevice(deviceKey: IdentityKey): IdentityKey | undefined {
    return this.#devices.get(latin1(deviceKey))?.identity;
  }

  putEndpoint({ identity, endpoint, expiresAtMs }: Request<"putEndpoint">): void {
    this.#endpoints.set(latin1(identity), { endpoint, expiresAtMs });
  }

  endpointOf(identity: IdentityKey): Uint8Array | undefined {
    const found = this.#endpoints.get(latin1(identity));
    return found === undefined || found.expiresAtMs <= this.#clock() ? undefined : found.endpoint;
  }

  putDeliveryToken({ identity, tokenHash }: Request<"putDeliveryToken">): void {
    if (tokenHash === undefined) this.#deliveryTokens.delete(latin1(identity));
    else this.#deliveryTokens.set(latin1(identity), tokenHash);
  }

  deliveryTokenOf(identity: IdentityKey): Uint8Array | undefined {
    return this.#deliveryTokens.get(latin1(identity));
  }

  setBlocked({ owner, sender, blocked, blocksMax }: Request<"setBlocked">): boolean {
    const senders = this.#blocks.get(latin1(owner)) ?? new Set();
    const key = latin1(sender);
    if (!blocked) senders.delete(key);
    else if (senders.size >= blocksMax && !senders.has(key)) return false;
    else senders.add(key);
    this.#blocks.set(latin1(owner), senders);
    return true;
  }

  areBlocked(pairs: Request<"areBlocked">): boolean[] {
    return pairs.map(({ owner, sender }) => {
      const identity = this.ownerOfDevice(owner) ?? owner;
      return this.#blocks.get(latin1(identity))?.has(latin1(sender)) === true;
    });
  }

  /** Everything but what is the log's, the keys', the channels' and the blobs'. */
  remove(identity: IdentityKey): void {
    const key = latin1(identity);
    const username = this.#usernames.get(key);
    if (username !== undefined) this.#accounts.delete(username);
    this.#usernames.delete(key);
    this.revokeTokens({ identity, actsFor: undefined });
    for (const device of this.listDevices(identity)) this.#forgetDevice(device);
    for (const map of [this.#endpoints, this.#deliveryTokens, this.#blocks]) map.delete(key);
  }

  /** And what it has published. */
  #forgetDevice({ deviceKey }: Device): void {
    for (const map of [this.#devices, this.#endpoints, this.#deliveryTokens]) map.delete(latin1(deviceKey));
  }

  /** Forgets what has expired, at most `rowsMax`; answers how many. */
  sweep(rowsMax: number): number {
    const now = this.#clock();
    let rows = 0;
    for (const map of [this.#tokens, this.#endpoints]) {
      for (const [name, { expiresAtMs }] of map) {
        if (rows >= rowsMax) return rows;
        if (expiresAtMs > now) continue;
        map.delete(name);
        rows++;
      }
    }
    return rows;
  }

  /** Oldest first. */
  #tokensOf(identity: IdentityKey, actsFor?: IdentityKey): string[] {
    const owner = latin1(identity);
    const key = actsFor && latin1(actsFor);
    return [...this.#tokens].flatMap(([name, token]) =>
      latin1(token.identity) === owner && (key === undefined || latin1(token.actsFor) === key) ? [name] : [],
    );
  }
}
