/** What a C++ client must find in a server of ours, whatever carries the bytes: each scenario of interop/ as a test. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { RpcByteStream } from "../src/byte-stream.ts";
import { type RpcError, RpcSession } from "../src/index.ts";
import { CppPeer } from "./cpp-peer.ts";
import { FrameGate } from "./frame-gate.ts";
import { TestServer } from "./test-peer.ts";

/** Who connects to the port of 127.0.0.1 by TCP speaks to the stream that `onStream` is given. */
export type Listen = (
  onStream: (stream: RpcByteStream) => void,
) => Promise<AsyncDisposable & { readonly port: number }>;

/** 2 is `disconnected`. */
const expected: Readonly<Record<string, string | RegExp>> = {
  echo: "200 7",
  "echo 1 MiB": "1048576 9",
  "many segments": "1000",
  "double-far pointers": "6",
  "1000 outstanding": "1000",
  order: "kept",
  "exception types": /^0 .*: reason 0, 1 .*: reason 1, 2 .*: reason 2, 3 .*: reason 3$/,
  "missing method": /^3 .*not implemented/,
  "wrong interface": /^3 .*not implemented/,
  cancel: "canceled 1 sessions 0 exports 1",
  "long call beside others": "late",
  "cut with calls outstanding": "2 2 2",
  "server gone with calls outstanding": "2 2 2 2",
  pipelined: "bob",
  "pipelined on a pending answer": "100",
  "pipelined on a failure": /^3 .*not implemented/,
  "answer, then call": "al al",
  "inherited method": "root, root without eve",
  // The one export left is the bootstrap capability.
  "2000 sessions dropped": "canceled 0 sessions 0 exports 1",
  callback: "20 20 left 0",
  "kept capability": "6 left 0",
  "tail call": "3 8",
  "own capability reflected": "4 left 0",
  "reflected with an embargo": "1 2 3 4",
  "promise kept later": "0 early, then 1 2 3 4",
};

type Served = { readonly host: TestServer; readonly session: RpcSession; readonly gate: FrameGate };

export function testCppClient(name: string, listen: Listen): void {
  describe(`a C++ client of our server ${name}`, () => {
    const served: Served[] = [];
    const ends: RpcError[] = [];
    const stack = new AsyncDisposableStack();
    let results: ReadonlyMap<string, string>;

    before(async () => {
      const cpp = await CppPeer.build();
      const listener = stack.use(
        await listen((stream) => {
          const host = new TestServer();
          const gate = new FrameGate(stream);
          const onClose = (error: RpcError): void => void ends.push(error);
          const session = new RpcSession(gate, { bootstrap: host.server, onClose });
          host.session = session;
          served.push({ host, session, gate });
        }),
      );
      results = await cpp.runClient(listener.port);
      await Promise.all(served.map(({ session }) => session.closed));
    });
    after(() => stack.disposeAsync());

    const servedAs = (scenario: string): Served => served[[...results.keys()].indexOf(scenario)] as Served;

    for (const [scenario, result] of Object.entries(expected)) {
      test(scenario, () => {
        const actual = results.get(scenario) ?? "the scenario did not run";
        if (typeof result === "string") assert.equal(actual, result);
        else assert.match(actual, result);
      });
    }

    test("there is no scenario that nothing is expected of", () => {
      assert.deepEqual([...results.keys()].sort(), Object.keys(expected).sort());
    });

    test("messages came in many segments", () => {
      for (const [scenario, least] of [
        ["echo 1 MiB", 2],
        ["many segments", 4],
        ["double-far pointers", 7],
      ] as const) {
        const { segmentsMax } = servedAs(scenario).gate;
        assert.ok(segmentsMax >= least, `${scenario}: ${segmentsMax} segments`);
      }
    });

    test("handlers are told when the client is gone", () => {
      assert.equal(servedAs("cut with calls outstanding").host.canceled, 3);
    });

    test("no session was aborted and nothing is left in their tables", () => {
      assert.equal(ends.length, Object.keys(expected).length);
      for (const { reason } of ends) assert.doesNotMatch(reason, /abort/);
      for (const { session } of served) {
        assert.deepEqual(session.counts, { questions: 0, answers: 0, imports: 0, exports: 0, queuedCalls: 0 });
      }
    });
  });
}
