/** A backup of a server that is being written to, and its restore after the server was killed. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { startServerProcess } from "../../testing/server-process.ts";
import { runCommand } from "../cluster/run-command.ts";
import { arrive, login } from "../e2e/people.ts";
import { RawClient } from "../e2e/raw-client.ts";
import { faultsOf, Ledger, noFaults, payloadHashOf } from "./ledger.ts";
import { inboxNumber, messageNumber } from "./messages.ts";
import { readAll } from "./read-all.ts";

const commonSettings = { "queue-depth-max": 1_000_000, "log-level": "warn" };
const callers = 32;
/** Enough that their backup takes a while. */
const ackedBefore = 6_000;
const ackedMeanwhile = 200;
const blob = Buffer.alloc(300_000, "blob");
const blobHash = createHash("sha256").update(blob).digest();

const folder = mkdtempSync(join(tmpdir(), "qpq-backup-"));
after(() => rmSync(folder, { recursive: true }));

for (const messageLog of ["off", "on"]) {
  describe(`backup and restore, message log ${messageLog}`, () => {
    const base = join(folder, messageLog);
    mkdirSync(base);
    const settings = { ...commonSettings, "message-log": messageLog };
    const dataDir = join(base, "data");
    const saved = join(base, "backup");
    /** What was acknowledged before the backup began, and all of it. */
    const early = new Ledger();
    const all = new Ledger();
    let acknowledged = 0;
    let ackedWhenOver = 0;
    let storeEpoch = 0n;
    let owner: Awaited<ReturnType<typeof arrive>>;

    before(async () => {
      const server = await startServerProcess({ dataDir, settings });
      after(() => server[Symbol.asyncDispose]());
      owner = await arrive(server, "owner");
      using ownersClient = await RawClient.connect(server, { token: owner.token });
      const client = await RawClient.connect(server);
      const whole = {
        blobHash,
        chunk: blob.subarray(0, 200_000),
        offset: 0n,
        totalSize: BigInt(blob.length),
        mimeType: "",
      };
      await ownersClient.call("uploadBlob", whole);
      await ownersClient.call("uploadBlob", { ...whole, chunk: blob.subarray(200_000), offset: 200_000n });
      ({
        gap: { storeEpoch },
      } = await client.call("peek", { recipientKey: Buffer.from(inboxNumber(0), "latin1") }));
      const due = Promise.withResolvers<void>();
      const enough = Promise.withResolvers<void>();
      let isBegun = false;
      let next = 0;
      const caller = async (): Promise<void> => {
        for (;;) {
          const { inbox, payload, messageId } = messageNumber(next++);
          const recipientKey = Buffer.from(inbox, "latin1");
          const { seq } = await client.call("enqueue", {
            recipientKey,
            payload,
            idempotencyKey: messageId as Uint8Array,
          });
          const entry = { inbox, seq, payloadHash: payloadHashOf(payload) };
          all.acknowledge(entry);
          if (!isBegun) early.acknowledge(entry);
          acknowledged++;
          if (acknowledged === ackedBefore) due.resolve();
          if (acknowledged >= ackedWhenOver + ackedMeanwhile && ackedWhenOver > 0) enough.resolve();
        }
      };
      const calling = Array.from({ length: callers }, caller);
      await due.promise;
      isBegun = true;
      const { code, errors, words } = await runCommand(["backup", saved, "--data-dir", dataDir]);
      assert.equal(code, 0, errors);
      assert.match(words, /^backup .*qpq\.db.*opaque-setup.*server-key\.der/);
      ackedWhenOver = acknowledged;
      await enough.promise;
      await server.kill("SIGKILL");
      client.close();
      for (const { status } of await Promise.allSettled(calling)) assert.equal(status, "rejected");
    });

    test("under load and after SIGKILL: everything acknowledged before the backup is there, and nothing is altered", async (t) => {
      const restored = join(base, "restored");
      const { code, errors, words } = await runCommand(["restore", saved, "--data-dir", restored]);
      assert.equal(code, 0, errors);
      assert.match(words, /^store epoch {3}\d+ before, \d+ now/m);
      await using server = await startServerProcess({ dataDir: restored, settings });
      await readAll(server, [early, all]);
      const { acknowledged: ackedEarly, received } = early.verdict();
      t.diagnostic(`${ackedEarly} acknowledged before, ${ackedWhenOver} when it was over, ${received} restored`);
      assert.deepEqual(faultsOf(early.verdict()), noFaults);
      assert.deepEqual({ ...faultsOf(all.verdict()), lost: 0 }, noFaults);
      assert.ok(ackedWhenOver > ackedEarly, "the backup was not under load");
      using client = await RawClient.connect(server);
      const { gap } = await client.call("peek", {
        recipientKey: Buffer.from(inboxNumber(0), "latin1"),
        after: 1n,
        storeEpoch,
      });
      assert.equal(gap.kind, "epochReset");
      using ownersClient = await RawClient.connect(server, { token: await login(client, owner) });
      const { chunk } = await ownersClient.call("downloadBlob", { blobId: blobHash, offset: 0n, length: 262_144 });
      assert.ok(blob.subarray(0, 262_144).equals(chunk));
    });

    test("the restored server has the key, the secrets and the modes of the first", async () => {
      const restored = join(base, "as-before");
      assert.equal((await runCommand(["restore", saved, "--data-dir", restored])).code, 0);
      const names = readdirSync(restored).sort();
      assert.deepEqual(names, [
        "auth-token",
        ...(messageLog === "on" ? ["messages"] : []),
        "opaque-setup",
        "qpq.db",
        "server-cert.der",
        "server-key.der",
        "transport-secret",
      ]);
      for (const name of names.filter((name) => name !== "qpq.db" && name !== "messages")) {
        assert.ok(readFileSync(join(restored, name)).equals(readFileSync(join(dataDir, name))), name);
        assert.equal(statSync(join(restored, name)).mode & 0o077, name === "server-cert.der" ? 0o044 : 0, name);
      }
      assert.equal(statSync(restored).mode & 0o077, 0);
      assert.equal(statSync(saved).mode & 0o077, 0);
    });

    test("of a server that was killed, with all that stands in its write-ahead log", async () => {
      const dead = join(base, "dead-backup");
      assert.equal((await runCommand(["backup", dead, "--data-dir", dataDir])).code, 0);
      const restored = join(base, "dead-restored");
      assert.equal((await runCommand(["restore", dead, "--data-dir", restored])).code, 0);
      await using server = await startServerProcess({ dataDir: restored, settings });
      await readAll(server, [all]);
      assert.deepEqual(faultsOf(all.verdict()), noFaults);
    });

    test("a restore overwrites neither a store nor a secret, and names what is in the way", async () => {
      const before = readFileSync(join(dataDir, "opaque-setup"));
      const taken = await runCommand(["restore", saved, "--data-dir", dataDir]);
      assert.equal(taken.code, 1);
      assert.match(taken.errors, /E081_WOULD_OVERWRITE .*qpq\.db is there already.*--data-dir/);
      const other = join(base, "other");
      mkdirSync(other);
      appendFileSync(join(other, "opaque-setup"), "another");
      const refused = await runCommand(["restore", saved, "--data-dir", other]);
      assert.match(refused.errors, /E081_WOULD_OVERWRITE .*opaque-setup is there already/);
      assert.deepEqual(readdirSync(other), ["opaque-setup"]);
      assert.ok(before.equals(readFileSync(join(dataDir, "opaque-setup"))));
      const again = await runCommand(["backup", saved, "--data-dir", dataDir]);
      assert.match(again.errors, /E081_WOULD_OVERWRITE/);
    });

    test("a backup that was altered, or is not whole, is refused and leaves nothing behind", async () => {
      const altered = join(base, "altered");
      cpSync(saved, altered, { recursive: true });
      appendFileSync(join(altered, "qpq.db"), "x");
      const into = join(base, "into");
      const refused = await runCommand(["restore", altered, "--data-dir", into]);
      assert.equal(refused.code, 1);
      assert.match(refused.errors, /E080_BACKUP .*qpq\.db is not what was backed up/);
      rmSync(join(altered, "backup.json"));
      assert.match(
        (await runCommand(["restore", altered, "--data-dir", into])).errors,
        /E080_BACKUP .*no whole backup/,
      );
      assert.ok(!existsSync(into));
      const nothing = await runCommand(["backup", join(base, "nothing"), "--data-dir", into]);
      assert.match(nothing.errors, /E080_BACKUP there is no store/);
      assert.ok(!existsSync(join(base, "nothing")));
    });

    test("of a cluster's store it says what to use instead", async () => {
      const env = { QPQ_STORE: "cluster", QPQ_DATABASE_URL: "postgres://qpq@127.0.0.1:1/mail" };
      for (const [name, instead] of [
        ["backup", /pg_basebackup/],
        ["restore", /qpq-server promote/],
      ] as const) {
        const { code, errors } = await runCommand([name, saved], env);
        assert.equal(code, 1);
        assert.match(errors, instead);
      }
    });
  });
}
