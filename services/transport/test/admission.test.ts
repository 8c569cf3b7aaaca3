/** Who is let in while there is more to do than can be done: a storm gets through, and no stranger keeps others out. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Admission } from "../src/quic/admission.ts";

const idle = (): number => 0.5;
const busy = (): number => 1;

/** How many of so many are let in at once. */
function letIn(
  admission: Admission,
  { count, underWay, nowMs }: { count: number; underWay: number; nowMs: number },
): number {
  let begun = 0;
  for (let i = 0; i < count; i++) if (admission.admits(underWay + begun, nowMs)) begun += 1;
  return begun;
}

test("a process that has time lets everybody in, however many are under way", () => {
  assert.equal(letIn(new Admission(idle), { count: 1_000, underWay: 5_000, nowMs: 0 }), 1_000);
});

test("a busy one has as many under way as it ended in the last second, and a quarter more a second", () => {
  const admission = new Admission(busy);
  for (let i = 0; i < 400; i++) admission.ended(1_000 + i);
  assert.equal(letIn(admission, { count: 10_000, underWay: 0, nowMs: 1_999 }), 400);
  assert.equal(letIn(admission, { count: 10_000, underWay: 400, nowMs: 2_000 }), 8 + 100);
});

test("handshakes that never end keep nobody out for long: some are begun each second whatever is under way", () => {
  const admission = new Admission(busy);
  for (const nowMs of [0, 1_000, 2_000]) assert.equal(letIn(admission, { count: 100, underWay: 20_000, nowMs }), 8);
});

/**
 * A server that does 100 units a second, a handshake is 1 unit at its beginning and 1 at its end, and a queue that is served
 * in order: clients wait 5 s, then begin anew.
 */
function handshakesDone(clients: number, seconds: number, admission: Pick<Admission, "admits" | "ended">): number {
  const unitsASecond = 100;
  const deadlineMs = 5_000;
  const waiting = Array.from({ length: clients }, (_, i) => ({ nextMs: i, begunMs: -1, isDone: false }));
  let done = 0;
  let queue: { client: (typeof waiting)[number]; sinceMs: number }[] = [];
  for (let unit = 0; unit < seconds * unitsASecond; unit++) {
    const nowMs = (unit * 1_000) / unitsASecond;
    for (const client of waiting) {
      if (client.isDone || client.nextMs > nowMs) continue;
      client.nextMs = nowMs + 1_000;
      const underWay = queue.length;
      if (queue.some((entry) => entry.client === client) || !admission.admits(underWay, nowMs)) continue;
      queue.push({ client, sinceMs: nowMs });
    }
    const entry = queue[0];
    if (entry === undefined) continue;
    const { client, sinceMs } = entry;
    if (client.begunMs < sinceMs) {
      client.begunMs = nowMs;
      queue = [...queue.slice(1), entry];
      continue;
    }
    queue = queue.slice(1);
    if (nowMs - sinceMs > deadlineMs) continue;
    client.isDone = true;
    done += 1;
    admission.ended(nowMs);
  }
  return done;
}

test("a storm that is 20 times what a server does in a handshake's time gets through; let in at once, nobody does", () => {
  const everybody = { admits: () => true, ended: () => undefined };
  const seconds = 60;
  const most = (seconds * 100) / 2;
  assert.ok(handshakesDone(2_000, seconds, everybody) < most / 10);
  assert.ok(handshakesDone(2_000, seconds, new Admission(busy)) > most / 2);
});
