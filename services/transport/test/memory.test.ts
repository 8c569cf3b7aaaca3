import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { QpqError } from "quicproquo-proto";
import { createMemoryNetwork } from "../src/memory/index.ts";
import { closeCodes, type Connection } from "../src/port.ts";
import { transportContract } from "./contract.ts";
import { closed, echo, roundTrip } from "./stream-io.ts";

transportContract("memory", { streams: "many", tellsWhy: true }, async ({ limits, onFault }) => {
  const network = createMemoryNetwork({ limits, onFault });
  return {
    listen: async (onConnection) => network.listen({ host: "here", port: 0, alpn: ["test"], onConnection }),
    dial: ({ host, port }) => network.dial({ host, port, alpn: ["test"] }),
  };
});

const place = { host: "here", port: 7000, alpn: ["test"] };

it("refuses a second listener at a place, and a dial to a place without one or with another protocol", async () => {
  const network = createMemoryNetwork();
  const listener = network.listen({ ...place, onConnection: echo });
  assert.throws(
    () => network.listen({ ...place, onConnection: echo }),
    (error) => error instanceof QpqError && error.code === "E047_PORT_IN_USE",
  );
  const failsWith = (text: RegExp) => (error: unknown) =>
    error instanceof QpqError && error.code === "E040_CONNECT_FAILED" && text.test(error.text);
  await assert.rejects(network.dial({ ...place, port: 7001 }), failsWith(/nothing listens/));
  await assert.rejects(network.dial({ ...place, alpn: ["other"] }), failsWith(/ALPN/));
  await listener.close(closeCodes.done, "bye");
  await assert.rejects(network.dial(place), failsWith(/nothing listens/));
});

it("refuses connections above the cap", async () => {
  const network = createMemoryNetwork({ limits: { connectionsMax: 1 } });
  const listener = network.listen({ ...place, onConnection: echo });
  const client = await network.dial(place);
  await assert.rejects(network.dial(place), QpqError);
  const over = closed(client);
  client.close(closeCodes.done, "bye");
  await over;
  assert.equal(await roundTrip(await network.dial(place), "next"), "next");
  await listener.close(closeCodes.done, "bye");
});

it("refuses limits outside their range", () => {
  for (const limits of [{ streamsMax: 0 }, { streamWindowBytes: 0.5 }, { connectionsMax: -1 }]) {
    assert.throws(() => createMemoryNetwork({ limits }), QpqError);
  }
});

it("does nothing by itself: every step comes from the schedule", async () => {
  const tasks: (() => void)[] = [];
  const network = createMemoryNetwork({ schedule: (task) => void tasks.push(task) });
  const accepted: Connection[] = [];
  network.listen({ ...place, onConnection: (connection) => void accepted.push(connection) });
  const dialled = network.dial(place);
  await new Promise(setImmediate);
  assert.equal(accepted.length, 0);
  tasks.shift()?.();
  const client = await dialled;
  assert.equal(accepted.length, 1);
  client.close(closeCodes.done, "bye");
  const over = Promise.all([closed(client), closed(accepted[0] as Connection)]);
  assert.equal(tasks.length, 2);
  for (const task of tasks.splice(0)) task();
  await over;
});

it("keeps the order within a connection under any schedule", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(), { minLength: 1, maxLength: 50 }), async (picks) => {
      const tasks: (() => void)[] = [];
      const network = createMemoryNetwork({
        schedule: (task) => void tasks.push(task),
        limits: { streamWindowBytes: 64 },
      });
      network.listen({ ...place, onConnection: echo });
      // Runs whatever is due in the drawn order, letting promises settle in between.
      let turn = 0;
      const run = async <T>(promise: Promise<T>): Promise<T> => {
        let done = false;
        void promise.finally(() => {
          done = true;
        });
        for (;;) {
          await new Promise(setImmediate);
          if (done) return promise;
          const at = (picks[turn++ % picks.length] ?? 0) % Math.max(1, tasks.length);
          tasks.splice(at, 1)[0]?.();
        }
      };
      const clients = await run(Promise.all([network.dial(place), network.dial(place)]));
      const texts = ["0123456789".repeat(30), "abcdefghij".repeat(30)];
      const answers = await run(Promise.all(clients.map((client, i) => roundTrip(client, texts[i] ?? ""))));
      assert.deepEqual(answers, texts);
    }),
    { numRuns: 30 },
  );
});
