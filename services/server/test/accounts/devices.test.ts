/** Devices over the store in memory: what makes one an account's, how many there may be, and how it ends. */
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { test } from "node:test";
import { type ErrorCode, labels, QpqError } from "quicproquo-proto";
import { SessionTokens } from "../../src/access/session-tokens.ts";
import { Devices } from "../../src/accounts/devices.ts";
import { newIdentity, signAs, type TestIdentity } from "../../testing/opaque-client.ts";
import { limits, memoryStore } from "../access/accounts.ts";

const isCode =
  (code: ErrorCode) =>
  (error: unknown): boolean =>
    error instanceof QpqError && error.code === code;

class Place {
  nowMs = 1_700_000_000_000;
  readonly clock = (): number => this.nowMs;
  readonly store = memoryStore(this.clock);
  readonly tokens = new SessionTokens({ store: this.store.accounts, limits, clock: this.clock, now: this.clock });
  readonly devices = new Devices({ store: this.store.accounts, tokens: this.tokens, limits, clock: this.clock });

  async account(username: string): Promise<TestIdentity> {
    const identity = newIdentity();
    const { identityKey } = identity;
    const account = { username, identity: identityKey, record: new Uint8Array(192), stretching: 1, createdAtMs: 1 };
    assert.equal(await this.store.accounts.putAccount(account), "created");
    return identity;
  }

  /** As a client does it, but for the changes. */
  register(owner: TestIdentity, device: TestIdentity, changes: object = {}): Promise<Uint8Array> {
    const { identityKey: deviceKey } = device;
    const signature = signAs(owner, labels.device, [owner.identityKey, deviceKey]);
    return this.devices.register(owner.identityKey, { deviceKey, deviceName: "phone", signature, ...changes });
  }
}

test("a device is listed with its key, its name, when it came and the identity's signature, in the order of coming", async () => {
  const place = new Place();
  const alice = await place.account("alice");
  const [phone, tablet] = [newIdentity(), newIdentity()];
  const deviceId = await place.register(alice, phone);
  place.nowMs += 1;
  await place.register(alice, tablet, { deviceName: "" });
  const listed = await place.devices.list(alice.identityKey);
  assert.deepEqual(
    listed.map(({ deviceKey, name, registeredAtMs }) => [deviceKey, name, registeredAtMs]),
    [
      [phone.identityKey, "phone", place.nowMs - 1],
      [tablet.identityKey, "", place.nowMs],
    ],
  );
  assert.deepEqual(Buffer.from(deviceId), hash("sha256", phone.identityKey, "buffer").subarray(0, 16));
  assert.deepEqual(Buffer.from(listed[0]!.deviceId), Buffer.from(deviceId));
  assert.deepEqual(listed[0]!.signature, signAs(alice, labels.device, [alice.identityKey, phone.identityKey]));
});

test("the same key again answers the same id and changes nothing, at the limit too; a sixth key is E029_DEVICE_LIMIT", async () => {
  const place = new Place();
  const alice = await place.account("alice");
  const keys = Array.from({ length: 5 }, () => newIdentity());
  for (const key of keys) await place.register(alice, key);
  const before = await place.devices.list(alice.identityKey);
  place.nowMs += 1;
  const again = await place.register(alice, keys[0]!, { deviceName: "renamed" });
  assert.equal(Buffer.compare(again, before[0]!.deviceId), 0);
  assert.deepEqual(await place.devices.list(alice.identityKey), before);
  await assert.rejects(place.register(alice, newIdentity()), isCode("E029_DEVICE_LIMIT"));
  await place.devices.revoke(alice.identityKey, again);
  await place.register(alice, newIdentity());
});

