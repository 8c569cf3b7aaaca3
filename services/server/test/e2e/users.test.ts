/** `qpq-server users` beside servers that run, on every store: what it does holds there, and for who is logged in. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { testOpaqueSetup } from "../../testing/opaque-setup.ts";
import { sharedPostgres } from "../../testing/postgres.ts";
import { type ServerProcess, startServerProcess } from "../../testing/server-process.ts";
import { runCommand } from "../cluster/run-command.ts";
import { codeOf } from "./code-of.ts";
import { login, newPerson, type Person, register } from "./people.ts";
import { RawClient } from "./raw-client.ts";
import { RawSession, TestSink } from "./raw-session.ts";

type Place = {
  readonly servers: readonly ServerProcess[];
  /** What the command is told of where the accounts are. */
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
};

const settings = { "login-attempts-per-minute": 100, "login-account-attempts-per-minute": 100 };

async function startEmbedded(workers: number): Promise<Place> {
  const server = await startServerProcess({ settings: { ...settings, workers } });
  return { servers: [server], flags: ["--data-dir", server.dataDir], env: {} };
}

async function startCluster(): Promise<Place> {
  const { url: databaseUrl } = await (await sharedPostgres()).createDatabase();
  const cluster = { databaseUrl };
  const servers = [await startServerProcess({ settings, cluster }), await startServerProcess({ settings, cluster })];
  const env = { QPQ_STORE: "cluster", QPQ_DATABASE_URL: databaseUrl, QPQ_OPAQUE_SETUP: testOpaqueSetup };
  return { servers, flags: [], env };
}

const places = [
  { name: "a server of one process", start: () => startEmbedded(1) },
  { name: "a server of two workers", start: () => startEmbedded(2) },
  { name: "two servers of a cluster", start: startCluster },
];

for (const { name, start } of places) {
  describe(`qpq-server users beside ${name}`, () => {
    let place: Place;
    before(async () => {
      place = await start();
    });
    after(async () => {
      for (const server of place.servers) await server[Symbol.asyncDispose]();
    });

    const users = (...words: string[]) => runCommand(["users", ...words, ...place.flags], place.env);
    /** At the last server: where there are two, another than people come to by default. */
    const connect = (token: Uint8Array | string = ""): Promise<RawClient> =>
      RawClient.connect(place.servers.at(-1) as ServerProcess, { token });
    const arrive = async (username: string): Promise<Person & { readonly token: Uint8Array }> => {
      const person = newPerson(username);
      using client = await RawClient.connect(place.servers[0] as ServerProcess, { token: "" });
      await register(client, person);
      return { ...person, token: await login(client, person) };
    };
    const loginCode = async (person: Person): Promise<string> => {
      using client = await connect();
      return await codeOf(login(client, person));
    };
    /** Of a reader who is there before; resolves when its subscription was ended, with all else that its token opens. */
    const reading = async ({ token, identity }: Person & { readonly token: Uint8Array }) => {
      const client = await connect(token);
      const session = new RawSession(client.service, token);
      const sink = new TestSink();
      session.inbox(identity.identityKey).subscribe(sink);
      await sink.until(() => sink.pushes.length === 1);
      return async (): Promise<void> => {
        await sink.until(() => sink.isEnded);
        assert.equal(sink.ended?.code, "E005_SESSION_EXPIRED");
        const peek = () => client.call("peek", { recipientKey: identity.identityKey });
        // until the front-end has asked its store again
        while ((await codeOf(peek())) === "accepted");
        assert.equal(await codeOf(peek()), "E005_SESSION_EXPIRED");
        client.close();
      };
    };

    test("disable ends Sessions and tokens and refuses logins; enable lets in again, with a new token alone", async () => {
      const alice = await arrive("alice");
      const ended = await reading(alice);
      const done = await users("disable", "alice", "--json");
      assert.deepEqual(JSON.parse(done.words), { event: "user_disabled", username: "alice", tokens: 1 });
      assert.equal(await loginCode(alice), "E068_ACCOUNT_DISABLED");
      await ended();
      assert.match((await users("list")).words, /^alice +disabled/m);
      assert.equal((await users("enable", "alice")).code, 0);
      using atOld = await connect(alice.token);
      const { identityKey: recipientKey } = alice.identity;
      assert.equal(await codeOf(atOld.call("peek", { recipientKey })), "E005_SESSION_EXPIRED");
      assert.equal(await loginCode(alice), "accepted");
    });

    test("revoke ends Sessions and tokens, and a login goes on", async () => {
      const bob = await arrive("bob");
      const ended = await reading(bob);
      const done = await users("revoke", "bob", "--json");
      assert.deepEqual(JSON.parse(done.words), { event: "user_tokens_revoked", username: "bob", tokens: 1 });
      await ended();
      assert.equal(await loginCode(bob), "accepted");
    });

    test("delete ends all of it, and the name is free again", async () => {
      const carol = await arrive("carol");
      const ended = await reading(carol);
      const done = await users("delete", "carol");
      assert.deepEqual([done.code, done.words], [0, "carol: deleted, with all that was theirs\n"]);
      await ended();
      // as for a name that nobody ever had
      await assert.rejects(loginCode(carol), /another password/);
      await arrive("carol");
    });

    test("every act leaves one line in the audit log, with an id that list shows, and no name", async () => {
      await arrive("dora");
      const { errors } = await users("disable", "dora");
      const lines = errors
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      assert.equal(lines.length, 1, errors);
      const [line = {}] = lines;
      const { users: rows } = JSON.parse((await users("list", "--json", "--limit", "1000")).words) as Listed;
      const row = rows.find(({ username }) => username === "dora");
      assert.match(String(row?.auditId), /^[0-9a-f]{16}$/);
      const { stream, event, user, uid } = line;
      assert.deepEqual([stream, event, user, uid], ["audit", "user_disabled", row?.auditId, process.getuid?.()]);
      assert.ok(!errors.includes("dora"));
    });

    test("list goes through all names page by page, in order, and shows no secret", async () => {
      const people = [];
      for (const letter of ["a", "b", "c", "d", "e"]) people.push(await arrive(`zoe-${letter}`));
      const seen: string[] = [];
      let told = "";
      for (let next: string | null = "zoe"; next !== null; ) {
        const page = await users("list", "--json", "--limit", "2", "--after", next);
        told += page.words + page.errors;
        const listed = JSON.parse(page.words) as Listed;
        seen.push(...listed.users.map(({ username }) => username));
        next = listed.next;
      }
      assert.deepEqual(seen, ["zoe-a", "zoe-b", "zoe-c", "zoe-d", "zoe-e"]);
      for (const { token, password } of people) {
        assert.ok(!told.includes(password) && !told.includes(Buffer.from(token).toString("hex")));
      }
      assert.deepEqual(Object.keys((JSON.parse(told.split("\n")[0] ?? "") as Listed).users[0] ?? {}), [
        "username",
        "identityKey",
        "createdAt",
        "disabled",
        "auditId",
      ]);
      assert.match((await users("list", "--limit", "1")).words, /\nmore: qpq-server users list --after \S+\n$/);
    });
  });
}

