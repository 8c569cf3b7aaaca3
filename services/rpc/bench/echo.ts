/**
 * Echo of 200 bytes with a number of calls outstanding, both ends in this process: over a memory pipe and over TCP on
 * loopback. Prints calls a second, and CPU time a call of both ends together, which a busy machine changes less. `node services/rpc/bench/echo.ts [seconds]`
 */
import { connect, createServer, type Socket } from "node:net";
import { once } from "node:events";
import { type Capability, RpcSession } from "../src/index.ts";
import { pipe } from "../test/pipe.ts";
import { SocketStream } from "../testing/socket-stream.ts";
import { TestPeer, TestServer } from "../testing/test-peer.ts";

const seconds = Number(process.argv[2] ?? 2);
const payload = new Uint8Array(200).fill(7);

async function measure(name: string, peer: Capability, outstanding: number): Promise<void> {
  const fill = (params: { setData(index: number, data: Uint8Array): void }): void => params.setData(0, payload);
  const until = performance.now() + seconds * 1000;
  let calls = 0;
  const started = performance.now();
  const cpu = process.cpuUsage();
  const caller = async (): Promise<void> => {
    while (performance.now() < until) {
      const results = await peer.call(TestPeer.echo, fill);
      if (results.getData(0).length !== 200) throw new Error("wrong echo");
      calls++;
    }
  };
  await Promise.all(Array.from({ length: outstanding }, caller));
  const rate = Math.round(calls / ((performance.now() - started) / 1000));
  const { user, system } = process.cpuUsage(cpu);
  const cpuUs = ((user + system) / calls).toFixed(1);
  process.stdout.write(
    `${name.padEnd(6)} ${String(outstanding).padStart(4)} outstanding: ${rate} calls/s, ${cpuUs} us CPU a call\n`,
  );
}

async function overMemory(): Promise<void> {
  const [left, right] = pipe();
  new RpcSession(right, { bootstrap: new TestServer().server });
  using client = new RpcSession(left);
  for (const outstanding of [1, 16, 256]) await measure("memory", client.bootstrap(), outstanding);
}

async function overTcp(): Promise<void> {
  const listener = createServer((socket) => {
    new RpcSession(new SocketStream(socket), { bootstrap: new TestServer().server });
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as { port: number };
  const socket: Socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  const client = new RpcSession(new SocketStream(socket));
  for (const outstanding of [1, 16, 256]) await measure("tcp", client.bootstrap(), outstanding);
  client.close();
  listener.close();
}

await overMemory();
await overTcp();
