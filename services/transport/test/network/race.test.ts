/** QUIC where UDP passes, the WebSocket where it doesn't: between processes in two networks. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { quicLimits } from "../../src/quic/index.ts";
import { type Namespace, TestNetwork } from "../../testing/index.ts";
import { makeCertificate } from "../certificate.ts";
import type { EchoOrder, EchoPorts } from "./echo-server-process.ts";
import type { RaceOrder, RaceReport } from "./race-process.ts";

// an answer that takes longer never comes: the test fails then, in time for everything to be taken down
const answerMsMax = 20_000;
// so long that a test fails where waiting for it would be the fault
const farMs = 3_600_000;

it("takes QUIC where UDP passes", async () => {
  await using network = await TestNetwork.open();
  assert.equal((await race(network, farMs)).protocol, "quic");
});

for (const { how, delayMs } of [
  { how: "drop", delayMs: 300 },
  { how: "reject", delayMs: farMs },
] as const) {
  it(`takes the WebSocket where UDP meets ${how}, long before QUIC's deadline`, async () => {
    await using network = await TestNetwork.open();
    network.blockUdp(how);
    const { protocol, tookMs } = await race(network, delayMs);
    assert.equal(protocol, "websocket");
    assert.ok(tookMs < quicLimits.handshakeMsMax.default, `${tookMs} ms`);
  });
}

async function race(network: TestNetwork, delayMs: number): Promise<RaceReport> {
  const { certificate, privateKey } = await makeCertificate();
  const order: EchoOrder = { certificate, privateKey };
  const ports = await answerOf<EchoPorts>(network.server, "echo-server-process.ts", order);
  const dialling: RaceOrder = { ...ports, host: network.serverHost, caCertificate: certificate, delayMs };
  return await answerOf<RaceReport>(network.client, "race-process.ts", dialling);
}

/** Starts a program in the namespace, with which it ends, and gives it its one order. */
async function answerOf<Answer>(space: Namespace, program: string, order: EchoOrder | RaceOrder): Promise<Answer> {
  const path = fileURLToPath(new URL(program, import.meta.url));
  const stdio = ["ignore", "inherit", "inherit", "ipc"] as const;
  const child = space.spawn([process.execPath, path], { stdio: [...stdio], serialization: "advanced" });
  child.send(order);
  const ended = once(child, "close").then(() => Promise.reject(new Error(`${program} ended without an answer`)));
  const [answer] = await Promise.race([once(child, "message", { signal: AbortSignal.timeout(answerMsMax) }), ended]);
  ended.catch(() => undefined); // it ends with the network
  return answer as Answer;
}
