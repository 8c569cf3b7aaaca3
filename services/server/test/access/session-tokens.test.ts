/** Session tokens over the store in memory, with clocks that the test turns; a second front-end is a second SessionTokens. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { QpqError } from "quicproquo-proto";
import type { Caller } from "../../src/access/access.ts";
import { SessionTokens } from "../../src/access/session-tokens.ts";
import type { Store } from "../../src/store/index.ts";
import { keyOf, limits, memoryStore, putAccount, putDevice } from "./accounts.ts";

const ended = (error: unknown): boolean => error instanceof QpqError && error.code === "E005_SESSION_EXPIRED";

type World = {
  readonly store: Store;
  readonly nowMs: number;
  queries: number;
  pass(ms: number): void;
  frontEnd(knownMax?: number): SessionTokens;
};

function createWorld(): World {
  let nowMs = 1_700_000_000_000;
  const clock = (): number => nowMs;
  const store = memoryStore(clock);
  const world: World = {
    store,
    get nowMs() {
      return nowMs;
    },
    queries: 0,
    pass: (ms) => {
      nowMs += ms;
    },
    frontEnd: (knownMax = 100) => new SessionTokens({ store: counted, limits, clock, now: clock, knownMax }),
  };
  const counted = {
    ...store.accounts,
    findTokens: (hashes: readonly Uint8Array[]) => {
      world.queries++;
      return store.accounts.findTokens(hashes);
    },
  };
  return world;
}

async function login(world: World, tokens: SessionTokens, n = 1): Promise<Uint8Array> {
  const identity = await putAccount(world.store, n);
  const issued = await tokens.issue({ identity, actsFor: identity });
  return issued?.sessionToken ?? assert.fail("no token");
}

test("a token acts for its key, and the store has nothing from which it could be made", async () => {
  const world = createWorld();
  const tokens = world.frontEnd();
  const token = await login(world, tokens);
  const caller = await tokens.find(token);
  assert.deepEqual(
    [caller.kind, caller.account, caller.actsFor, caller.sender, caller.expiresAtMs],
    ["session", keyOf(1), keyOf(1), keyOf(1), world.nowMs + 86_400_000],
  );
  const stored = await world.store.accounts.findTokens([token]);
  assert.deepEqual(stored, [undefined], "found by the token itself");
});

test("a device's token acts for the device alone, and goes with it", async () => {
  const world = createWorld();
  const tokens = world.frontEnd();
  const identity = await putAccount(world.store, 1);
  const deviceKey = await putDevice(world.store, identity, 2);
  const issued = await tokens.issue({ identity, actsFor: deviceKey });
  const caller = await tokens.find(issued?.sessionToken as Uint8Array);
  assert.deepEqual(
    [caller.kind, caller.account, caller.actsFor, caller.sender],
    ["device", identity, keyOf(2), keyOf(2)],
  );
  await world.store.accounts.removeDevice({ identity, deviceId: new Uint8Array(16).fill(2) });
  assert.equal(await tokens.issue({ identity, actsFor: deviceKey }), undefined);
  world.pass(5_000);
  await assert.rejects(async () => tokens.find(issued?.sessionToken as Uint8Array), ended);
});

test("a token that is known is answered without a promise, and by the same object, for as long as it is used", async () => {
  const world = createWorld();
  const tokens = world.frontEnd();
  const token = await login(world, tokens);
  const first = await tokens.find(token);
  for (let seconds = 0; seconds < 60; seconds++) {
    assert.equal(tokens.find(token), first, `after ${seconds} s`);
    await new Promise(setImmediate); // the query beside it
    world.pass(1_000);
  }
  assert.ok(world.queries > 60 / 5 && world.queries < 60 / 2, `${world.queries} queries`);
});

test("a token that was revoked at another front-end is refused there from 5 s on, whether it was used meanwhile or not", async () => {
  for (const uses of [0, 1, 40]) {
    const world = createWorld();
    const [here, there] = [world.frontEnd(), world.frontEnd()];
    const token = await login(world, here);
    await there.find(token);
    await here.revoke(await here.find(token), false);
    assert.ok(!(there.find(token) instanceof Promise), "it has not heard of it");
    await assert.rejects(async () => here.find(token), ended);
    for (let use = 0; use < uses; use++) {
      world.pass(4_900 / uses);
      await Promise.resolve(there.find(token)).catch((error: unknown) => assert.ok(ended(error)));
      await new Promise(setImmediate);
    }
    world.pass(uses === 0 ? 5_000 : 100);
    await assert.rejects(async () => there.find(token), ended, `after ${uses} uses`);
  }
});

test("what a query found that began before a revocation is believed for 5 s from its beginning, not from its end", async () => {
  const world = createWorld();
  const gate = Promise.withResolvers<void>();
  const store = {
    ...world.store.accounts,
    findTokens: async (hashes: readonly Uint8Array[]) => {
      const found = await world.store.accounts.findTokens(hashes);
      await gate.promise;
      return found;
    },
  };
  const clock = (): number => world.nowMs;
  const slow = new SessionTokens({ store, limits, clock, now: clock });
  const other = world.frontEnd();
  const token = await login(world, other);
  const finding = slow.find(token);
  await new Promise(setImmediate);
  await other.revoke(await other.find(token), false);
  world.pass(4_000);
  gate.resolve();
  await finding;
  world.pass(1_000);
  await assert.rejects(async () => slow.find(token), ended);
});

test("a token ends when its time is over, known or not, and a renewed one lives on beside it", async () => {
  const world = createWorld();
  const tokens = world.frontEnd();
  const token = await login(world, tokens);
  world.pass(86_399_000);
  const caller = await tokens.find(token);
  const { sessionToken: renewed, expiresAtMs } = await tokens.renew(caller);
  assert.equal(expiresAtMs, world.nowMs + 86_400_000);
  assert.equal(tokens.find(token), caller);
  world.pass(1_000);
  assert.throws(() => tokens.find(token), ended);
  assert.deepEqual((await tokens.find(renewed)).actsFor, keyOf(1));
  world.pass(86_400_000);
  await assert.rejects(async () => tokens.find(renewed), ended);
});

test("revoking all ends every token of the account, or those of the device that asks, and no other's", async () => {
  const world = createWorld();
  const tokens = world.frontEnd();
  const identity = await putAccount(world.store, 1);
  const deviceKey = await putDevice(world.store, identity, 2);
  const issue = async (actsFor = identity): Promise<Uint8Array> =>
    (await tokens.issue({ identity, actsFor }))?.sessionToken as Uint8Array;
  const [one, two, device, other] = [
    await issue(),
    await issue(),
    await issue(deviceKey),
    await login(world, tokens, 3),
  ];
  const valid = async (): Promise<boolean[]> => {
    const isValid = async (token: Uint8Array): Promise<boolean> => {
      try {
        await tokens.find(token);
        return true;
      } catch (error) {
        assert.ok(ended(error));
        return false;
      }
    };
    return await Promise.all([one, two, device, other].map(isValid));
  };
  assert.deepEqual(await valid(), [true, true, true, true]);
  await tokens.revoke(await tokens.find(device), true);
  assert.deepEqual(await valid(), [true, true, false, true]);
  await tokens.revoke(await tokens.find(one), false);
  assert.deepEqual(await valid(), [false, true, false, true]);
  await tokens.revoke(await tokens.find(two), true);
  assert.deepEqual(await valid(), [false, false, false, true]);
});

test("wrong tokens, however many come at once, cost one query at a time, and the cache holds no more than its bound", async () => {
  const world = createWorld();
  const tokens = world.frontEnd(10);
  const good = await Promise.all(
    Array.from({ length: 20 }, async (_, n) => {
      return await login(world, tokens, n + 1);
    }),
  );
  const wrong = Array.from({ length: 3_000 }, (_, n) =>
    new Uint8Array(32)
      .fill(n % 251)
      .with(0, n >> 8)
      .with(1, n),
  );
  const found = await Promise.allSettled([...wrong, ...good].map(async (token) => await tokens.find(token)));
  assert.equal(found.filter(({ status }) => status === "fulfilled").length, 20);
  assert.ok(world.queries <= 5, `${world.queries} queries`);
  const isKnown = (token: Uint8Array): boolean => !(tokens.find(token) instanceof Promise);
  assert.equal(good.filter(isKnown).length, 10);
});

test("two calls of one token keep their order, also when the first has to wait for the store", async () => {
  const world = createWorld();
  const tokens = world.frontEnd();
  const token = await login(world, tokens);
  const order: number[] = [];
  const call = (n: number): void => {
    const caller = tokens.find(token);
    if (caller instanceof Promise) void caller.then(() => order.push(n));
    else order.push(n);
  };
  for (let n = 0; n < 50; n++) {
    call(n);
    if (n % 3 === 0) await null;
    if (n % 7 === 0) await new Promise(setImmediate);
    if (n % 5 === 0) world.pass(2_600);
  }
  await new Promise(setImmediate);
  assert.deepEqual(
    order,
    Array.from({ length: 50 }, (_, n) => n),
  );
});

test("a call that comes while its token is being looked for is not overtaken by one that finds it known", async () => {
  const world = createWorld();
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let queries = 0;
  const findTokens = async (hashes: readonly Uint8Array[]) => {
    const found = await world.store.accounts.findTokens(hashes);
    await gates[queries++]?.promise;
    return found;
  };
  const clock = (): number => world.nowMs;
  const tokens = new SessionTokens({ store: { ...world.store.accounts, findTokens }, limits, clock, now: clock });
  const token = await login(world, tokens);
  const order: number[] = [];
  const call = async (n: number): Promise<void> => {
    const caller = tokens.find(token);
    if (caller instanceof Promise) await caller;
    order.push(n);
  };
  const calls = [call(0)];
  await new Promise(setImmediate);
  calls.push(call(1));
  gates[0]?.resolve();
  await new Promise(setImmediate);
  calls.push(call(2));
  gates[1]?.resolve();
  await Promise.all(calls);
  assert.deepEqual(order, [0, 1, 2]);
});

test("while the store cannot be asked an unknown token is told so, and is good again afterwards", async () => {
  const world = createWorld();
  let isDown = true;
  const findTokens = async (hashes: readonly Uint8Array[]) => {
    if (isDown) throw new QpqError("E020_STORE_UNAVAILABLE");
    return await world.store.accounts.findTokens(hashes);
  };
  const clock = (): number => world.nowMs;
  const tokens = new SessionTokens({ store: { ...world.store.accounts, findTokens }, limits, clock, now: clock });
  const token = await login(world, tokens);
  const isDownTold = (error: unknown): boolean => error instanceof QpqError && error.code === "E020_STORE_UNAVAILABLE";
  await assert.rejects(async () => tokens.find(token), isDownTold);
  isDown = false;
  assert.equal((await tokens.find(token)).kind, "session");
});

test("who watches a token is told once within 5 s of its revocation at another front-end, and not after it has stopped", async (t) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());
  const world = createWorld();
  const [here, there] = [world.frontEnd(), world.frontEnd()];
  const callers: Caller[] = [];
  for (const n of [1, 2, 3]) callers.push(await here.find(await login(world, here, n)));
  const told = [0, 0, 0];
  const stops = callers.map((caller, i) =>
    there.watch(caller, () => {
      told[i] = (told[i] ?? 0) + 1;
    }),
  );
  const pass = async (ms: number): Promise<void> => {
    mock.timers.tick(ms);
    await new Promise(setImmediate);
  };
  await pass(10_000);
  assert.deepEqual(told, [0, 0, 0]);
  await here.revoke(callers[0] as Caller, false);
  await world.store.accounts.setDisabled({ username: "user2", disabled: true });
  await here.revoke(callers[2] as Caller, false);
  stops[2]?.();
  for (let ms = 0; ms < 5_000; ms += 1_000) await pass(1_000);
  assert.deepEqual(told, [1, 1, 0]);
  await pass(10_000);
  assert.deepEqual(told, [1, 1, 0]);
});

test("a token that is revoked while another one is made of it leaves none behind, whichever comes first", async () => {
  for (const moment of ["before", "between"] as const) {
    const world = createWorld();
    const { accounts } = world.store;
    const tokens = world.frontEnd();
    const caller = await tokens.find(await login(world, tokens));
    const revoke = () => accounts.revokeTokens({ identity: keyOf(1), actsFor: undefined });
    const { putToken } = accounts;
    const racing = new SessionTokens({
      store: {
        ...accounts,
        async putToken(request) {
          if (moment === "before") await revoke();
          const put = await putToken(request);
          if (moment === "between") await revoke();
          return put;
        },
      },
      limits,
      clock: () => world.nowMs,
    });
    await assert.rejects(racing.renew(caller), ended, moment);
    assert.equal(await revoke(), 0, moment);
  }
});
