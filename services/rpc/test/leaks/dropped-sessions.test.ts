/**
 * Clients that are gone in the middle, without a Finish or a Release: whatever moment it was, the side that stays keeps
 * nothing of them. Moments are drawn; fast-check prints the seed of a run that fails.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import {
  type Answer,
  type Capability,
  type CapabilityServer,
  type RpcByteStream,
  RpcSession,
} from "../../src/index.ts";
import type { StructBuilder } from "../../src/message/index.ts";
import { SocketStream } from "../../testing/socket-stream.ts";
import { Session, TestPeer, TestServer, TestWatcher, type UntypedMethod, Watcher } from "../../testing/test-peer.ts";
import { emptyTables, turn, until } from "../connected.ts";
import { pipe } from "../pipe.ts";
import { CutStream } from "./cut-stream.ts";

const sessions = 2_000;
const noFill = (): void => {};
const data = (p: StructBuilder): void => p.setData(0, new Uint8Array(60));

type Act = (peer: Capability, pass: (params: StructBuilder) => void) => Disposable | readonly Disposable[];

/** What a client does without waiting for an answer (`pass` puts its watcher into the parameters), and what it then holds. */
const acts = {
  echo: (peer) => peer.call(TestPeer.echo, data),
  echoHeld: (peer) => peer.call(TestPeer.echo, data, { holdFinish: true }),
  fail: (peer) => peer.call(TestPeer.fail, (p) => p.setText(0, "no")),
  never: (peer) => peer.call(TestPeer.never, noFill),
  canceled(peer) {
    const answer = peer.call(TestPeer.never, noFill);
    answer.cancel();
    return answer;
  },
  login: (peer) => peer.call(TestPeer.login, (p) => p.setText(0, "al")),
  loginHeld: (peer) => peer.call(TestPeer.login, (p) => p.setText(0, "al"), { holdFinish: true }),
  slowLogin: (peer) => thenCall(peer.call(TestPeer.slowLogin, noFill), Session.whoami),
  openGate: (peer) => peer.call(TestPeer.openGate, noFill),
  watch: (peer, pass) =>
    peer.call(TestPeer.watch, (p) => {
      pass(p);
      p.setUint32(0, 3);
    }),
  reflect: (peer, pass) => thenCall(peer.call(TestPeer.reflect, pass), Watcher.notify),
  slowReflect: (peer, pass) => thenCall(peer.call(TestPeer.slowReflect, pass), Watcher.notify),
  keep: (peer, pass) => peer.call(TestPeer.keep, pass),
  notifyKept: (peer) => peer.call(TestPeer.notifyKept, noFill),
  tailEcho: (peer, pass) => peer.call(TestPeer.tailEcho, pass),
} satisfies Record<string, Act>;

function thenCall(answer: Answer<unknown>, method: UntypedMethod): readonly Disposable[] {
  const promised = answer.pipeline(0);
  return [promised.call(method, noFill), promised, answer];
}

type Life = {
  readonly acts: readonly { readonly act: keyof typeof acts; readonly turnsAfter: number }[];
  /** The client is gone when it has written, or been given, so many bytes, or at the end of its acts. */
  readonly goneAfter: { readonly bytes: number; readonly of: "written" | "read" };
};

const lives: fc.Arbitrary<Life> = fc.record({
  acts: fc.array(
    fc.record({ act: fc.constantFrom(...(Object.keys(acts) as (keyof typeof acts)[])), turnsAfter: fc.nat(2) }),
    { minLength: 1, maxLength: 12 },
  ),
  goneAfter: fc.record({ bytes: fc.nat(3_000), of: fc.constantFrom("written", "read") }),
});

/** Lives one life on a line; afterwards neither side has anything left. */
async function live(
  { acts: script, goneAfter }: Life,
  open: (goneAfter: Life["goneAfter"]) => Promise<Line>,
): Promise<void> {
  const host = new TestServer();
  let isDisposed = false;
  const bootstrap: CapabilityServer = {
    dispatch: (call) => host.server.dispatch(call),
    dispose: () => void (isDisposed = true),
  };
  const watcher = new TestWatcher();
  let wasPassed = false;
  const pass = (params: StructBuilder): void => {
    wasPassed = true;
    params.setCapability(0, watcher.server);
  };
  const { clientStream, serverStream, cut } = await open(goneAfter);
  const server = new RpcSession(serverStream, { bootstrap });
  const client = new RpcSession(clientStream);
  const peer = client.bootstrap();
  const held: Disposable[] = [];
  for (const { act, turnsAfter } of script) {
    held.push(...[acts[act](peer, pass)].flat());
    for (let n = 0; n < turnsAfter; n++) await turn();
  }
  cut();
  await Promise.all([server.closed, client.closed]);
  assert.deepEqual(server.counts, emptyTables);
  assert.deepEqual(client.counts, emptyTables);
  // What handlers that wait for something else, and the applications, still hold: they end, and let go of it.
  host.gate.open();
  await turn();
  host.kept?.[Symbol.dispose]();
  for (const each of [...held, peer]) each[Symbol.dispose]();
  await until(() => isDisposed && host.sessions === 0 && host.canceled === host.calls.length);
  await until(() => watcher.disposals > 0 || !wasPassed);
}

type Line = { readonly clientStream: RpcByteStream; readonly serverStream: RpcByteStream; readonly cut: () => void };

function overMemory({ bytes, of }: Life["goneAfter"]): Promise<Line> {
  const [clientStream, serverStream] = pipe();
  (of === "written" ? clientStream : serverStream).cutAfter(bytes);
  return Promise.resolve({ clientStream, serverStream, cut: () => clientStream.cut() });
}

test(`${sessions} clients gone at any moment of any conversation leave nothing behind, in memory`, async () => {
  await fc.assert(
    fc.asyncProperty(lives, (life) => live(life, overMemory)),
    { numRuns: sessions },
  );
});

test(`${sessions} clients gone at any moment of any conversation leave nothing behind, over TCP`, async () => {
  const listener = createServer();
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  const overTcp = async ({ bytes, of }: Life["goneAfter"]): Promise<Line> => {
    const accepted = once(listener, "connection") as Promise<[Socket]>;
    const socket = connect(port, "127.0.0.1");
    const [served] = await accepted;
    // With a FIN or with a reset, as processes and networks do.
    const cut = (): void => void (bytes % 2 === 0 ? socket.destroy() : socket.resetAndDestroy());
    const clientStream = new CutStream(new SocketStream(socket), { bytes, of, cut });
    return { clientStream, serverStream: new SocketStream(served), cut };
  };
  try {
    await fc.assert(
      fc.asyncProperty(lives, (life) => live(life, overTcp)),
      { numRuns: sessions },
    );
  } finally {
    listener.close();
  }
});
