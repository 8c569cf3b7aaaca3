/** Accounts in the store of a test, made without a login. */
import { type IdentityKey, parseIdentityKey } from "quicproquo-proto";
import { loadConfig } from "../../src/config.ts";
import { createMemoryStore, type Store } from "../../src/store/index.ts";

export const { limits } = loadConfig({ args: [], env: {} });

export const keyOf = (n: number): IdentityKey => parseIdentityKey(new Uint8Array(32).fill(n));

export function memoryStore(clock: () => number): Store {
  const storeLimits = { queueDepthMax: 10, dedupeWindowMs: 1e9, groupLifeMs: 1e9, appendsInFlightMax: 100 };
  return createMemoryStore({ limits: storeLimits, clock });
}

/** Answers its identity. */
export async function putAccount({ accounts }: Pick<Store, "accounts">, n: number): Promise<IdentityKey> {
  const identity = keyOf(n);
  const record = new Uint8Array(192).fill(n);
  await accounts.putAccount({ username: `user${n}`, identity, record, stretching: 1, createdAtMs: n });
  return identity;
}

/** Answers its key. */
export async function putDevice({ accounts }: Pick<Store, "accounts">, identity: IdentityKey, n: number) {
  const deviceKey = keyOf(n);
  const deviceId = new Uint8Array(16).fill(n);
  const device = {
    identity,
    deviceId,
    deviceKey,
    name: `device${n}`,
    signature: new Uint8Array(64),
    registeredAtMs: n,
  };
  await accounts.putDevice({ device, devicesMax: 5 });
  return deviceKey;
}
