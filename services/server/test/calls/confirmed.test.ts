/** A token that was revoked at another front-end is believed here for 5 s: what lasts longer than it is not done by it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { QpqError } from "quicproquo-proto";
import { methods } from "../../src/calls/methods.ts";
import { putAccount } from "../access/accounts.ts";
import { anyParams } from "../e2e/any-params.ts";
import type { MethodName } from "../e2e/raw-client.ts";
import { startMemoryFrontEnd } from "./memory-front-end.ts";

/** Somebody whom this front-end believes to be logged in, though the store knows better. */
async function revoked() {
  const frontEnd = startMemoryFrontEnd(Date.now);
  const identity = await putAccount(frontEnd.store, 1);
  const issued = await frontEnd.domains.tokens.issue({ identity, actsFor: identity });
  const client = await frontEnd.connect(issued?.sessionToken as Uint8Array);
  await client.call("peek", { recipientKey: identity });
  await frontEnd.store.accounts.revokeTokens({ identity, actsFor: undefined });
  const codeOf = async (name: MethodName): Promise<string> => {
    const told = await client.call(name, anyParams(identity) as never).catch((error: unknown) => error);
    return told instanceof QpqError ? told.code : "";
  };
  return { ...frontEnd, client, identity, codeOf };
}

const lasting: readonly MethodName[] = [
  "uploadHybridKey",
  "createChannel",
  "deleteAccount",
  "registerDevice",
  "revokeDevice",
  "publishDeliveryToken",
  "setBlocked",
  "renewToken",
];

describe("by a token that ended a moment ago", () => {
  for (const name of lasting) {
    test(`${name} is refused`, async () => {
      const { client, identity, store, codeOf } = await revoked();
      assert.equal(await codeOf(name), "E005_SESSION_EXPIRED");
      assert.notEqual(await store.accounts.accountOfIdentity(identity), undefined);
      assert.equal(await store.accounts.revokeTokens({ identity, actsFor: undefined }), 0, "nor is there a new one");
      client.close();
    });
  }

  test("and no other row claims to ask again", () => {
    const rows = Object.entries(methods as Readonly<Record<string, { confirmed?: true }>>);
    const confirmed = rows.filter(([, row]) => row.confirmed === true).map(([name]) => name);
    assert.deepEqual([...confirmed, "renewToken"].toSorted(), lasting.toSorted());
  });
});
