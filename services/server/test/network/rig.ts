/** A real server and a real client, processes at the two ends of a test network. */
import assert from "node:assert/strict";
import { type NetworkOptions, TestNetwork } from "quicproquo-transport/testing";
import { type ServerProcess, startServerProcess } from "../../testing/server-process.ts";
import type { RawOptions, ServerKeys } from "../e2e/raw-client.ts";
import { ClientProcess } from "./client.ts";
import type { ExchangeReport } from "./exchange.ts";

export type Rig = AsyncDisposable & {
  readonly network: TestNetwork;
  readonly server: ServerProcess;
  readonly client: ClientProcess;
  /** Where and how a client in the network dials. */
  readonly target: { readonly server: ServerKeys; readonly options: RawOptions };
};

export async function openRig(options: NetworkOptions = {}): Promise<Rig> {
  await using stack = new AsyncDisposableStack();
  const network = stack.use(await TestNetwork.open(options));
  const { launcher } = network.server;
  const settings = { ...roomy, host: "::", "ops-host": network.serverHost };
  const server = stack.use(await startServerProcess({ launcher, settings }));
  const client = stack.use(new ClientProcess(network.client.launcher));
  const target = { server: keysOf(server), options: { host: network.serverHost } };
  const all = stack.move();
  return { network, server, client, target, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** Room for all messages of a test in one inbox. */
export const roomy = { "queue-depth-max": 100_000 };

/** What the client's process needs: a ServerProcess can't be sent to it. */
export function keysOf({ port, certificate, token }: ServerProcess): ServerKeys {
  return { port, certificate, token };
}

/** Every message came once, in the order it was sent, and was stored once. */
export function assertComplete({ sent, received, seqs, storedTwice }: ExchangeReport): void {
  assert.deepEqual(
    received,
    Array.from({ length: sent }, (_, number) => number),
  );
  assert.deepEqual(
    seqs,
    Array.from({ length: sent }, (_, number) => number + 1),
  );
  assert.equal(storedTwice, 0, "messages were stored a second time");
}

// A client that only listens finds out by its ping, after 10 s by default: too long for a test.
const pingingSoon = { limits: { keepAliveMs: 500 } };

/** A client that only listens hears a message that is sent after `change` has happened to its network. */
export async function assertHeardAfter(change: () => void, rig: Rig): Promise<void> {
  const recipientKey = new Uint8Array(32).fill(2);
  const { server, options } = rig.target;
  await using sender = new ClientProcess(rig.network.client.launcher);
  const seq = await rig.client.run(
    "listen",
    { server, options: { ...options, ...pingingSoon }, recipientKey },
    async () => {
      change();
      await sender.run("send", { ...rig.target, recipientKey, payload: Buffer.from("hello") });
    },
  );
  assert.equal(seq, 1);
}

/** Handshakes that the server has done, as /metrics tells. */
export async function handshakes({ network, server, client }: Rig): Promise<number> {
  const metrics = await client.run("get", `http://${network.serverHost}:${server.opsPort}/metrics`);
  return Number(/^qpq_transport_total\{[^}]*"handshakes"[^}]*\} (\d+)$/m.exec(metrics)?.[1]);
}
