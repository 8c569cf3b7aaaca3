/** The checker is seen red for every fault it is there to find, and green without one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { faultsOf, Ledger, noFaults, payloadHashOf } from "./ledger.ts";

const entry = (seq: bigint, payloadHash = `payload ${seq}`) => ({ inbox: "alice", seq, payloadHash });

function ledgerOf({ acknowledged = [] as bigint[], received = [] as bigint[] }): Ledger {
  const ledger = new Ledger();
  for (const seq of acknowledged) ledger.acknowledge(entry(seq));
  for (const seq of received) ledger.receive(entry(seq));
  return ledger;
}

test("what was acknowledged and received in order is without fault, also with more received than acknowledged", () => {
  const verdict = ledgerOf({ acknowledged: [1n, 2n], received: [1n, 2n, 3n] }).verdict();
  assert.deepEqual(faultsOf(verdict), noFaults);
  assert.deepEqual([verdict.acknowledged, verdict.received], [2, 3]);
});

test("a repeated acknowledgement and a second reading without removal are no fault", () => {
  const ledger = ledgerOf({ acknowledged: [1n, 2n, 1n], received: [1n, 2n, 1n, 2n, 3n] });
  assert.deepEqual(faultsOf(ledger.verdict()), noFaults);
});

test("an acknowledged message that was never received is lost", () => {
  const verdict = ledgerOf({ acknowledged: [1n, 2n, 3n], received: [1n, 2n] }).verdict();
  assert.deepEqual(faultsOf(verdict), { ...noFaults, lost: 1 });
  assert.deepEqual(verdict.lost, [entry(3n)]);
});

test("a message received after its removal is duplicated", () => {
  const ledger = ledgerOf({ acknowledged: [1n, 2n], received: [1n, 2n] });
  ledger.remove("alice", 2n);
  ledger.receive(entry(2n));
  assert.deepEqual(faultsOf(ledger.verdict()), { ...noFaults, duplicated: 1 });
});

test("one payload under two seqs is duplicated", () => {
  const ledger = ledgerOf({ received: [1n] });
  ledger.receive(entry(2n, "payload 1"));
  assert.deepEqual(faultsOf(ledger.verdict()), { ...noFaults, duplicated: 1 });
});

test("a message received for the first time behind a higher one is out of order, after a gap", () => {
  const verdict = ledgerOf({ received: [1n, 3n, 2n] }).verdict();
  assert.deepEqual(faultsOf(verdict), { ...noFaults, gaps: 1, outOfOrder: 1 });
});

test("a hole is a gap, unless the reader was told of it, and what lies in a told gap is not lost", () => {
  assert.deepEqual(faultsOf(ledgerOf({ received: [1n, 4n] }).verdict()), { ...noFaults, gaps: 1 });
  const ledger = ledgerOf({ acknowledged: [1n, 2n, 3n, 4n], received: [1n] });
  ledger.tellGap("alice", 3n);
  ledger.receive(entry(4n));
  assert.deepEqual(faultsOf(ledger.verdict()), noFaults);
});

test("who reads again and skips what was received before is behind no hole", () => {
  assert.deepEqual(faultsOf(ledgerOf({ received: [1n, 2n, 3n, 1n, 4n] }).verdict()), noFaults);
  assert.deepEqual(faultsOf(ledgerOf({ received: [1n, 2n, 3n, 1n, 5n] }).verdict()), { ...noFaults, gaps: 1 });
});

test("a seq that is issued again for another payload is altered, and what was acknowledged under it is lost", () => {
  const ledger = ledgerOf({ acknowledged: [1n] });
  ledger.receive(entry(1n, "another"));
  assert.deepEqual(faultsOf(ledger.verdict()), { ...noFaults, altered: 1, lost: 1 });
  ledger.acknowledge(entry(1n, "another"));
  assert.deepEqual(faultsOf(ledger.verdict()), { ...noFaults, altered: 2, lost: 1 });
});

test("a ledger that forgets what is settled finds what comes again, and what is still lost", () => {
  const ledger = new Ledger({ forgetsSettled: true });
  for (const seq of [1n, 2n]) ledger.acknowledge(entry(seq));
  for (const seq of [1n, 2n, 3n]) ledger.receive(entry(seq));
  ledger.remove("alice", 3n);
  // its sender hears of it when it is gone already
  ledger.acknowledge(entry(3n));
  ledger.acknowledge(entry(4n));
  assert.deepEqual(faultsOf(ledger.verdict()), { ...noFaults, lost: 1 });
  ledger.receive(entry(4n));
  assert.deepEqual(faultsOf(ledger.verdict()), noFaults);
  ledger.receive(entry(2n));
  assert.deepEqual(faultsOf(ledger.verdict()), { ...noFaults, duplicated: 1 });
});

test("inboxes are judged apart", () => {
  const ledger = ledgerOf({ acknowledged: [1n], received: [1n] });
  ledger.acknowledge({ ...entry(1n), inbox: "bob" });
  assert.deepEqual(faultsOf(ledger.verdict()), { ...noFaults, lost: 1 });
});

test("payload hashes tell payloads apart", () => {
  assert.notEqual(payloadHashOf(new Uint8Array([1])), payloadHashOf(new Uint8Array([2])));
  assert.equal(payloadHashOf(new Uint8Array([1])), payloadHashOf(new Uint8Array([1])));
});
