/**
 * Millions of calls of every kind on one session over TCP, both ends in this process, which is started with --expose-gc.
 * Prints one line of JSON for each sample: bytes in use after garbage collection, and what stands in the tables of both
 * ends while no call is under way. Arguments: calls, samples.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { type Capability, type CapabilityServer, MethodTable, type RpcCounts, RpcSession } from "../../src/index.ts";
import type { StructReader } from "../../src/message/index.ts";
import { SocketStream } from "../../testing/socket-stream.ts";
import { Session, TestPeer, Watcher } from "../../testing/test-peer.ts";
import { until } from "../../testing/until.ts";

export type Sample = { readonly bytes: number; readonly client: RpcCounts; readonly server: RpcCounts };

const [calls = 0, samples = 0] = process.argv.slice(2).map(Number);
const collect = globalThis.gc as () => void;
const batchSize = 400;
const payload = new Uint8Array(40).fill(7);
const noFill = (): void => {};
/** Objects made for one call that nobody has let go of. */
let alive = 0;

function object(methods: MethodTable): CapabilityServer {
  alive++;
  return { dispatch: (call) => methods.dispatch(call), dispose: () => void alive-- };
}
const session = new MethodTable().method(Session.whoami, (_params, results) => results.setText(0, "al"));
const watcher = new MethodTable().method(Watcher.notify, noFill);
const bootstrap = new MethodTable()
  .method(TestPeer.echo, (params, results) => results.setData(0, params.getData(0)))
  .method(TestPeer.login, (_params, results) => results.setCapability(0, object(session)))
  .method(TestPeer.slowLogin, async (_params, results) => {
    await Promise.resolve();
    results.setCapability(0, object(session));
  })
  .method(TestPeer.reflect, (params, results) => results.setCapability(0, params.getCapability(0)))
  .method(TestPeer.never, (_params, _results, call) => {
    return new Promise((resolve) => call.signal.addEventListener("abort", () => resolve(), { once: true }));
  });

/** A capability goes there and comes back, and a call through it comes round. */
async function passing(peer: Capability): Promise<void> {
  using answer = peer.call(TestPeer.reflect, (params) => params.setCapability(0, object(watcher)));
  using reflected = answer.pipeline(0);
  await reflected.call(Watcher.notify, noFill);
  await answer;
}

async function pipelined(peer: Capability): Promise<void> {
  using answer = peer.call(TestPeer.slowLogin, noFill);
  using user = answer.pipeline(0);
  const results = await user.call(Session.whoami, noFill);
  assert.equal(results.getText(0), "al");
  await answer;
}

/** The peer keeps the results until they are disposed. */
async function held(peer: Capability): Promise<void> {
  using answer = peer.call(TestPeer.login, noFill, { holdFinish: true });
  await answer;
}

/** The answer, with a capability in it, crosses the cancellation. */
async function dropped(peer: Capability): Promise<void> {
  using _answer = peer.call(TestPeer.login, noFill);
}

async function canceled(peer: Capability): Promise<void> {
  const answer = peer.call(TestPeer.never, noFill);
  await Promise.resolve();
  answer.cancel();
}

const special = [passing, pipelined, held, dropped, canceled];

/** So many calls at once, every 20th of a special kind; ends when all have ended. */
async function batch(peer: Capability, size: number): Promise<void> {
  const specials: Promise<void>[] = [];
  const echoes: PromiseLike<StructReader>[] = [];
  for (let n = 0; n < size; n++) {
    const kind = n % 20 === 0 ? special[(n / 20) % special.length] : undefined;
    if (kind !== undefined) specials.push(kind(peer));
    else echoes.push(peer.call(TestPeer.echo, (params) => params.setData(0, payload)));
  }
  for (const echo of echoes) if ((await echo).getData(0).length !== payload.length) throw new Error("wrong echo");
  await Promise.all(specials);
}

const listener = createServer();
listener.listen(0, "127.0.0.1");
await once(listener, "listening");
const accepted = once(listener, "connection");
const socket = connect((listener.address() as AddressInfo).port, "127.0.0.1");
await once(socket, "connect");
const server = new RpcSession(new SocketStream((await accepted)[0]), { bootstrap });
const client = new RpcSession(new SocketStream(socket));
const peer = client.bootstrap();
for (let sample = 0; sample < samples; sample++) {
  for (let n = 0; n < calls / samples; n += batchSize) await batch(peer, batchSize);
  await until(() => server.counts.answers === 0 && server.counts.imports === 0 && alive === 0);
  for (let round = 0; round < 3; round++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  const line: Sample = { bytes: heapUsed + arrayBuffers, client: client.counts, server: server.counts };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
client.close();
listener.close();
