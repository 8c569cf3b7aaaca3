/**
 * Between the two halves of a login the server keeps nothing: its state goes to the client sealed, as the loginId, and
 * comes back; any front-end with the same setup can open it (docs/wire.md, Login).
 *
 *     loginId = nonce 12 || AES-256-GCM(expiresAtMs u64 || state 128 || record hash 32 || request 96 || response 320 ||
 *               user name) || tag 16
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { labels, sizes, type Username } from "quicproquo-proto";
import type { Clock } from "../store/port.ts";

const lifeMs = 5 * 60_000;
const cipher = "aes-256-gcm";
const nonceBytes = 12;
const tagBytes = 16;

export type LoginState = {
  readonly username: Username;
  /** OPAQUE's. */
  readonly state: Uint8Array;
  /** SHA-256 of the registration record: a login that began before a new password was set ends there. */
  readonly recordHash: Uint8Array;
  /** Both are part of what the identity signs. */
  readonly request: Uint8Array;
  readonly response: Uint8Array;
};

const fields = [
  ["state", 128],
  ["recordHash", 32],
  ["request", sizes.opaqueLoginRequest],
  ["response", sizes.opaqueLoginResponse],
] as const;

export class LoginStates {
  readonly #key: Uint8Array;
  readonly #clock: Clock;

  /** `secret`: that of the OPAQUE setup. */
  constructor(secret: Uint8Array, clock: Clock) {
    this.#key = new Uint8Array(hkdfSync("sha256", secret, "", labels.loginState, 32));
    this.#clock = clock;
  }

  seal(login: LoginState): Uint8Array {
    const expiresAt = Buffer.alloc(8);
    expiresAt.writeBigUInt64BE(BigInt(this.#clock() + lifeMs));
    const parts = fields.map(([name]) => login[name]);
    const nonce = randomBytes(nonceBytes);
    const sealing = createCipheriv(cipher, this.#key, nonce);
    const sealed = sealing.update(Buffer.concat([expiresAt, ...parts, Buffer.from(login.username)]));
    return Buffer.concat([nonce, sealed, sealing.final(), sealing.getAuthTag()]);
  }

  /** undefined: nothing that was sealed here, or longer ago than 5 minutes. */
  open(loginId: Uint8Array): LoginState | undefined {
    const opened = this.#decrypt(Buffer.from(loginId));
    if (opened === undefined || this.#clock() >= Number(opened.readBigUInt64BE())) return undefined;
    let at = 8;
    const parts = fields.map(([name, bytes]) => {
      at += bytes;
      return [name, opened.subarray(at - bytes, at)];
    });
    return { ...Object.fromEntries(parts), username: opened.toString("utf8", at) };
  }

  #decrypt(loginId: Buffer): Buffer | undefined {
    if (loginId.length < nonceBytes + tagBytes) return undefined;
    const opening = createDecipheriv(cipher, this.#key, loginId.subarray(0, nonceBytes), { authTagLength: tagBytes });
    opening.setAuthTag(loginId.subarray(-tagBytes));
    const opened = opening.update(loginId.subarray(nonceBytes, -tagBytes));
    try {
      return Buffer.concat([opened, opening.final()]);
    } catch {
      return undefined;
    }
  }
}
