/** What a deletion that is broken off deletes: an account whose rows take many transactions to go. */
import { createHash } from "node:crypto";
import { type IdentityKey, type InboxKey, inboxKeyOf, parseChannelId, parseIdentityKey } from "quicproquo-proto";
import type { Account, Store } from "../../src/store/index.ts";

export const identity: IdentityKey = parseIdentityKey(new Uint8Array(createHash("sha256").update("deleted").digest()));
export const account: Omit<Account, "disabled"> = {
  username: "deleted",
  identity,
  record: new Uint8Array(192),
  stretching: 1,
  createdAtMs: 0,
};
export const inboxes: readonly InboxKey[] = Array.from({ length: 32 }, (_, i) =>
  inboxKeyOf(identity, parseChannelId(new Uint8Array(16).fill(i))),
);
export const messagesAnInbox = 150;
const chunkBytes = 256 * 1024;
const totalSize = 10 * chunkBytes;

/** 4,800 messages with their ids, and 10 pieces of a blob. */
export async function fillAccount({ accounts, log, blobs }: Store): Promise<void> {
  await accounts.putAccount(account);
  const expiresAtMs = Date.now() + 3_600_000;
  for (const inbox of inboxes) {
    const entries = Array.from({ length: messagesAnInbox }, (_, i) => ({
      inbox,
      payload: new Uint8Array(100).fill(i),
      messageId: new Uint8Array(16).fill(i % 256).fill(i >> 8, 0, 1),
      expiresAtMs,
    }));
    await Promise.all(entries.map((entry) => log.append(entry)));
  }
  for (let offset = 0; offset < totalSize; offset += chunkBytes) {
    const chunk = new Uint8Array(chunkBytes);
    const upload = { owner: identity, blobId: identity, totalSize, mimeType: "", offset, chunk };
    await blobs.appendBlob({ ...upload, expiresAtMs, quotaBytesMax: totalSize });
  }
}

/** How many messages still stand. */
export async function standing({ log }: Store): Promise<number> {
  const query = { after: 0n, storeEpoch: 0n, limit: 1_000, bytesMax: 2 ** 30 };
  const answers = await Promise.all(inboxes.map((inbox) => log.read({ inbox, ...query })));
  return answers.reduce((sum, { messages }) => sum + messages.length, 0);
}
