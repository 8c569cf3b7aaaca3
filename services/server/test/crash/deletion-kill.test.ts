/** A deletion that is broken off by a SIGKILL, of the store's process or of the database, is finished afterwards. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openEmbeddedStore, openPostgresStore, type Store } from "../../src/store/index.ts";
import { TestPostgres } from "../../testing/postgres.ts";
import { leftoversInDatabase, leftoversInFile } from "../conformance/leftovers.ts";
import { account, fillAccount, identity, inboxes, messagesAnInbox, standing } from "./deletion.ts";
import { messagePlaces, runUntilKilled, withStoreFile } from "./trial.ts";
import { limits } from "./trial-limits.ts";

const all = inboxes.length * messagesAnInbox;

async function finish(store: Store, way: "sweep" | "call"): Promise<void> {
  if (way === "call") await store.accounts.deleteAccount(identity);
  else while ((await store.log.sweep(100)) === 100);
  assert.equal(await standing(store), 0);
  assert.equal(await store.blobs.blobBytesOf(identity), 0);
}

for (const place of messagePlaces) {
  for (const way of ["sweep", "call"] as const) {
    test(`messages in ${place}: killed in the middle of a deletion the file has no account, and the next ${way} removes the rest`, async () => {
      await withStoreFile(place, async (file) => {
        const options = { file, limits, clock: Date.now };
        const before = await openEmbeddedStore(options);
        await fillAccount(before);
        await before.close();
        let left = all;
        await runUntilKilled({
          program: "deleter-process.ts",
          task: { file },
          onLine(line) {
            if (line.startsWith("left")) left = Number(line.slice(5));
            return left < all;
          },
        });
        assert.ok(left > 0, "it had nothing left to do when it was killed");
        const after = await openEmbeddedStore(options);
        assert.ok((await standing(after)) <= left);
        // the account went with the first transaction
        assert.equal(await after.accounts.accountOf(account.username), undefined);
        await finish(after, way);
        await after.close();
        assert.deepEqual(leftoversInFile(file, [identity]), {});
        const again = await openEmbeddedStore(options);
        assert.equal(await again.accounts.putAccount(account), "created");
        await again.close();
      });
    });
  }
}

test("a database that is killed in the middle of a deletion has none of the account left once it is back", async () => {
  await using postgres = await TestPostgres.start();
  const database = await postgres.createDatabase();
  const store = await openPostgresStore({ url: database.url, limits, clock: Date.now });
  await fillAccount(store);
  const deletion = store.accounts.deleteAccount(identity).then(
    () => "done",
    () => "failed",
  );
  let left = all;
  while (left === all) left = await standing(store);
  assert.ok(left > 0, "it had nothing left to do when it was killed");
  await postgres.cluster.stop("kill");
  await postgres.cluster.startAgain();
  // it goes on by itself when the database is back in time; else the next one does
  if ((await deletion) === "failed") await finish(store, "call");
  assert.equal(await store.accounts.accountOf(account.username), undefined);
  assert.deepEqual(await leftoversInDatabase(database, [identity]), {});
  assert.ok(store.stats().connectionsLost > 0);
  assert.equal(await store.accounts.putAccount(account), "created");
  await store.close();
});
