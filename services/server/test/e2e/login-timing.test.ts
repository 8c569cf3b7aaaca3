/**
 * How long the server takes to answer does not tell whether somebody has a user name: the first half of a login, and the
 * second half of one that fails (docs/wire.md, Login), over real QUIC.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { TestLogin } from "../../testing/opaque-client.ts";
import { randomOf, seed } from "../../testing/seed.ts";
import { type ServerProcess, startServerProcess } from "../../testing/server-process.ts";
import { shareToldApart } from "./best-threshold.ts";
import { newPerson, register } from "./people.ts";
import { RawClient } from "./raw-client.ts";
import { stores } from "./stores.ts";
import { codeOf } from "./code-of.ts";

const perGroup = 2_000;
const nameCount = 40;
const warmUps = 100;
const shareMax = 0.55;
/** 10 s on an idle machine. */
const timeout = 300_000;
const many = 1_000_000;
const settings = {
  "login-attempts-per-minute": many,
  "login-address-attempts-per-minute": many,
  "login-account-attempts-per-minute": many,
  "registrations-per-hour": many,
};

type Times = { readonly start: number[]; readonly finish: number[] };

/** ms of each answer, known and unknown names by turns: which of a pair comes first is drawn. */
async function timesOf(server: ServerProcess, logins: number): Promise<{ known: Times; unknown: Times }> {
  using client = await RawClient.connect(server, { token: "" });
  const names = { known: namesOf("known"), unknown: namesOf("other") };
  for (const name of names.known) await register(client, newPerson(name));
  const { request } = new TestLogin("wrong");
  const finish = {
    finalization: randomBytes(64),
    identityKey: newPerson("").identity.identityKey,
    identityProof: randomBytes(64),
  };
  const times = { known: { start: [], finish: [] }, unknown: { start: [], finish: [] } } as Record<string, Times>;
  const logIn = async (who: "known" | "unknown", n: number): Promise<void> => {
    const username = names[who][n % nameCount] as string;
    const beganMs = performance.now();
    const { loginId } = await client.call("opaqueLoginStart", { username, request });
    const halfMs = performance.now();
    const code = await codeOf(client.call("opaqueLoginFinish", { username, loginId, ...finish }));
    const endMs = performance.now();
    assert.equal(code, "E064_LOGIN_REFUSED");
    if (n < warmUps) return;
    times[who]?.start.push(halfMs - beganMs);
    times[who]?.finish.push(endMs - halfMs);
  };
  const random = randomOf(seed);
  for (let n = 0; n < warmUps + logins; n++) {
    const isKnownFirst = random() < 0.5;
    await logIn(isKnownFirst ? "known" : "unknown", n);
    await logIn(isKnownFirst ? "unknown" : "known", n);
  }
  return times as { known: Times; unknown: Times };
}

const namesOf = (prefix: string): string[] => Array.from({ length: nameCount }, (_, n) => `${prefix}${n}`);

for (const { name, start } of stores) {
  test(`over ${name} no threshold on a time tells known from unknown names much better than a coin`, {
    timeout,
  }, async (t) => {
    await using server = await start({ settings });
    const { known, unknown } = await timesOf(server, perGroup);
    for (const half of ["start", "finish"] as const) {
      const share = shareToldApart(known[half], unknown[half]);
      t.diagnostic(`${half}: ${(share * 100).toFixed(1)} % told right (SEED=${seed})`);
      assert.ok(share <= shareMax, `${half}: ${share}`);
    }
  });
}

test("a server that takes 0.3 ms longer for a known name would not pass", { timeout }, async (t) => {
  const program = fileURLToPath(new URL("./leaking-server.ts", import.meta.url));
  await using server = await startServerProcess({ program, settings, env: { PLANTED_LEAK: "time" } });
  const { known, unknown } = await timesOf(server, perGroup / 2);
  const share = shareToldApart(known.start, unknown.start);
  t.diagnostic(`${(share * 100).toFixed(1)} % told right (SEED=${seed})`);
  assert.ok(share > shareMax, `${share}`);
});
