/** What the session's own side can do, by name. A chooses what it is done to, B what with. */
import { Capability, serve } from "../../src/index.ts";
import { MessageError, type StructBuilder, type StructListBuilder } from "../../src/message/index.ts";
import { Item, Session, struct, TestPeer, type UntypedMethod, Watcher } from "../../testing/test-peer.ts";
import { Refused } from "../own-calls.ts";
import type { PeerWorld } from "./world.ts";

type Act = (world: PeerWorld, a: number, b: number) => void;
type Fill = (params: StructBuilder, world: PeerWorld, b: number) => void;

function calling(method: UntypedMethod, fill: Fill = () => {}, settings: { holdFinish?: boolean } = {}): Act {
  return (world, a, b) => world.call(a, method, { ...settings, fill: (params) => fill(params, world, b) });
}

const capability: Fill = (params, world, b) => params.setCapability(0, world.passed(b));
const text: Fill = (params, _world, b) => params.setText(0, "user".repeat(b));
const number: Fill = (params, _world, b) => params.setUint32(0, b);
const data: Fill = (params, _world, b) => params.setData(0, new Uint8Array(b * 31).fill(b));

/** A tree of items, each with text and data: many pointers. */
const items: Fill = (params, _world, b) => fillItems(params.initStructList(0, b % 4, Item), 2);

function fillItems(list: StructListBuilder<StructBuilder>, depth: number): void {
  for (let n = 0; n < list.length; n++) {
    const item = list.get(n);
    item.setUint32(0, n);
    item.setText(0, "item");
    item.setData(1, new Uint8Array(n * 5));
    if (depth > 0) fillItems(item.initStructList(2, 2, Item), depth - 1);
  }
}

export const acts: Readonly<Record<string, Act>> = {
  bootstrap: (world) => void world.held.add(world.session.bootstrap()),
  echo: calling(TestPeer.echo, data),
  echoHeld: calling(TestPeer.echo, data, { holdFinish: true }),
  echoLarge: (world, a, b) => {
    const bytes = b * 2_000;
    world.ownBytes += bytes;
    world.call(a, TestPeer.echo, { fill: (p) => p.setData(0, new Uint8Array(bytes)) });
  },
  echoItems: calling(TestPeer.echoItems, items),
  fail: calling(TestPeer.fail, text),
  missing: calling(TestPeer.missing),
  never: calling(TestPeer.never),
  login: calling(TestPeer.login, text),
  loginHeld: calling(TestPeer.login, text, { holdFinish: true }),
  slowLogin: calling(TestPeer.slowLogin, text),
  whoami: calling(Session.whoami),
  notify: calling(Watcher.notify, number),
  openGate: calling(TestPeer.openGate),
  watch: calling(TestPeer.watch, (params, world, b) => {
    params.setCapability(0, world.passed(b));
    params.setUint32(0, b);
  }),
  reflect: calling(TestPeer.reflect, capability),
  slowReflect: calling(TestPeer.slowReflect, capability),
  promiseReflect: calling(TestPeer.promiseReflect, capability),
  reflectPeer: calling(TestPeer.reflect, (params, world) => params.setCapability(0, world.host.peer())),
  tailEcho: calling(TestPeer.tailEcho, (params, world, b) => {
    const known = world.held.at(b);
    params.setCapability(0, b % 2 === 0 || known === undefined ? world.host.peer() : known);
    params.setData(1, new Uint8Array(b * 9));
  }),
  keep: calling(TestPeer.keep, capability),
  notifyKept: calling(TestPeer.notifyKept, number),
  dropKept: calling(TestPeer.dropKept),
  many: calling({ ...TestPeer.keep, params: struct(0, 4) }, (params, world, b) => {
    for (let index = 0; index < 4; index++) params.setCapability(index, world.passed(b + index));
  }),
  pipeline: (world, a, b) => addPipeline(world, a, [b % 3]),
  pipelineDeep: (world, a, b) => addPipeline(world, a, [0, b % 3]),
  take: (world, a, b) => {
    const results = world.calls.resultsAt(a);
    if (results === undefined) return;
    try {
      const taken = results.getCapability(b % 2);
      if (taken instanceof Capability) world.held.add(taken.dup());
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
    }
  },
  dup: (world, a) => {
    const held = world.held.at(a);
    if (held !== undefined) world.held.add(held.dup());
  },
  drop: (world, a) => world.held.at(a)?.[Symbol.dispose](),
  cancel: (world, a) => world.calls.at(a)?.cancel(new Refused("canceled")),
  finish: (world, a) => world.calls.at(a)?.finish(),
  disposeAnswer: (world, a) => world.calls.at(a)?.[Symbol.dispose](),
  abortSignal: (world, a, b) => {
    const abort = new AbortController();
    world.call(a, b % 2 === 0 ? TestPeer.echo : TestPeer.never, { signal: abort.signal, fill: () => {} });
    abort.abort(new Refused("enough"));
  },
  refuseToFill: (world, a) => {
    world.call(a, TestPeer.keep, {
      fill: (params) => {
        params.setCapability(0, world.host.watcher());
        throw new Refused("changed my mind");
      },
    });
  },
  passNoCapability: calling(TestPeer.keep, (params) => params.setCapability(0, 7)),
  serveOwn: (world) => void world.held.add(serve(world.host.peer())),
  openOwnGate: (world) => world.host.openGate(),
  wait: (world) => {
    world.waiting++;
    void world.session.writable.then(() => world.waiting--);
  },
  close: (world) => world.session.close(),
};

function addPipeline(world: PeerWorld, a: number, path: readonly number[]): void {
  const answer = world.calls.at(a);
  if (answer !== undefined) world.held.add(answer.pipeline(...path));
}
