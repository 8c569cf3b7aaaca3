/** Workers' links to each other. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test, type TestContext } from "node:test";
import { frameLimits } from "../../src/ipc/frames.ts";
import { Siblings, type SiblingsOptions } from "../../src/processes/siblings.ts";
import { until } from "../workers/rig.ts";

const folder = await mkdtemp(join(tmpdir(), "qpq-siblings-"));
after(() => rm(folder, { recursive: true }));
const from = { host: "2001:db8::1", port: 4_433 };

type Got = { readonly datagram: Uint8Array; readonly from: { readonly host: string; readonly port: number } };

async function open(t: TestContext, workerId: number, options: Partial<SiblingsOptions> = {}) {
  const got: Got[] = [];
  const onDatagram = (datagram: Uint8Array, sender: Got["from"]) => got.push({ datagram, from: sender });
  const siblings = await Siblings.open({ folder, workerId, workers: 3, onDatagram, ...options });
  t.after(() => siblings.close());
  return { siblings, got };
}

test("a newcomer's link stands when it is open: both sides hand on at once, in order, bytes and sender as they were", async (t) => {
  const first = await open(t, 0);
  const second = await open(t, 1);
  const datagrams = Array.from({ length: 2_000 }, (_, i) => randomBytes(1 + (i % 1_350)));
  for (const datagram of datagrams) assert.equal(second.siblings.handOn(datagram, from, 0), true);
  await until(() => first.got.length === datagrams.length);
  assert.deepEqual(
    first.got.map(({ datagram }) => Buffer.from(datagram)),
    datagrams,
  );
  assert.ok(first.got.every((one) => one.from.host === from.host && one.from.port === from.port));
  await until(() => first.siblings.handOn(randomBytes(30), from, 1));
  await until(() => second.got.length === 1);
});

test("for a worker that never was, or has ended, nothing is handed on; its successor is reached", async (t) => {
  const first = await open(t, 0);
  const second = await open(t, 1);
  assert.equal(first.siblings.handOn(randomBytes(30), from, 2), false);
  assert.equal(first.siblings.handOn(randomBytes(30), from, 0), false, "itself");
  await until(() => first.siblings.handOn(randomBytes(30), from, 1));
  await second.siblings.close();
  await until(() => !first.siblings.handOn(randomBytes(30), from, 1));
  const successor = await open(t, 1);
  await until(() => first.siblings.handOn(randomBytes(30), from, 1));
  await until(() => successor.got.length > 0);
});

test("a close waits for nobody: not for one that never said who it is, nor for the second link of two that met", async (t) => {
  const [first, second] = await Promise.all([open(t, 0), open(t, 1)]);
  const silent = connect(`${folder}/worker-0.sock`);
  await new Promise((resolve) => silent.once("connect", resolve));
  await first.siblings.close();
  await second.siblings.close();
  silent.destroy();
});

test("what a sibling is too slow to take is dropped and counted, and no more than unsentBytes is kept for it", async (t) => {
  const first = await open(t, 0);
  // a worker that has linked itself and does not read
  const stuck: Socket = connect(`${folder}/worker-0.sock`);
  t.after(() => stuck.destroy());
  await new Promise((resolve) => stuck.once("connect", resolve));
  stuck.pause();
  stuck.write(Uint8Array.of(2, 0, 0, 0, 1, 2)); // hello, worker 2
  await until(() => first.siblings.handOn(randomBytes(30), from, 2));
  const datagram = randomBytes(1_200);
  let handedOn = 0;
  while (first.siblings.dropped === 0) {
    for (let i = 0; i < 100; i++) first.siblings.handOn(datagram, from, 2);
    handedOn += 100;
    await new Promise(setImmediate);
    assert.ok(handedOn * datagram.length < 4 * frameLimits.unsentBytes, "nothing is dropped");
  }
});
