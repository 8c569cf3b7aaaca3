/**
 * A server over TCP that tells its parent how it fares: started with --expose-gc and a channel to the parent. Sends its
 * port first; "begin" starts a measurement, "end" answers what it found as a Fare.
 */
import { createServer, type AddressInfo } from "node:net";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { type Capability, MethodTable, RpcSession } from "../../src/index.ts";
import { SocketStream } from "../../testing/socket-stream.ts";
import { TestPeer } from "../../testing/test-peer.ts";
import { until } from "../../testing/until.ts";

export type Fare = {
  /** Of all threads, since "begin". */
  readonly cpuUs: number;
  /** The longest that the event loop was kept from its timers, since "begin". */
  readonly delayUs: number;
  /** In use after garbage collection. */
  readonly bytes: number;
  /** The most the process ever had of the machine. */
  readonly rssBytesMax: number;
};

const collect = globalThis.gc as () => void;
const delays = monitorEventLoopDelay({ resolution: 1 });
let cpu = process.cpuUsage();
const sessions = new Set<RpcSession>();

function serve(stream: SocketStream): void {
  const kept: Capability[] = [];
  const bootstrap = new MethodTable()
    .method(TestPeer.echo, (params, results) => results.setData(0, params.getData(0).subarray(0, 200)))
    .method(TestPeer.keep, (params) => void kept.push((params.getCapability(0) as Capability).dup()))
    .method(TestPeer.never, (_params, _results, call) => {
      return new Promise((resolve) => call.signal.addEventListener("abort", () => resolve(), { once: true }));
    });
  const onClose = (): void => {
    sessions.delete(session);
    for (const each of kept) each[Symbol.dispose]();
  };
  const session = new RpcSession(stream, { bootstrap, onClose });
  sessions.add(session);
}

function begin(): void {
  collect();
  delays.reset();
  delays.enable();
  cpu = process.cpuUsage();
}

/** When every session but the honest client's is gone. */
async function end(): Promise<Fare> {
  await until(() => sessions.size <= 1);
  delays.disable();
  const { user, system } = process.cpuUsage(cpu);
  const delayUs = delays.max / 1_000;
  for (let round = 0; round < 4; round++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  const rssBytesMax = process.resourceUsage().maxRSS * 1024;
  return { cpuUs: user + system, delayUs, bytes: heapUsed + arrayBuffers, rssBytesMax };
}

// Half open: who has sent all it has to say still reads the answer, as on a QUIC stream.
const listener = createServer({ allowHalfOpen: true }, (socket) => serve(new SocketStream(socket)));
listener.listen(0, "127.0.0.1", () => process.send?.((listener.address() as AddressInfo).port));
process.on("message", (command) => {
  if (command === "begin") {
    begin();
    process.send?.("begun");
  } else void end().then((fare) => process.send?.(fare));
});
process.on("disconnect", () => process.exit(0));
