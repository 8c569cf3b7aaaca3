/** What a deleted account leaves in qpq.db: nothing with its keys, whenever the deletion was broken off. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { deviceOf } from "./account-rows.ts";
import { fillAccount } from "./filled-account.ts";
import { leftoversInFile } from "./leftovers.ts";
import { type FolderPlace, makeSqlitePlace } from "./folder-place.ts";
import { identityOf, Setup } from "./subject.ts";

test("no table of the file holds a key of a deleted account or its devices", async () => {
  let place: FolderPlace | undefined;
  await using setup = await Setup.make({
    name: "SQLite",
    keeps: true,
    makePlace: async () => (place = await makeSqlitePlace()),
  });
  const { file } = place as FolderPlace;
  const phone = deviceOf(identityOf("alice"), "phone");
  const keys = [identityOf("alice"), phone.deviceKey];
  await fillAccount(setup, "alice", phone);
  await fillAccount(setup, "bob", deviceOf(identityOf("bob"), "laptop"));
  await setup.store.close();
  // messages and ids name their inbox by its row
  const expected = [
    "account",
    "blob",
    "block",
    "channel",
    "delivery_token",
    "device",
    "endpoint",
    "hybrid_key",
    "inbox",
  ];
  assert.deepEqual(Object.keys(leftoversInFile(file, keys)).sort(), [...expected, "key_package", "token"]);
  await setup.reopen();
  await setup.store.accounts.deleteAccount(identityOf("alice"));
  await setup.store.close();
  assert.deepEqual(leftoversInFile(file, keys), {});
  await setup.reopen();
});
