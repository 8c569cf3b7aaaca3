/** What one account and one network may send in a minute; the static token, which is everybody's, is not counted so. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inboxKeyOf, parseChannelId, QpqError } from "quicproquo-proto";
import type { Sender } from "../../src/delivery/sender.ts";
import { SendingRates } from "../../src/delivery/sending-rates.ts";
import { LocalRates } from "../../src/store/local-rates.ts";
import { keyOf, limits } from "../access/accounts.ts";

function newRates() {
  let nowMs = 1_000;
  // one sender sends more to each inbox than its rate lets in
  const wide = { ...limits, inboxMessagesBurst: 1_000_000, senderMessagesBurst: 10_000_000 };
  const rates = new SendingRates(new LocalRates(() => nowMs), wide);
  const inboxes = Array.from({ length: 1_000 }, (_, n) => ({
    inbox: inboxKeyOf(keyOf(n & 255), parseChannelId(new Uint8Array(16).fill(n >> 8))),
  }));
  /** "" when it is admitted, else the limit's name. */
  const send = (sender: Sender, recipients = 1): string => {
    try {
      rates.require(sender, inboxes.slice(0, recipients));
      return "";
    } catch (error) {
      assert.ok(error instanceof QpqError && error.code === "E018_RATE_LIMIT" && (error.retryAfterMs ?? 0) > 0);
      return String(error.fields["limit"]);
    }
  };
  return { send, pass: (ms: number) => (nowMs += ms) };
}

function from(n: number, options: Partial<Sender> = {}): Sender {
  const key = Uint8Array.from(keyOf(n));
  return { key, account: n === 0 ? undefined : keyOf(n), network: "here", ...options };
}

function countUntilRefused(send: () => string): [number, string] {
  for (let calls = 0; calls < 500; calls++) {
    const limit = send();
    if (limit !== "") return [calls, limit];
  }
  return [500, ""];
}

test("an account has 100 sending calls a minute, whichever token and device it calls by, and another one has its own", () => {
  const { send, pass } = newRates();
  assert.deepEqual(
    countUntilRefused(() => send(from(1))),
    [100, "sendingCallsPerMinute"],
  );
  assert.equal(send(from(1)), "sendingCallsPerMinute", "the same key in another object, as of another token");
  assert.equal(send(from(2, { account: keyOf(1) })), "sendingCallsPerMinute", "a device of the account");
  assert.equal(send(from(1, { network: "elsewhere" })), "sendingCallsPerMinute", "on another network");
  assert.equal(send(from(3)), "");
  pass(600);
  assert.deepEqual(
    countUntilRefused(() => send(from(1))),
    [1, "sendingCallsPerMinute"],
  );
  pass(60_000);
  assert.deepEqual(
    countUntilRefused(() => send(from(1))),
    [100, "sendingCallsPerMinute"],
  );
});

test("an account reaches 20,000 recipients a minute, in calls of any size", () => {
  const { send } = newRates();
  assert.deepEqual(
    countUntilRefused(() => send(from(1), 1_000)),
    [20, "recipientsPerMinute"],
  );
  assert.deepEqual(
    countUntilRefused(() => send(from(2), 500)),
    [40, "recipientsPerMinute"],
  );
});

test("all sealed senders by one delivery token are one, though nobody knows their accounts", () => {
  const { send } = newRates();
  const sealed = (network: string) => from(9, { account: undefined, network });
  assert.deepEqual(
    countUntilRefused(() => send(sealed("one"))),
    [100, "sendingCallsPerMinute"],
  );
  assert.equal(send(sealed("other")), "sendingCallsPerMinute");
});

test("a network reaches 400,000 recipients a minute, whatever accounts send from there; another network has its own", () => {
  const { send } = newRates();
  let account = 1;
  assert.deepEqual(
    countUntilRefused(() => send(from(1 + (account++ % 200)), 1_000)),
    [400, "networkRecipientsPerMinute"],
  );
  assert.equal(send(from(201)), "networkRecipientsPerMinute");
  assert.equal(send(from(202, { network: "elsewhere" })), "");
  assert.equal(send(from(0), 1_000), "", "the static token");
});

test("the static token has no such limits", () => {
  const { send } = newRates();
  assert.deepEqual(
    countUntilRefused(() => send(from(0), 1_000)),
    [500, ""],
  );
});