test("without the identity's signature over this very key nothing is listed", async () => {
  const place = new Place();
  const [alice, bob] = [await place.account("alice"), await place.account("bob")];
  const [phone, other] = [newIdentity(), newIdentity()];
  const { identityKey } = alice;
  const signed = (by: TestIdentity, label: string, parts: Uint8Array[]) => ({ signature: signAs(by, label, parts) });
  const good = signAs(alice, labels.device, [identityKey, phone.identityKey]);
  for (const changes of [
    { signature: new Uint8Array() },
    { signature: new Uint8Array(64) },
    { signature: good.subarray(0, 63) },
    { signature: good.with(5, good[5]! ^ 1) },
    signed(phone, labels.device, [identityKey, phone.identityKey]),
    signed(bob, labels.device, [bob.identityKey, phone.identityKey]),
    signed(alice, labels.device, [identityKey, other.identityKey]),
    signed(alice, labels.device, [phone.identityKey]),
    signed(alice, labels.hybridKey, [identityKey, phone.identityKey]),
  ]) {
    await assert.rejects(place.register(alice, phone, changes), isCode("E074_DEVICE_SIGNATURE"));
  }
  assert.deepEqual(await place.devices.list(identityKey), []);
});

test("a key that is somebody's already is refused, and so are the key of zeros, another length and a bad name", async () => {
  const place = new Place();
  const [alice, bob] = [await place.account("alice"), await place.account("bob")];
  const phone = newIdentity();
  await place.register(bob, phone);
  for (const taken of [alice, bob, phone]) {
    await assert.rejects(place.register(alice, taken), isCode("E067_IDENTITY_TAKEN"));
  }
  const zeros = { ...newIdentity(), identityKey: new Uint8Array(32) as TestIdentity["identityKey"] };
  await assert.rejects(place.register(alice, zeros), isCode("E001_BAD_REQUEST"));
  await assert.rejects(
    place.register(alice, newIdentity(), { deviceKey: new Uint8Array(31) }),
    isCode("E007_KEY_LENGTH"),
  );
  for (const deviceName of ["x".repeat(65), "ä".repeat(33), "a\0b", "a\nb", "\u{9b}31m"]) {
    await assert.rejects(place.register(alice, newIdentity(), { deviceName }), isCode("E001_BAD_REQUEST"), deviceName);
  }
  await place.register(alice, newIdentity(), { deviceName: "ä".repeat(32) });
});

test("a revoked device has no token any more, others of the account have theirs, and its key may be listed again", async () => {
  const place = new Place();
  const alice = await place.account("alice");
  const { identityKey: identity } = alice;
  const phone = newIdentity();
  const deviceId = await place.register(alice, phone);
  const tokenOf = async (actsFor = identity): Promise<Uint8Array> =>
    (await place.tokens.issue({ identity, actsFor }))?.sessionToken ?? assert.fail("no token");
  const [own, ofPhone] = [await tokenOf(), await tokenOf(phone.identityKey)];
  assert.equal((await place.tokens.find(ofPhone)).kind, "device");
  await place.devices.revoke(identity, deviceId);
  await assert.rejects(async () => place.tokens.find(ofPhone), isCode("E005_SESSION_EXPIRED"));
  assert.equal((await place.tokens.find(own)).kind, "session");
  assert.equal(await place.tokens.issue({ identity, actsFor: phone.identityKey }), undefined);
  await assert.rejects(place.devices.revoke(identity, deviceId), isCode("E030_DEVICE_NOT_FOUND"));
  assert.equal(Buffer.compare(await place.register(alice, phone), deviceId), 0);
});

test("nobody revokes another's device", async () => {
  const place = new Place();
  const [alice, bob] = [await place.account("alice"), await place.account("bob")];
  const deviceId = await place.register(bob, newIdentity());
  await assert.rejects(place.devices.revoke(alice.identityKey, deviceId), isCode("E030_DEVICE_NOT_FOUND"));
  await assert.rejects(place.devices.revoke(bob.identityKey, deviceId.subarray(1)), isCode("E030_DEVICE_NOT_FOUND"));
  assert.equal((await place.devices.list(bob.identityKey)).length, 1);
});

test("of an account that has ended meanwhile no device is registered", async () => {
  const place = new Place();
  const alice = await place.account("alice");
  await place.store.accounts.deleteAccount(alice.identityKey);
  await assert.rejects(place.register(alice, newIdentity()), isCode("E005_SESSION_EXPIRED"));
});
