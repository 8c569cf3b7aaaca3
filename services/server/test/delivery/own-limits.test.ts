/** What one key may send in a minute; the static token, which is everybody's, is not counted so. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inboxKeyOf, parseChannelId, QpqError } from "quicproquo-proto";
import { SendingRates } from "../../src/delivery/sending-rates.ts";
import { LocalRates } from "../../src/store/local-rates.ts";
import { keyOf, limits } from "../access/accounts.ts";

function newRates() {
  let nowMs = 1_000;
  const rates = new SendingRates(new LocalRates(() => nowMs), limits);
  const inboxes = Array.from({ length: 1_000 }, (_, n) => ({
    inbox: inboxKeyOf(keyOf(n & 255), parseChannelId(new Uint8Array(16).fill(n >> 8))),
  }));
  /** "" when it is admitted, else the limit's name. */
  const send = (sender: Uint8Array, recipients = 1): string => {
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

function countUntilRefused(send: () => string): [number, string] {
  for (let calls = 0; calls < 500; calls++) {
    const limit = send();
    if (limit !== "") return [calls, limit];
  }
  return [500, ""];
}

test("a key has 100 sending calls a minute, whichever token it calls by, and another key has its own", () => {
  const { send, pass } = newRates();
  assert.deepEqual(
    countUntilRefused(() => send(keyOf(1))),
    [100, "sendingCallsPerMinute"],
  );
  assert.equal(send(Uint8Array.from(keyOf(1))), "sendingCallsPerMinute", "the same key in another object");
  assert.equal(send(keyOf(2)), "");
  pass(600);
  assert.deepEqual(
    countUntilRefused(() => send(keyOf(1))),
    [1, "sendingCallsPerMinute"],
  );
  pass(60_000);
  assert.deepEqual(
    countUntilRefused(() => send(keyOf(1))),
    [100, "sendingCallsPerMinute"],
  );
});

test("a key reaches 20,000 recipients a minute, in calls of any size", () => {
  const { send } = newRates();
  assert.deepEqual(
    countUntilRefused(() => send(keyOf(1), 1_000)),
    [20, "recipientsPerMinute"],
  );
  assert.deepEqual(
    countUntilRefused(() => send(keyOf(2), 500)),
    [40, "recipientsPerMinute"],
  );
});

test("the static token has neither limit", () => {
  const { send } = newRates();
  assert.deepEqual(
    countUntilRefused(() => send(keyOf(0), 100)),
    [500, ""],
  );
});