type Listed = {
  readonly users: readonly { readonly username: string; readonly auditId: string | null }[];
  readonly next: string | null;
};

describe("qpq-server users of the embedded store", () => {
  test("works while no server runs, and says so where there is no store", async () => {
    await using server = await startServerProcess();
    using client = await RawClient.connect(server, { token: "" });
    const erin = newPerson("erin");
    await register(client, erin);
    await server.kill("SIGTERM");
    const flags = ["--data-dir", server.dataDir];
    assert.equal((await runCommand(["users", "disable", "erin", ...flags])).code, 0);
    await using again = await startServerProcess({ dataDir: server.dataDir });
    using atAgain = await RawClient.connect(again, { token: "" });
    assert.equal(await codeOf(login(atAgain, erin)), "E068_ACCOUNT_DISABLED");
    const elsewhere = await runCommand(["users", "list"]);
    assert.equal(elsewhere.code, 1);
    assert.match(elsewhere.errors, /E046_CONFIG there is no store data\/qpq\.db.*--data-dir/);
  });

  test("nobody's name, what is no name and what is no command are refused with what to do", async () => {
    await using server = await startServerProcess();
    const nobody = await runCommand(["users", "disable", "nobody-here", "--data-dir", server.dataDir]);
    assert.deepEqual([nobody.code, nobody.words], [1, ""]);
    assert.match(nobody.errors, /E075_ACCOUNT_NOT_FOUND.*qpq-server users list/);
    assert.match((await runCommand(["users", "revoke", "no name"])).errors, /E065_USERNAME/);
    const wrong = [[], ["disable"], ["list", "alice"], ["ban", "alice"], ["list", "--limit", "0"]];
    for (const { code, errors } of await Promise.all(wrong.map((words) => runCommand(["users", ...words])))) {
      assert.equal(code, 2);
      assert.match(errors, /E048_USAGE/);
    }
  });

  test("says what to do when the server that owns the file cannot be reached", async () => {
    await using server = await startServerProcess();
    rmSync(join(server.dataDir, "run", "store.sock"));
    const { code, errors } = await runCommand(["users", "list", "--data-dir", server.dataDir]);
    assert.equal(code, 1);
    assert.match(errors, /E036_STORE_LOCKED.*stop it, then: qpq-server users list --data-dir/);
  });
});
