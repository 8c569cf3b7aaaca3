/** Each rule that the fuzzer holds sessions to finds the fault it is for, planted here between session and stream. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { test } from "node:test";
import { campaign } from "../../fuzz/campaign.ts";
import type { FindingKind } from "../../fuzz/finding.ts";
import type { Op } from "../../fuzz/input.ts";
import { peerTarget } from "../../fuzz/peer/target.ts";
import { PeerWorld } from "../../fuzz/peer/world.ts";
import { run } from "../../fuzz/run.ts";
import type { Target } from "../../fuzz/target.ts";
import { MethodTable, serve } from "../../src/index.ts";
import { TestPeer } from "../../testing/test-peer.ts";

const bootstrapFrame =
  "000000000500000000000000010001000800000000000000000000000000000000000000000000000000000000000000";
const bootstrap: Op = { kind: "bytes", bytes: Uint8Array.from(Buffer.from(bootstrapFrame, "hex")) };
const act = (name: string, a = 0, b = 0): Op => ({ kind: "act", name, a, b });
const turn: Op = { kind: "turn" };

function planted(change: (world: PeerWorld) => void): Target {
  return {
    ...peerTarget,
    open() {
      const world = new PeerWorld({});
      change(world);
      return world;
    },
  };
}

async function find(ops: readonly Op[], change: (world: PeerWorld) => void): Promise<FindingKind | undefined> {
  const target = planted(change);
  return (await run(target, { target: target.name, variant: "plain", ops })).finding?.kind;
}

test("a session as it is has no finding", async () => {
  assert.equal(await find([act("bootstrap"), act("echo"), bootstrap, turn, turn], () => {}), undefined);
});

test("a callback that throws is found", async () => {
  const fault = ({ stream }: PeerWorld): void => {
    const { onData } = stream;
    stream.onData = (chunk) => {
      onData?.(chunk);
      throw new TypeError("planted");
    };
  };
  assert.equal(await find([bootstrap], fault), "threw");
});

test("a rejection that nobody handles is found, and ends nothing", () => {
  // in a process of its own: the test runner listens for them as well
  const script = `
    import { peerTarget } from "./fuzz/peer/target.ts";
    import { replay } from "./fuzz/corpus.ts";
    const open = (variant) => {
      const world = peerTarget.open(variant);
      world.act = () => void Promise.reject(new Error("planted"));
      return world;
    };
    const ops = [{ kind: "act", name: "planted", a: 0, b: 0 }, { kind: "turn" }];
    const input = { target: "peer", variant: "plain", ops };
    await replay([{ ...peerTarget, open }], input).catch((error) => process.stdout.write(error.kind));`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    cwd: path.join(import.meta.dirname, "../.."),
    encoding: "utf8",
  });
  assert.equal(stdout, "unhandled", stderr);
});

test("an Abort for a reason of the program's own is found", async () => {
  const fault = ({ stream }: PeerWorld): void => {
    const { onData } = stream;
    // not a frame's bytes: the runtime stumbles over it
    stream.onData = () => onData?.({ length: 8 } as Uint8Array);
  };
  assert.equal(await find([bootstrap], fault), "internal");
});

test("a session that ends without a word is found", async () => {
  const fault = ({ stream }: PeerWorld): void => {
    const write = stream.write.bind(stream);
    stream.write = (chunk) => (chunk.length > 100 ? write(chunk) : true);
  };
  const unknown = Uint8Array.from(Buffer.from("0000000000000000", "hex"));
  assert.equal(await find([{ kind: "bytes", bytes: unknown }], fault), "silent-end");
});

test("a session that does not answer is found", async () => {
  const fault = ({ stream }: PeerWorld): void => {
    stream.write = () => true;
  };
  assert.equal(await find([turn], fault), "deaf");
});

test("a session that keeps itself busy is found", async () => {
  const fault = ({ stream }: PeerWorld): void => {
    const again = (): void => {
      if (stream.isClosed) return;
      stream.sentBytes++;
      setImmediate(again);
    };
    again();
  };
  assert.equal(await find([turn], fault), "restless");
});

test("a second answer, and what is no message, are found", async () => {
  const twice = ({ stream }: PeerWorld): void => {
    const write = stream.write.bind(stream);
    stream.write = (chunk) => write(chunk) && write(chunk);
  };
  assert.equal(await find([bootstrap, turn], twice), "bad-output");
  const spoilt = ({ stream }: PeerWorld): void => {
    const write = stream.write.bind(stream);
    stream.write = (chunk) => write(chunk.slice().fill(0xff, 8, 16));
  };
  assert.equal(await find([bootstrap, turn], spoilt), "bad-output");
});

test("what is written behind the end is found", async () => {
  const fault = ({ stream, session }: PeerWorld): void => {
    void session.closed.then(() => stream.write(new Uint8Array(8)));
  };
  assert.equal(await find([act("close"), turn], fault), "misused-stream");
});

test("more than what came can justify is found", async () => {
  const fault = ({ stream }: PeerWorld): void => {
    stream.sentBytes = 1_000_000;
  };
  assert.equal(await find([bootstrap, turn], fault), "amplification");
});

test("an object that is never given back, and one that is twice, are found", async () => {
  const held: unknown[] = []; // else the collector gives it back, when it happens to run
  const kept = ({ objects }: PeerWorld): void => void held.push(serve(objects.add("kept", new MethodTable())));
  assert.equal(await find([turn], kept), "leak");
  const twice = ({ objects }: PeerWorld): void => {
    const object = objects.add("twice", new MethodTable());
    for (let n = 0; n < 2; n++) serve(object)[Symbol.dispose]();
  };
  assert.equal(await find([turn], twice), "double-dispose");
});

test("an entry that the peer knows nothing of is found", async () => {
  const fault = ({ session, stream }: PeerWorld): void => {
    const { counts } = session;
    Object.defineProperty(session, "counts", { get: () => ({ ...counts, exports: stream.isClosed ? 0 : 1 }) });
  };
  assert.equal(await find([turn], fault), "leak");
});

test("a call that is never settled is found", async () => {
  const fault = ({ calls }: PeerWorld): void => {
    using never = serve(new MethodTable().method(TestPeer.echo, () => new Promise<void>(() => {})));
    const answer = never.call(TestPeer.echo, () => {});
    answer[Symbol.dispose] = () => {};
    calls.add("never", answer, () => {});
  };
  assert.equal(await find([turn], fault), "hanging-call");
});

test("a fault that only one kind of message meets is found, shrunk, and found again under the same number", async () => {
  const target = planted(({ stream }) => {
    const { onData } = stream;
    stream.onData = (chunk) => {
      onData?.(chunk);
      // a Finish in a chunk of its own
      if (chunk.length === 40 && chunk[16] === 4) throw new TypeError("planted");
    };
  });
  const { found } = await campaign([target], { seed: 1, milliseconds: 60_000 });
  assert.equal(found?.finding.kind, "threw");
  const bytes = found.input.ops.map((op) => (op.kind === "bytes" ? op.bytes.length : 0));
  assert.deepEqual(bytes, [40]);
  const again = await campaign([target], { seed: 1, milliseconds: 60_000, from: found.run });
  assert.equal(again.found?.run, found.run);
});
