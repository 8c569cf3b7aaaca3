/** What stands in the store before the server starts: for each row of the table an account of its own, with a device. */
import { hash, randomBytes } from "node:crypto";
import type { IdentityKey } from "quicproquo-proto";
import { type ConfigSources, loadConfig } from "../../../src/config.ts";
import { openConfiguredStore } from "../../../src/configured-store.ts";
import type { AccountStore } from "../../../src/store/port.ts";
import { newIdentity, type TestIdentity } from "../../../testing/opaque-client.ts";

export type Account = {
  readonly username: string;
  readonly identity: TestIdentity;
  readonly device: TestIdentity;
  readonly deviceId: Uint8Array;
  /** Whoever shows it may send to the identity. */
  readonly deliveryToken: Uint8Array;
  /** One for each call: what a call ends does not end the next one. */
  readonly tokens: Uint8Array[];
  readonly deviceTokens: Uint8Array[];
  readonly expired: Uint8Array;
};

const dayMs = 86_400_000;
const tokensEach = 6;

/** Opens the store that a server with this configuration has, writes and closes it. */
export async function prepareAccounts(sources: ConfigSources, names: readonly string[]): Promise<Account[]> {
  const config = loadConfig(sources);
  const store = await openConfiguredStore(config, Date.now);
  try {
    const made: Account[] = [];
    for (const name of names) made.push(await prepare(store.accounts, name));
    return made;
  } finally {
    await store.close();
  }
}

async function prepare(accounts: AccountStore, username: string): Promise<Account> {
  const [identity, device] = [newIdentity(), newIdentity()];
  const { identityKey } = identity;
  const [deviceId, deliveryToken] = [randomBytes(16), randomBytes(32)];
  await accounts.putAccount({
    username,
    identity: identityKey,
    record: randomBytes(192),
    stretching: 1,
    createdAtMs: Date.now(),
  });
  await accounts.putDevice({
    device: {
      identity: identityKey,
      deviceId,
      deviceKey: device.identityKey,
      name: "phone",
      signature: randomBytes(64),
      registeredAtMs: Date.now(),
    },
    devicesMax: 5,
  });
  await accounts.putDeliveryToken({ identity: identityKey, tokenHash: hash("sha256", deliveryToken, "buffer") });
  const issue = async (actsFor: IdentityKey, lifeMs = dayMs): Promise<Uint8Array> => {
    const token = randomBytes(32);
    const expiresAtMs = Date.now() + lifeMs;
    const times = { createdAtMs: expiresAtMs - dayMs, expiresAtMs };
    await accounts.putToken({
      token: { hash: hash("sha256", token, "buffer"), identity: identityKey, actsFor, ...times },
      tokensMax: 100,
    });
    return token;
  };
  const several = async (actsFor: IdentityKey): Promise<Uint8Array[]> =>
    await Promise.all(Array.from({ length: tokensEach }, () => issue(actsFor)));
  return {
    username,
    identity,
    device,
    deviceId,
    deliveryToken,
    tokens: await several(identityKey),
    deviceTokens: await several(device.identityKey),
    expired: await issue(identityKey, -1),
  };
}
