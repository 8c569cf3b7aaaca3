/**
 * What the server says of users and their devices, and what an account tells it of both. Nothing of it is kept here. A
 * device counts only with its identity's signature; that a name has a key the server alone says (contacts.ts).
 */
import { type Identity, signDevice, verifyDevice } from "quicproquo-core";
import { type IdentityKey, parseIdentityKey, type Username } from "quicproquo-proto";
import { type AccessTokenSource, authOf } from "../access-token.ts";
import type { ReconnectingClient } from "../reconnecting-client.ts";

export type DirectoryParts = {
  readonly client: ReconnectingClient;
  readonly accessToken: AccessTokenSource;
  readonly identity: Identity;
};

export type Device = {
  readonly deviceId: Uint8Array;
  readonly deviceName: string;
  /** ms since the Unix epoch, as the server says. */
  readonly registeredAtMs: number;
  readonly deviceKey: IdentityKey;
};

export type Devices = {
  readonly devices: readonly Device[];
  /** Listed, and not signed by the identity: somebody else's. */
  readonly refused: number;
};

export class Directory {
  readonly #parts: DirectoryParts;

  constructor(parts: DirectoryParts) {
    this.#parts = parts;
  }

  /** As the server says; undefined where nobody has the name. */
  async keyOf(username: Username): Promise<IdentityKey | undefined> {
    const { identityKey } = await this.#parts.client.call("resolveUser", { username, auth: await this.#auth() });
    // a copy: the answer is a view into its frame
    return identityKey.length === 0 ? undefined : parseIdentityKey(Uint8Array.from(identityKey));
  }

  /** In the order of their registration. */
  async devicesOf(identityKey: IdentityKey): Promise<Devices> {
    const { devices: listed } = await this.#parts.client.call("listDevices", { identityKey, auth: await this.#auth() });
    const devices: Device[] = [];
    for (const { deviceId, deviceName, registeredAtMs, deviceKey: key, signature } of listed) {
      const deviceKey = parseIdentityKey(Uint8Array.from(key));
      if (!verifyDevice({ identityKey, deviceKey, signature })) continue;
      devices.push({
        deviceId: Uint8Array.from(deviceId),
        deviceName,
        registeredAtMs: Number(registeredAtMs),
        deviceKey,
      });
    }
    return { devices, refused: listed.length - devices.length };
  }

  /** Signs the key as this account's device; it can log in from then on. Its id; E029, E067_IDENTITY_TAKEN, E006. */
  async addDevice(deviceKey: IdentityKey, deviceName: string): Promise<Uint8Array> {
    const signature = signDevice(this.#parts.identity, deviceKey);
    const device = { deviceKey, deviceName, signature, auth: await this.#auth() };
    return Uint8Array.from((await this.#parts.client.call("registerDevice", device)).deviceId);
  }

  /** Its sessions end. E030_DEVICE_NOT_FOUND. */
  async revokeDevice(deviceId: Uint8Array): Promise<void> {
    await this.#parts.client.call("revokeDevice", { deviceId, auth: await this.#auth() });
  }

  /** Who is blocked reaches no inbox of this account; what it has sent stays. */
  async setBlocked(senderKey: IdentityKey, blocked: boolean): Promise<void> {
    await this.#parts.client.call("setBlocked", { senderKey, blocked, auth: await this.#auth() });
  }

  #auth() {
    return authOf(this.#parts.accessToken);
  }
}
