/** The database URL: what it may say, and that it has no room for a password. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseDatabaseUrl } from "../../src/store/postgres/address.ts";
import { hasCode } from "./codes.ts";

describe("database URL", () => {
  test("hosts, ports, user and database are read, with escapes, IPv6 addresses and socket folders", () => {
    assert.deepEqual(parseDatabaseUrl("postgres://qpq@db-1.example,db-2.example:6000/mail"), {
      hosts: [
        { host: "db-1.example", port: 5432 },
        { host: "db-2.example", port: 6000 },
      ],
      user: "qpq",
      database: "mail",
      tlsMode: "verify-full",
      rootCertificateFile: undefined,
    });
    const local = parseDatabaseUrl(
      "postgresql://a%40b@[::1]:7000,%2Frun%2Fpostgresql/x%2Fy?target_session_attrs=primary",
    );
    assert.deepEqual(local.hosts, [
      { host: "::1", port: 7000 },
      { host: "/run/postgresql", port: 5432 },
    ]);
    assert.deepEqual([local.user, local.database], ["a@b", "x/y"]);
  });

  test("TLS is verified unless every host is this machine, or the URL says otherwise", () => {
    const modeOf = (rest: string) => parseDatabaseUrl(`postgres://u@${rest}`).tlsMode;
    assert.equal(modeOf("localhost/d"), "disable");
    assert.equal(modeOf("127.0.0.1,[::1],%2Frun/d"), "disable");
    assert.equal(modeOf("127.0.0.1,db.example/d"), "verify-full");
    assert.equal(modeOf("127.0.0.1.example/d"), "verify-full");
    assert.equal(modeOf("localhost/d?sslmode=verify-ca&sslrootcert=root.pem"), "verify-ca");
    assert.equal(modeOf("db.example/d?sslmode=require"), "require");
  });

  test("anything else is refused, a password above all", () => {
    const refused = [
      "postgres://u:secret@localhost/d",
      "postgres://localhost/d",
      "postgres://u@localhost",
      "postgres://u@/d",
      "mysql://u@localhost/d",
      "postgres://u@localhost:0/d",
      "postgres://u@localhost:99999/d",
      "postgres://u@local host:x/d",
      "postgres://u@localhost/d?sslmode=prefer",
      "postgres://u@localhost/d?password=secret",
      "postgres://u@localhost/d?target_session_attrs=any",
      "postgres://u%zz@localhost/d",
      `postgres://u@${Array.from({ length: 17 }, () => "h").join(",")}/d`,
    ];
    for (const url of refused) assert.throws(() => parseDatabaseUrl(url), hasCode("E046_CONFIG"), url);
  });

  test("the refusal does not repeat what may be a secret", () => {
    assert.throws(
      () => parseDatabaseUrl("postgres://u:topsecret@localhost/d"),
      (error: Error) => !error.message.includes("topsecret"),
    );
  });
});
