/** An account with everything an account can have. */
import type { Device } from "../../src/store/port.ts";
import { accountNamed, chunkOf, tokenNamed } from "./account-rows.ts";
import { identityOf, inboxOf, messageIdOf, type Setup } from "./subject.ts";

/** `name` names the account; its identity is identityOf(name), the device's name that of its inbox. */
export async function fillAccount(setup: Setup, name: string, device: Device): Promise<void> {
  const { accounts, keys, log, channels, blobs } = setup.store;
  const identity = identityOf(name);
  const peer = name === "alice" ? "bob" : "carol";
  await accounts.putAccount(accountNamed(name));
  await accounts.putDevice({ device, devicesMax: 5 });
  for (const actsFor of [identity, device.deviceKey]) {
    const token = tokenNamed(setup, `${name} ${Buffer.from(actsFor).toString("hex")}`, { identity, actsFor });
    await accounts.putToken({ token, tokensMax: 5 });
  }
  const expiresAtMs = setup.nowMs + 60_000;
  for (const key of [identity, device.deviceKey]) {
    await accounts.putEndpoint({ identity: key, endpoint: identityOf("endpoint"), expiresAtMs });
    await accounts.putDeliveryToken({ identity: key, tokenHash: identityOf("delivery") });
  }
  await accounts.setBlocked({ owner: identity, sender: identityOf("mallory"), blocked: true, blocksMax: 5 });
  await accounts.setBlocked({ owner: identity, sender: identityOf(peer), blocked: true, blocksMax: 5 });
  const channel = `${name} and ${peer}`;
  await channels.createChannel({ a: identity, b: identityOf(peer), newId: messageIdOf(channel) });
  const deviceName = device.name.replace("’s device", "");
  for (const key of [identity, device.deviceKey]) {
    for (const lastResort of [false, true]) {
      for (const keyPackage of [identityOf("one"), identityOf("two")]) {
        await keys.putKeyPackage({ identity: key, keyPackage, expiresAtMs, lastResort, poolMax: 5 });
      }
    }
    await keys.takeKeyPackage(key);
    await keys.putHybridKey(key, { hybridPublicKey: new Uint8Array(1216), signature: new Uint8Array(64) });
  }
  const inboxes = [inboxOf(name), inboxOf(deviceName), inboxOf(`${name}/${channel}`)];
  for (const inbox of inboxes) {
    for (const id of ["a", "b"]) await log.append(setup.message(inbox, id, { id }));
  }
  await log.appendAll(inboxes.map((inbox) => ({ ...setup.message(inbox, ""), payload: new Uint8Array(400) })));
  for (const isFinished of [true, false]) {
    const blobId = identityOf(isFinished ? `${name}'s blob` : `${name}'s upload`);
    const chunk = identityOf("chunk").subarray(0, 10);
    const { uploadId } = await blobs.appendBlob(chunkOf(setup, identity, { blobId, chunk }));
    if (isFinished) await blobs.completeBlob({ upload: { owner: identity, blobId, uploadId }, expiresAtMs });
  }
}
