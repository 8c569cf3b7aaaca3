/** What somebody can try in a minute, and that the owner of an account gets in all the same. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { QpqError } from "quicproquo-proto";
import { networkOf } from "../../src/accounts/network.ts";
import { TestLogin, TestRegistration } from "../../testing/opaque-client.ts";
import { beginLogin, newPerson, Place, register } from "./front-ends.ts";

const limited = (error: unknown): boolean =>
  error instanceof QpqError && error.code === "E018_RATE_LIMIT" && (error.retryAfterMs ?? 0) > 0;

/** How many of the tries a minute's 200 got an answer. */
async function tryFor(place: Place, attempt: (n: number) => Promise<unknown>): Promise<number> {
  let answered = 0;
  for (let n = 0; n < 200; n++) {
    place.nowMs += 60_000 / 200;
    await attempt(n).then(
      () => answered++,
      (error: unknown) => assert.ok(limited(error), String(error)),
    );
  }
  return answered;
}

test("200 wrong passwords a minute on one account get some 20 answers, and its owner gets one from another network at once", async () => {
  const place = new Place({});
  const accounts = place.frontEnd();
  const alice = newPerson("alice");
  await register(accounts, alice, "198.51.100.1");
  const wrong = { ...alice, password: "wrong" };
  const answered = await tryFor(place, (n) => beginLogin(accounts, wrong, `192.0.2.${n}`));
  assert.ok(answered >= 10 && answered <= 20, `${answered}`);
  place.delays = [];
  assert.notEqual((await beginLogin(accounts, alice, "198.51.100.7")).finish, undefined);
  assert.deepEqual(place.delays, [], "nobody held it up");
  // and after a quiet minute from the network of the tries, too
  place.nowMs += 60_000;
  assert.notEqual((await beginLogin(accounts, alice, "192.0.2.200")).finish, undefined);
});

test("a registration's beginning counts as a try: it evaluates the same secret function of the password", async () => {
  const place = new Place({});
  const accounts = place.frontEnd();
  await register(accounts, newPerson("alice"), "198.51.100.1");
  const answered = await tryFor(place, async () => {
    const { request } = new TestRegistration("wrong");
    return await accounts.registerStart({ username: "alice", request }, "192.0.2.1");
  });
  assert.ok(answered <= 20, `${answered}`);
});

test("tries from hundreds of networks delay the owner by at most 5 s, and lock nobody out", async () => {
  const place = new Place({});
  const accounts = place.frontEnd();
  const alice = newPerson("alice");
  await register(accounts, alice, "198.51.100.1");
  const { request } = new TestLogin("wrong");
  for (let n = 0; n < 300; n++) {
    await accounts.loginStart({ username: "alice", request }, `10.${n >> 8}.${n & 255}.1`);
  }
  assert.ok(place.delays.length > 200, `${place.delays.length} were held up`);
  place.delays = [];
  assert.notEqual((await beginLogin(accounts, alice, "198.51.100.1")).finish, undefined);
  assert.ok(place.delays.length === 1 && (place.delays[0] as number) <= 5_000, `${place.delays}`);
});

test("a name that nobody has is limited like one that somebody has", async () => {
  const counts = [];
  for (const name of ["alice", "nobody"]) {
    const place = new Place({});
    const accounts = place.frontEnd();
    await register(accounts, newPerson("alice"), "198.51.100.1");
    const { request } = new TestLogin("x");
    counts.push(await tryFor(place, () => accounts.loginStart({ username: name, request }, "192.0.2.1")));
  }
  assert.equal(counts[0], counts[1]);
});

test("one network tries no more names in a minute than its limit, and registers no more accounts in an hour", async () => {
  const place = new Place({ loginAddressAttemptsPerMinute: 50, registrationsPerHour: 5 });
  const accounts = place.frontEnd();
  const { request } = new TestLogin("x");
  const answered = await tryFor(place, (n) => accounts.loginStart({ username: `user${n}`, request }, "192.0.2.1"));
  assert.ok(answered >= 50 && answered <= 100, `${answered}`);
  place.nowMs += 60_000;
  for (let n = 0; n < 5; n++) await register(accounts, newPerson(`new${n}`), "203.0.113.1");
  await assert.rejects(register(accounts, newPerson("new5"), "203.0.113.2"), limited);
  await register(accounts, newPerson("new5"), "203.0.114.1");
  place.nowMs += 3_600_000;
  await register(accounts, newPerson("new6"), "203.0.113.2");
});

test("addresses of one network are one, however they are written", () => {
  const cases = {
    "192.0.2.0/24": ["192.0.2.1", "192.0.2.254", "::ffff:192.0.2.7", "::FFFF:192.0.2.7"],
    "2001:db8:1:aa00::/56": [
      "2001:db8:1:aa00::1",
      "2001:db8:1:aaff:1:2:3:4",
      "2001:0db8:0001:aa12::",
      "2001:db8:1:aa01::9%eth0",
    ],
    "2001:db8:1:ab00::/56": ["2001:db8:1:ab00::1"],
    "0:0:0:0::/56": ["::1", "::"],
    "fe80:0:0:0::/56": ["fe80::1%lo"],
    somebody: ["somebody"],
  };
  for (const [network, hosts] of Object.entries(cases))
    for (const host of hosts) assert.equal(networkOf(host), network, host);
});
