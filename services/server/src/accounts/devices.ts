/**
 * Further devices of an account (docs/wire.md, Devices): each has a key of its own, which the account's identity has signed,
 * and which is an inbox, a KeyPackage pool and an MLS leaf of its own.
 */
import { hash } from "node:crypto";
import { type IdentityKey, labels, type LimitName, parseIdentityKey, QpqError } from "quicproquo-proto";
import type { SessionTokens } from "../access/session-tokens.ts";
import { hasSigned, isNobody } from "../keys/signature.ts";
import type { AccountStore, Clock, Device } from "../store/port.ts";

const deviceIdBytes = 16;

export type DevicesParts = {
  readonly store: AccountStore;
  readonly tokens: SessionTokens;
  readonly limits: Readonly<Record<LimitName, number>>;
  readonly clock: Clock;
};

type Registration = {
  readonly deviceKey: Uint8Array;
  readonly deviceName: string;
  /** By the identity over identityKey || deviceKey. */
  readonly signature: Uint8Array;
};

export class Devices {
  readonly #parts: DevicesParts;

  constructor(parts: DevicesParts) {
    this.#parts = parts;
  }

  /**
   * Answers the device's id: the first 16 bytes of SHA-256(deviceKey). Durable; a key that is listed already stays as it
   * is. E001 (nobody's key, the name), E007, E029_DEVICE_LIMIT, E067_IDENTITY_TAKEN (it is somebody's already),
   * E074_DEVICE_SIGNATURE, E005 (the account has ended meanwhile).
   */
  async register(identity: IdentityKey, { deviceKey: key, deviceName, signature }: Registration): Promise<Uint8Array> {
    const { store, limits, clock } = this.#parts;
    const deviceKey = parseIdentityKey(Uint8Array.from(key));
    if (isNobody(deviceKey)) throw new QpqError("E001_BAD_REQUEST", { text: "the key of zeros is nobody's" });
    this.#requireName(deviceName);
    if (!hasSigned(identity, { label: labels.device, parts: [identity, deviceKey], signature })) {
      throw new QpqError("E074_DEVICE_SIGNATURE");
    }
    const deviceId = hash("sha256", deviceKey, "buffer").subarray(0, deviceIdBytes);
    const device = { deviceId, deviceKey, name: deviceName, signature: Uint8Array.from(signature) };
    const put = await store.putDevice({
      device: { ...device, identity, registeredAtMs: clock() },
      devicesMax: limits.devicesMax,
    });
    if (put === "full") throw new QpqError("E029_DEVICE_LIMIT", { fields: { max: limits.devicesMax } });
    if (put === "keyTaken") throw new QpqError("E067_IDENTITY_TAKEN");
    if (put === "noAccount") throw new QpqError("E005_SESSION_EXPIRED");
    return deviceId;
  }

  /** In the order of their registration; none for a key that has no account. E007. */
  async list(identityKey: Uint8Array): Promise<readonly Device[]> {
    return await this.#parts.store.listDevices(parseIdentityKey(identityKey));
  }

  /**
   * Durable: the device's tokens, KeyPackages and hybrid key are gone, and what it published. Its tokens end here at once,
   * elsewhere within 5 s. E030_DEVICE_NOT_FOUND.
   */
  async revoke(identity: IdentityKey, deviceId: Uint8Array): Promise<void> {
    const { store, tokens } = this.#parts;
    const removed = await store.removeDevice({ identity, deviceId: Uint8Array.from(deviceId) });
    if (removed === undefined) throw new QpqError("E030_DEVICE_NOT_FOUND");
    await tokens.forget(identity);
  }

  #requireName(name: string): void {
    const max = this.#parts.limits.deviceNameBytesMax;
    const bytes = Buffer.byteLength(name);
    if (bytes > max) throw new QpqError("E001_BAD_REQUEST", { fields: { bytes, max }, text: "the name is too long" });
    if (/\p{Cc}/u.test(name)) throw new QpqError("E001_BAD_REQUEST", { text: "the name has control characters" });
  }
}
