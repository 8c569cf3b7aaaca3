/**
 * An application that ends its sessions and forgets its capabilities without disposing them is collected with them, however
 * its own objects, the session and the capabilities lead to one another. Except for an object that holds a capability of
 * itself: that one it must dispose.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type Capability, MethodTable, RpcSession } from "../../src/index.ts";
import { TestPeer } from "../../testing/test-peer.ts";
import { until } from "../../testing/until.ts";
import { turn } from "../connected.ts";
import { type PipeEnd, pipe } from "../pipe.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Keeps all it gets, and is reached from all it gives: its callbacks, its methods, the stacks of errors it causes. */
class Forgetful {
  readonly session: RpcSession;
  readonly service: Capability;
  readonly kept: unknown[] = [];
  isOver = false;
  readonly #gate = Promise.withResolvers<void>();

  constructor(end: PipeEnd) {
    const bootstrap = new MethodTable()
      .method(TestPeer.keep, (params) => void this.kept.push((params.getCapability(0) as Capability).dup()))
      .method(TestPeer.reflect, (params, results) => results.setCapability(0, params.getCapability(0)))
      .method(TestPeer.slowReflect, async (params, results) => {
        await this.#gate.promise;
        results.setCapability(0, params.getCapability(0));
      });
    this.session = new RpcSession(end, { bootstrap, onClose: () => (this.isOver = true) });
    this.service = this.session.bootstrap();
  }

  /** Objects of both sides, promises of both sides, an answer with a capability in it, and what will never be there. */
  async use(): Promise<void> {
    const object = emptyObject();
    const reflected = this.service.call(TestPeer.reflect, (p) => p.setCapability(0, object));
    const slow = this.service.call(TestPeer.slowReflect, (p) => p.setCapability(0, object));
    const promised = slow.pipeline(0);
    this.service.call(TestPeer.keep, (p) => p.setCapability(0, promised));
    await this.service.call(TestPeer.keep, (p) => p.setCapability(0, object));
    const canceled = this.service.call(TestPeer.slowReflect, () => {});
    this.kept.push(reflected, (await reflected).getCapability(0), slow, promised, canceled.pipeline(0));
    canceled.cancel();
  }

  open(): void {
    this.#gate.resolve();
  }

  end(): void {
    this.session.close();
  }
}

/** Not in the class: it would lead back to who holds it. */
function emptyObject(): MethodTable {
  return new MethodTable().method(TestPeer.echo, () => {});
}

for (const isSettled of [false, true]) {
  test(`two applications that forget everything are collected, their promises ${isSettled ? "" : "not "}kept`, async () => {
    const references: WeakRef<object>[] = [];
    const live = async (): Promise<void> => {
      const sides = pipe().map((end) => new Forgetful(end));
      for (const side of sides) await side.use();
      if (isSettled) for (const side of sides) side.open();
      await turn();
      for (const side of sides)
        references.push(new WeakRef(side), new WeakRef(side.session), new WeakRef(side.service));
      (sides[0] as Forgetful).end();
      await turn();
      assert.ok(sides.every(({ isOver }) => isOver));
    };
    for (let n = 0; n < 10; n++) await live();
    await until(
      () => references.every((reference) => reference.deref() === undefined),
      async () => {
        await turn(); // what was looked at stays until the turn is over
        collect();
        await turn();
      },
    );
  });
}
