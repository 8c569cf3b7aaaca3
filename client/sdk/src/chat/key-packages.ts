/**
 * Our KeyPackages: on the disk with their private keys before they are on the server, and gone from the disk in the write
 * that joins a group with them.
 */
import { MlsKeyPackage, type RecordChange, signHybridKey } from "quicproquo-core";
import { limits as protocolLimits } from "quicproquo-proto";
import type { ChatParts } from "./chat-parts.ts";

const folder = "key-package";
/** A package that lives shorter than this is not counted: an invitation should not find it expired. */
const leftLifeMs = 2 * 3_600_000;
/** The last resort is replaced when it has less life left than a week, so that a week of absence is bridged. */
const lastResortLeftLifeMs = 7 * 86_400_000;
/** A Welcome may be on its way as long as the server keeps a message: the private keys stay that much longer. */
const welcomeLifeMs = protocolLimits.messageLifeSecs.default * 1_000;

export type Published = {
  /** New on the server by this call. */
  readonly keyPackages: number;
  readonly lastResort: boolean;
  readonly hybridKey: boolean;
};

export class KeyPackages {
  readonly #parts: ChatParts;
  #isShort = false;

  constructor(parts: ChatParts) {
    this.#parts = parts;
  }

  /** One was used since the last `publish`. */
  get isShort(): boolean {
    return this.#isShort;
  }

  /** Brings the server up to the wanted number of packages, a last resort, and the hybrid key. Can be repeated any time. */
  async publish(): Promise<Published> {
    this.#isShort = false;
    const hybridKey = await this.#publishHybridKey();
    const own = await this.#living();
    const keyPackages = await this.#topUp(own.filter(({ lastResort }) => !lastResort));
    const lastResort = await this.#publishLastResort(own);
    return { keyPackages, lastResort, hybridKey };
  }

  /** The one that a Welcome names by this ref. */
  async find(ref: Uint8Array): Promise<MlsKeyPackage | undefined> {
    const bytes = await this.#parts.records.get(`${folder}/${ref.toHex()}`);
    return bytes === undefined ? undefined : MlsKeyPackage.decode(bytes);
  }

  /** For the write that joins with it. The last resort stays: another Welcome may name it. */
  used(keyPackage: MlsKeyPackage): readonly RecordChange[] {
    this.#isShort = true;
    return keyPackage.lastResort ? [] : [{ id: idOf(keyPackage), bytes: undefined }];
  }

  /** For a state that was put back: which of these were used in the meantime is not known. */
  async forget(): Promise<void> {
    const { records } = this.#parts;
    await records.write((await records.list(folder)).map(({ id }) => ({ id, bytes: undefined })));
    this.#isShort = true;
  }

  async #publishHybridKey(): Promise<boolean> {
    const { server, me, keyPair } = this.#parts;
    const { hybridPublicKeys } = await server.fetchHybridKeys([me.identityKey]);
    if (hybridPublicKeys[0]?.toHex() === keyPair.publicKey.toHex()) return false;
    await server.uploadHybridKey(keyPair.publicKey, signHybridKey(me, keyPair.publicKey));
    return true;
  }

  /** Which of ours the server has given out shows only in its count; an upload of one that it knows asks for that. */
  async #topUp(own: readonly MlsKeyPackage[]): Promise<number> {
    const { server, limits } = this.#parts;
    const probe = own.at(-1) ?? (await this.#generate(1))[0];
    if (probe === undefined) return 0;
    const standing = await server.uploadKeyPackage(probe.public, false);
    await this.#parts.checkpoint("keys: uploaded");
    const fresh = await this.#generate(Math.max(0, limits.keyPackagesWanted - standing));
    await Promise.all(fresh.map((keyPackage) => server.uploadKeyPackage(keyPackage.public, false)));
    if (fresh.length > 0) await this.#parts.checkpoint("keys: uploaded");
    return fresh.length + (own.length === 0 ? 1 : 0);
  }

  async #publishLastResort(own: readonly MlsKeyPackage[]): Promise<boolean> {
    const { server, clock } = this.#parts;
    const nowMs = clock();
    const newest = own.findLast(({ lastResort }) => lastResort);
    if (newest !== undefined && newest.notAfterMs - nowMs > lastResortLeftLifeMs) {
      // it may be on the disk only, when its maker died before the upload
      await server.uploadKeyPackage(newest.public, true);
      return false;
    }
    const [fresh] = await this.#generate(1, true);
    if (fresh !== undefined) await server.uploadKeyPackage(fresh.public, true);
    return true;
  }

  async #generate(count: number, lastResort = false): Promise<readonly MlsKeyPackage[]> {
    const { me, clock, records } = this.#parts;
    const fresh: MlsKeyPackage[] = [];
    for (let i = 0; i < count; i++) fresh.push(await MlsKeyPackage.generate(me, { nowMs: clock(), lastResort }));
    if (count === 0) return fresh;
    await records.write(fresh.map((keyPackage) => ({ id: idOf(keyPackage), bytes: keyPackage.encode() })));
    await this.#parts.checkpoint("keys: durable");
    return fresh;
  }

  /** Those with life left, oldest first. Deletes those that no Welcome can name any more. */
  async #living(): Promise<readonly MlsKeyPackage[]> {
    const { records, clock } = this.#parts;
    const nowMs = clock();
    const own = (await records.list(folder)).map(({ bytes }) => MlsKeyPackage.decode(bytes));
    const dead = own.filter(({ notAfterMs }) => notAfterMs + welcomeLifeMs < nowMs);
    if (dead.length > 0) await records.write(dead.map((one) => ({ id: idOf(one), bytes: undefined })));
    return own.filter(({ notAfterMs }) => notAfterMs - nowMs > leftLifeMs).sort((a, b) => a.notAfterMs - b.notAfterMs);
  }
}

function idOf({ ref }: MlsKeyPackage): string {
  return `${folder}/${ref.toHex()}`;
}
