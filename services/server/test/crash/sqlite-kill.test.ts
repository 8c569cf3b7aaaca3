/** SIGKILL at any moment loses nothing that was acknowledged; and the trial would have seen it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { openEmbeddedStore } from "../../src/store/index.ts";
import { faultsOf, Ledger, noFaults } from "./ledger.ts";
import { inboxCount, inboxNumber, messageNumber, takenFrom } from "./messages.ts";
import { randomOf, seed } from "../../testing/seed.ts";
import { drain, messagePlaces, runUntilKilled, runWriter, withStoreFile } from "./trial.ts";
import { limits } from "./trial-limits.ts";

const acknowledgedMin = 10_000;

for (const place of messagePlaces) {
  describe(`the embedded store with its messages in ${place === "log" ? "a log" : "tables"}`, () => {
    test("over 10,000 messages with the process killed again and again, nothing acknowledged is lost, doubled or reordered", async (t) => {
      t.diagnostic(`SEED=${seed}`);
      const random = randomOf(seed);
      const ledger = new Ledger();
      const acknowledged = new Set<number>();
      await withStoreFile(place, async (file) => {
        for (let firstMessage = 0, round = 1; acknowledged.size < acknowledgedMin; round++) {
          const killAfterAcks = 1 + Math.floor(random() * 4_000);
          const inFlightMax = 1 + Math.floor(random() * 512);
          const task = { file, firstMessage, messagesMax: 1_000_000, inFlightMax, plantedFault: "none" } as const;
          const outcome = await runWriter({ task, killAfterAcks }, ledger);
          for (const number of outcome.acknowledged) acknowledged.add(number);
          // Each round's own look at the file: a fault must not be healed by a later round.
          const numbers = await drain(file, ledger);
          assert.deepEqual(faultsOf(ledger.verdict()), noFaults, `round ${round}, SEED=${seed}`);
          // What was stored is a prefix of what was sent, inbox by inbox: one sender's messages are never reordered.
          for (const list of numbers.values())
            assert.deepEqual(
              list,
              [...list].sort((a, b) => a - b),
            );
          // The next round sends again, with the same ids, what may or may not have been stored.
          while (acknowledged.has(firstMessage)) firstMessage++;
        }
      });
    });

    test("a store that acknowledges before it commits is found out", async () => {
      const ledger = new Ledger();
      await withStoreFile(place, async (file) => {
        // 1,250 are acknowledged, 1,000 of them committed in groups of 500: the kill finds 250 in memory only.
        const task = {
          file,
          firstMessage: 0,
          messagesMax: 1_250,
          inFlightMax: 1,
          plantedFault: "ack-before-commit",
        } as const;
        await runWriter({ task, killAfterAcks: 1_250 }, ledger);
        await drain(file, ledger);
      });
      assert.deepEqual(faultsOf(ledger.verdict()), { ...noFaults, lost: 250 });
    });

    test("what was taken or acknowledged before a kill never comes back after it, and the rest is still there", async (t) => {
      t.diagnostic(`SEED=${seed}`);
      const messagesAnInbox = 100;
      const packages = 300;
      await withStoreFile(place, async (file) => {
        const options = { file, limits, clock: Date.now };
        const before = await openEmbeddedStore(options);
        const expiresAtMs = Date.now() + 3_600_000;
        const puts = Array.from({ length: packages }, (_, i) => new Uint8Array([i >> 8, i]));
        const messages = Array.from({ length: messagesAnInbox * inboxCount }, (_, i) => messageNumber(i));
        await Promise.all([
          ...puts.map((keyPackage) =>
            before.keys.putKeyPackage({
              identity: takenFrom,
              keyPackage,
              expiresAtMs,
              lastResort: false,
              poolMax: packages,
            }),
          ),
          ...messages.map((message) => before.log.append(message)),
        ]);
        await before.close();

        const taken: string[] = [];
        const acknowledged = new Map<number, number>();
        let lines = 0;
        const killAfterLines = 200 + Math.floor(randomOf(seed)() * 1_500);
        await runUntilKilled({
          program: "remover-process.ts",
          task: { file, messagesAnInbox },
          onLine(line) {
            const [kind, first = "", seq] = line.split(" ");
            if (kind === "take") taken.push(first);
            else acknowledged.set(Number(first), Number(seq));
            return ++lines === killAfterLines;
          },
        });

        const after = await openEmbeddedStore(options);
        for (let i = 0; i < inboxCount; i++) {
          const query = { inbox: inboxNumber(i), after: 0n, storeEpoch: 0n, limit: 1_000, bytesMax: 2 ** 30 };
          const [first] = (await after.log.read(query)).messages;
          // At most one ack of an inbox is in flight: it may have been committed without its line.
          const removed = Number((first?.seq ?? BigInt(messagesAnInbox + 1)) - 1n);
          const printed = acknowledged.get(i) ?? 0;
          assert.ok(
            removed === printed || removed === printed + 1,
            `inbox ${i}: ${printed} printed, ${removed} removed`,
          );
        }
        for (;;) {
          const next = await after.keys.takeKeyPackage(takenFrom);
          if (next === undefined) break;
          taken.push(Buffer.from(next).toString("hex"));
        }
        await after.close();
        assert.equal(new Set(taken).size, taken.length, "a package was handed out twice");
        // 8 takers: what they held when they were killed is gone with them, never handed out again.
        assert.ok(taken.length >= packages - 8 && taken.length <= packages);
      });
    });

    test("a disk that fails in the middle of the writing answers E020, and loses nothing acknowledged", async () => {
      const ledger = new Ledger();
      await withStoreFile(place, async (file) => {
        const task = { file, firstMessage: 0, messagesMax: 100_000, inFlightMax: 64, plantedFault: "none" } as const;
        const { acknowledged, refusal } = await runWriter(
          { task, killAfterAcks: 100_000, fileKibMax: place === "log" ? 9_000 : 4_096 },
          ledger,
        );
        assert.equal(refusal, "E020_STORE_UNAVAILABLE");
        assert.ok(acknowledged.size > 100);
        await drain(file, ledger);
      });
      assert.deepEqual(faultsOf(ledger.verdict()), noFaults);
    });
  });
}
