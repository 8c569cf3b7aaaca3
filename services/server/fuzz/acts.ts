/** What a client of NodeService does, by name: every method that is served, the sessions behind it, and going back on calls. */
import { inboxCodecs, type MethodCodec, methodCodecs, sessionCodecs } from "quicproquo-proto";
import { Refused } from "quicproquo-rpc/fuzz";
import type { ClientWorld } from "./client-world.ts";
import {
  auth,
  commit,
  cursor,
  hybridKey,
  id16,
  identity,
  inbox,
  letter,
  outgoing,
  trace,
  wrongAuth,
} from "./requests.ts";

type Act = (world: ClientWorld, a: number, b: number) => void;

function calling<P, R, PR, PB, RR, RB>(
  codec: MethodCodec<P, R, PR, PB, RR, RB>,
  params: (a: number, b: number) => P,
  settings: { holdFinish?: boolean } = {},
): Act {
  return (world, a, b) => void world.call(world.service, codec, { ...settings, params: () => params(a, b) });
}

const query = (a: number, b: number) => ({ ...inbox(a), ...cursor(b) });

export const acts: Readonly<Record<string, Act>> = {
  health: calling(methodCodecs.health, () => ({})),
  uploadKeyPackage: calling(methodCodecs.uploadKeyPackage, (a, b) => ({
    identityKey: identity(a),
    package: new Uint8Array(20 + b).fill(b),
    auth,
    lastResort: b % 4 === 3,
  })),
  fetchKeyPackage: calling(methodCodecs.fetchKeyPackage, (a) => ({ identityKey: identity(a), auth })),
  uploadHybridKey: calling(methodCodecs.uploadHybridKey, (a) => ({ identityKey: identity(a), ...hybridKey(a), auth })),
  fetchHybridKey: calling(methodCodecs.fetchHybridKey, (a) => ({ identityKey: identity(a), auth })),
  fetchHybridKeys: calling(methodCodecs.fetchHybridKeys, (a) => ({
    identityKeys: [identity(a), identity(a + 1)],
    auth,
  })),
  enqueue: calling(methodCodecs.enqueue, (a, b) => ({ ...inbox(a), ...letter(b) })),
  enqueueUnknown: calling(methodCodecs.enqueue, (a, b) => ({ ...inbox(a), ...letter(b), auth: wrongAuth })),
  batchEnqueue: calling(methodCodecs.batchEnqueue, (a, b) => ({
    recipientKeys: [identity(a), identity(a + 1), identity(a + 2)],
    channelId: id16(b, b % 4 !== 3),
    version: 1,
    auth,
    ...letter(b),
  })),
  fetch: calling(methodCodecs.fetch, (a, b) => ({ ...query(a, b), keep: false })),
  fetchHeld: calling(methodCodecs.fetch, (a, b) => ({ ...query(a, b), keep: false }), { holdFinish: true }),
  fetchKeeping: calling(methodCodecs.fetch, (a, b) => ({ ...query(a, b), keep: true })),
  // never over in a run: whether a timer fires must not depend on the machine
  fetchWait: calling(methodCodecs.fetchWait, (a, b) => ({ ...query(a, b), keep: b % 2 === 1, timeoutMs: 600_000n })),
  peek: calling(methodCodecs.peek, query),
  ack: calling(methodCodecs.ack, (a, b) => ({ ...inbox(a), seqUpTo: BigInt(b), storeEpoch: 0n })),
  submitCommit: calling(methodCodecs.submitCommit, commit),
  resolveUser: calling(methodCodecs.resolveUser, () => ({ username: "somebody", auth })),
  openSession: (world) => {
    const answer = world.call(world.service, methodCodecs.openSession, { params: () => ({ auth }) });
    if (answer !== undefined) world.sessions.add(answer.pipeline(0));
  },
  inbox: (world, a, b) => {
    const params = () => ({ recipientKey: identity(a), channelId: id16(a, a % 4 !== 3), trace });
    const answer = world.call(world.sessions.at(b), sessionCodecs.inbox, { params });
    if (answer !== undefined) world.inboxes.add(answer.pipeline(0));
  },
  send: (world, a, b) => {
    const params = () => ({ entries: [outgoing(a, b), outgoing(a + 1, b + 1)], trace });
    void world.call(world.sessions.at(b), sessionCodecs.send, { params });
  },
  subscribe: (world, a, b) => subscribe(world, { on: a, window: b, isSlow: false }),
  subscribeSlowly: (world, a, b) => subscribe(world, { on: a, window: b, isSlow: true }),
  ackInbox: (world, a, b) => {
    const params = () => ({ seqUpTo: BigInt(b), storeEpoch: 0n, trace });
    void world.call(world.inboxes.at(a), inboxCodecs.ack, { params });
  },
  dropSession: (world, a) => world.sessions.at(a)?.[Symbol.dispose](),
  dropInbox: (world, a) => world.inboxes.at(a)?.[Symbol.dispose](),
  cancel: (world, a) => world.calls.at(a)?.cancel(new Refused("canceled")),
  finish: (world, a) => world.calls.at(a)?.finish(),
  disposeAnswer: (world, a) => world.calls.at(a)?.[Symbol.dispose](),
};

function subscribe(world: ClientWorld, { on, window, isSlow }: { on: number; window: number; isSlow: boolean }): void {
  const limits = { window: window % 3, windowBytes: window % 2 === 0 ? 0 : 40 };
  const params = () => ({ sink: world.sink(isSlow), after: 0n, storeEpoch: 0n, ...limits, trace });
  void world.call(world.inboxes.at(on), inboxCodecs.subscribe, { params });
}
