/**
 * Who is who, and where: user names, identity keys, and the endpoints that people publish of themselves. Only to who has a
 * token, and so many answers a minute for each account: nobody copies the whole of it.
 */
import { type IdentityKey, latin1, type LimitName, parseIdentityKey, parseUsername, QpqError } from "quicproquo-proto";
import { type Rate, ratePer, requireRate } from "../access/rates.ts";
import type { AccountStore, Clock, RateCounter } from "../store/port.ts";

export type DirectoryParts = {
  readonly store: AccountStore;
  readonly rates: RateCounter;
  readonly limits: Readonly<Record<LimitName, number>>;
  readonly clock: Clock;
};

/** Whose account asks; undefined: the static token, which is everybody's and has no such limit. */
type Asker = IdentityKey | undefined;

export class Directory {
  readonly #parts: DirectoryParts;
  readonly #rate: Rate;

  constructor(parts: DirectoryParts) {
    this.#parts = parts;
    this.#rate = ratePer(60, "lookupsPerMinute", parts.limits);
  }

  /** Empty when nobody has the name, in whatever form it is written. E018_RATE_LIMIT, E065_USERNAME. */
  async identityOf(username: string, asker: Asker): Promise<Uint8Array> {
    const name = parseUsername(username);
    this.#countLookup(asker);
    return (await this.#parts.store.accountOf(name))?.identity ?? new Uint8Array();
  }

  /** Of an account's identity or of a device that it lists; empty when there is none. E007, E018_RATE_LIMIT. */
  async usernameOf(key: Uint8Array, asker: Asker): Promise<string> {
    const { store } = this.#parts;
    const identityKey = parseIdentityKey(Uint8Array.from(key));
    this.#countLookup(asker);
    const account = await store.accountOfIdentity(identityKey);
    if (account !== undefined) return account.username;
    const owner = await store.ownerOfDevice(identityKey);
    return (owner && (await store.accountOfIdentity(owner))?.username) ?? "";
  }

  /** What the key's holder says of where it is, opaque here; it stands for endpointLifeSecs, an empty one for none. */
  async publishEndpoint(identity: IdentityKey, endpoint: Uint8Array): Promise<void> {
    const { store, limits, clock } = this.#parts;
    const max = limits.endpointBytesMax;
    if (endpoint.length > max) {
      const fields = { bytes: endpoint.length, max };
      throw new QpqError("E001_BAD_REQUEST", { fields, text: "the endpoint is too long" });
    }
    const expiresAtMs = clock() + limits.endpointLifeSecs * 1_000;
    await store.putEndpoint({ identity, endpoint: Uint8Array.from(endpoint), expiresAtMs });
  }

  /** Empty when there is none. E007, E018_RATE_LIMIT. */
  async endpointOf(key: Uint8Array, asker: Asker): Promise<Uint8Array> {
    const identity = parseIdentityKey(Uint8Array.from(key));
    this.#countLookup(asker);
    return (await this.#parts.store.endpointOf(identity)) ?? new Uint8Array();
  }

  #countLookup(asker: Asker): void {
    if (asker !== undefined) requireRate(this.#parts.rates, this.#rate, latin1(asker));
  }
}

/** As the server sees the other end of a connection: `192.0.2.1:4433`, `[2001:db8::1]:4433`. */
export function addressText({ host, port }: { readonly host: string; readonly port: number }): string {
  const [address = ""] = host.split("%");
  const v4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
  return v4.includes(":") ? `[${v4}]:${port}` : `${v4}:${port}`;
}
