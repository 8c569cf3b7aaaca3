/** Every method lets in whom its row says (access/rules.ts), and nobody else: each row with each kind of caller. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { QpqError } from "quicproquo-proto";
import type { CallerKind } from "../../src/access/access.ts";
import { type AccessRule, admitted } from "../../src/access/rules.ts";
import { methods } from "../../src/calls/methods.ts";
import { keyOf, putAccount, putDevice } from "../access/accounts.ts";
import { anyParams } from "../e2e/any-params.ts";
import type { MethodName } from "../e2e/raw-client.ts";
import { startMemoryFrontEnd, staticToken } from "./memory-front-end.ts";

const lifeMs = 86_400_000;

/** An account (key 1) with a device (key 2), at a front-end of its own: what a call ends does not end the next one. */
async function start() {
  let nowMs = 1_700_000_000_000;
  const frontEnd = startMemoryFrontEnd(() => nowMs);
  const identity = await putAccount(frontEnd.store, 1);
  const deviceKey = await putDevice(frontEnd.store, identity, 2);
  const issue = async (actsFor = identity): Promise<Uint8Array> => {
    const issued = await frontEnd.domains.tokens.issue({ identity, actsFor });
    return issued?.sessionToken ?? assert.fail("no token");
  };
  /** What the call is told: a code, or "". */
  const call = async (name: MethodName, token: Uint8Array | string, key: Uint8Array, auth = {}): Promise<string> => {
    using client = await frontEnd.connect(token);
    const params = anyParams(key);
    const accessToken = typeof token === "string" ? Buffer.from(token) : token;
    const whole = { ...params, auth: { version: 1, accessToken, deviceId: new Uint8Array(), ...auth } };
    try {
      await client.call(name, whole as never);
      return "";
    } catch (error) {
      assert.ok(error instanceof QpqError, String(error));
      return error.code;
    }
  };
  return { ...frontEnd, identity, deviceKey, issue, call, pass: (ms: number) => (nowMs += ms) };
}

const refusals = ["E002_VERSION", "E003_UNAUTHENTICATED", "E004_BAD_TOKEN", "E005_SESSION_EXPIRED", "E006_FORBIDDEN"];

function isAdmitted(rule: AccessRule, kind: CallerKind, isOwn: boolean): boolean {
  if (rule === "anybody") return true;
  const kinds: readonly CallerKind[] = admitted[typeof rule === "object" ? "own" : rule];
  return kinds.includes(kind) && (typeof rule !== "object" || isOwn || kind === "static");
}

for (const [name, { access }] of Object.entries(methods) as [MethodName, { access: AccessRule }][]) {
  describe(`${name}: ${typeof access === "object" ? "own key" : access}`, () => {
    for (const [who, kind, keyNumber, isOwn] of [
      ["the static token", "static", 1, true],
      ["the identity, for its own key", "session", 1, true],
      ["the identity, for its device's key", "session", 2, false],
      ["the identity, for another's key", "session", 3, false],
      ["the device, for its own key", "device", 2, true],
      ["the device, for the identity's key", "device", 1, false],
    ] as const) {
      const expected = isAdmitted(access, kind, isOwn);
      test(`${who} is ${expected ? "let in" : "refused"}`, async () => {
        const { call, issue, identity, deviceKey } = await start();
        const token = kind === "static" ? staticToken : await issue(kind === "device" ? deviceKey : identity);
        const code = await call(name, token, keyOf(keyNumber));
        if (expected) assert.ok(!refusals.includes(code), code);
        else assert.equal(code, "E006_FORBIDDEN");
      });
    }

    const isOpen = access === "anybody";
    test(`no token, a wrong one, one that has ended and another version are ${isOpen ? "not looked at" : "refused"}`, async () => {
      const { call, issue, domains, pass } = await start();
      const [revoked, expired] = [await issue(), await issue()];
      await domains.tokens.revoke(await domains.tokens.find(revoked), false);
      const codes = [
        await call(name, "", keyOf(1)),
        await call(name, "wrong", keyOf(1)),
        await call(name, revoked, keyOf(1)),
        await call(name, await issue(), keyOf(1), { version: 2 }),
      ];
      pass(lifeMs);
      codes.push(await call(name, expired, keyOf(1)));
      if (isOpen)
        assert.ok(
          codes.every((code) => !refusals.includes(code)),
          codes.join(),
        );
      else
        assert.deepEqual(codes, [
          "E003_UNAUTHENTICATED",
          "E004_BAD_TOKEN",
          "E005_SESSION_EXPIRED",
          "E002_VERSION",
          "E005_SESSION_EXPIRED",
        ]);
    });
  });
}
