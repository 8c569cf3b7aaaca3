/** Calls with a token are counted: of one account, and of one network, whatever it shows. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { QpqError } from "quicproquo-proto";
import { RawSession } from "../e2e/raw-session.ts";
import { startMemoryFrontEnd, staticToken } from "../calls/memory-front-end.ts";
import { putAccount, putDevice } from "./accounts.ts";

async function start(limits: Parameters<typeof startMemoryFrontEnd>[1]) {
  const frontEnd = startMemoryFrontEnd(() => 1_700_000_000_000, limits);
  const issue = async (n: number, deviceNumber?: number): Promise<Uint8Array> => {
    const identity = await putAccount(frontEnd.store, n);
    const actsFor = deviceNumber === undefined ? identity : await putDevice(frontEnd.store, identity, deviceNumber);
    return (await frontEnd.domains.tokens.issue({ identity, actsFor }))?.sessionToken ?? assert.fail("no token");
  };
  /** What `count` calls came to, on a connection of their own. */
  const callsOf = async (token: Uint8Array | string, count: number): Promise<string[]> => {
    using client = await frontEnd.connect(token);
    const codes: string[] = [];
    for (let i = 0; i < count; i++) {
      const call = client.call("fetchHybridKeys", { identityKeys: [] });
      codes.push(
        await call.then(
          () => "",
          ({ code, retryAfterMs, fields }: QpqError) =>
            code === "E018_RATE_LIMIT" && (retryAfterMs ?? 0) > 0 ? String(fields["limit"]) : code,
        ),
      );
    }
    return codes;
  };
  return { ...frontEnd, issue, callsOf };
}

const times = (count: number, code: string): string[] => new Array<string>(count).fill(code);

test("an account has so many calls a minute by all its tokens and devices together, another one its own", async () => {
  const { issue, callsOf } = await start({ callsPerMinute: 5 });
  const [one, two, device, other] = [await issue(1), await issue(1), await issue(1, 11), await issue(2)];
  assert.deepEqual(await callsOf(one, 2), times(2, ""));
  assert.deepEqual(await callsOf(device, 2), times(2, ""));
  assert.deepEqual(await callsOf(two, 3), ["", ...times(2, "callsPerMinute")]);
  assert.deepEqual(await callsOf(one, 1), times(1, "callsPerMinute"));
  assert.deepEqual(await callsOf(device, 1), times(1, "callsPerMinute"));
  assert.deepEqual(await callsOf(other, 1), times(1, ""));
});

test("a network that shows tokens, right or wrong, is refused before they are looked for; the static token is not", async () => {
  const { issue, callsOf, store } = await start({ networkCallsPerMinute: 20 });
  const token = await issue(1);
  let looks = 0;
  const { findTokens } = store.accounts;
  store.accounts.findTokens = (hashes) => {
    looks += hashes.length;
    return findTokens(hashes);
  };
  const wrong = new Uint8Array(32).fill(3);
  assert.deepEqual(await callsOf("short", 5), times(5, "E004_BAD_TOKEN"));
  const flood = await callsOf(wrong, 50);
  assert.deepEqual(flood, [...times(15, "E005_SESSION_EXPIRED"), ...times(35, "networkCallsPerMinute")]);
  assert.equal(looks, 15);
  assert.deepEqual(await callsOf(token, 1), times(1, "networkCallsPerMinute"));
  assert.deepEqual(await callsOf(staticToken, 30), times(30, ""));
});

test("calls of Sessions, which show no token, are counted apart, those of all Sessions of an account together", async () => {
  const { issue, connect } = await start({ callsPerMinute: 2, sessionCallsPerMinute: 5 });
  const token = await issue(1);
  using client = await connect(token);
  using one = new RawSession(client.service, token);
  using two = new RawSession(client.service, token);
  const recipientKey = new Uint8Array(32).fill(2);
  const send = (session: RawSession) => session.send([{ recipientKey, payload: Buffer.from("x") }]);
  assert.deepEqual([await send(one), await send(two)], [[1n], [2n]]);
  const inbox = one.inbox(new Uint8Array(32).fill(1));
  await inbox.ack(0n);
  await inbox.ack(0n);
  const refused = (error: unknown): boolean =>
    error instanceof QpqError && error.fields["limit"] === "sessionCallsPerMinute" && (error.retryAfterMs ?? 0) > 0;
  await assert.rejects(inbox.ack(0n), refused);
  await assert.rejects(send(two), refused);
});
