/**
 * Every attack of the table against one server process, beside a client that minds its business: the attacker gets an
 * Abort with a reason and loses its connection; the honest client's calls go on being answered; the server needs no more
 * of anything than it does for as many bytes of honest calls.
 */
import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Capability, RpcSession } from "../../src/index.ts";
import { FrameReader, MessageReader } from "../../src/message/index.ts";
import { bootstrap, finish } from "../../src/outgoing-messages.ts";
import { messageTag } from "../../src/rpc-layout.ts";
import { SocketStream } from "../../testing/socket-stream.ts";
import { TestPeer } from "../../testing/test-peer.ts";
import { callFrame } from "../raw-peer.ts";
import { type Attack, attacks } from "./attacks.ts";
import type { Fare } from "./server-process.ts";

const connections = 10;
/** An attack may cost so many times what honest calls of the same size do, and an attempt may be disturbed by others. */
const factorMax = 5;
const attempts = 8;
/** What one attack leaves behind, and what all of them together may have needed: two messages of the largest size and some. */
const leftBytesMax = 1 << 20;
const rssGrowthMax = 64 << 20;

let server: ChildProcess;
let port: number;
let honest: HonestClient;
let atFirst: Fare;

before(async () => {
  server = fork(join(import.meta.dirname, "server-process.ts"), { execArgv: ["--expose-gc"] });
  [port] = (await once(server, "message")) as [number];
  honest = await HonestClient.connect();
  await faresWith(() => honestTraffic(1 << 20)); // compiled and grown before anything is compared
  atFirst = await faresWith(() => honestTraffic(8 << 20));
});
after(async () => {
  await honest.stop();
  server.disconnect();
  await once(server, "exit");
});

for (const attack of attacks) {
  test(`${attack.name}: an Abort for who sent it, and nothing for anybody else`, async () => {
    const answered = honest.answered;
    await assertAborted(attack);
    await assertCheap(attack);
    await honest.nextAnswer();
    assert.ok(honest.answered > answered);
  });
}

async function assertAborted(attack: Attack): Promise<void> {
  for (let n = 0; n < connections; n++) {
    const reasons = abortsIn(await exchange(attack.bytes(n)));
    assert.equal(reasons.length, 1, `connection ${n} got ${reasons.length} Aborts`);
    assert.match(reasons[0] as string, attack.reason);
  }
}

/** Other programs of the machine can only make things look worse: one attempt in which all is well is enough. */
async function assertCheap(attack: Attack): Promise<void> {
  const lines: string[] = [];
  for (let attempt = 0; attempt < attempts; attempt++) {
    const bytes = attack.bytes(attempt).length;
    const honestly = await faresWith(() => honestTraffic(bytes));
    const attacked = await faresWith(() => exchange(attack.bytes(attempt)));
    assert.ok(attacked.bytes - atFirst.bytes < leftBytesMax, `${attacked.bytes - atFirst.bytes} bytes left behind`);
    assert.ok(attacked.rssBytesMax - atFirst.rssBytesMax < rssGrowthMax, "memory of the process grew");
    const [cpu, delay] = [attacked.cpuUs / honestly.cpuUs, attacked.delayUs / honestly.delayUs];
    if (cpu <= factorMax && delay <= factorMax) return;
    lines.push(`CPU ${cpu.toFixed(1)} times, delay ${delay.toFixed(1)} times`);
  }
  assert.fail(`always more than honest calls of the same size: ${lines.join("; ")}`);
}

async function faresWith(traffic: () => Promise<unknown>): Promise<Fare> {
  server.send("begin");
  await once(server, "message");
  for (let n = 0; n < connections; n++) await traffic();
  server.send("end");
  const [fare] = (await once(server, "message")) as [Fare];
  return fare;
}

/** One connection on which everything is written at once; answers what came back until the server ended it. */
async function exchange(bytes: Uint8Array): Promise<Uint8Array> {
  const socket = connect(port, "127.0.0.1");
  const received: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => received.push(chunk));
  socket.end(bytes);
  await ended(socket);
  return Buffer.concat(received);
}

/** Calls in messages like those of an attack: many small ones, or one as large as it can be. */
function honestTraffic(bytes: number): Promise<Uint8Array> {
  const payloadBytes = bytes > 1 << 20 ? Math.min(bytes, 8 << 20) - 1_024 : 200;
  const call = (questionId: number): Uint8Array => {
    const data = new Uint8Array(payloadBytes);
    return callFrame({ questionId, to: { importId: 0 }, method: TestPeer.echo, fill: (p) => p.setData(0, data) });
  };
  const frames = [bootstrap(0)];
  for (let sent = 0; sent < bytes || frames.length === 1; sent += payloadBytes + 1_024) {
    frames.push(call(frames.length), finish(frames.length, true));
  }
  return exchange(Buffer.concat(frames));
}

function abortsIn(bytes: Uint8Array): string[] {
  const reasons: string[] = [];
  const frames = new FrameReader((frame) => {
    const { rootStruct } = MessageReader.parse(frame);
    if (rootStruct.getUint16(0) === messageTag.abort) reasons.push(rootStruct.getStruct(0).getText(0));
  });
  frames.push(bytes);
  return reasons;
}

async function ended(socket: Socket): Promise<void> {
  // A reset tells of the same end as a FIN: the server throws away what comes behind its Abort.
  socket.on("error", () => {});
  await once(socket, "close");
}

/** Calls one after the other for as long as the tests run; any that fails ends them. */
class HonestClient {
  answered = 0;
  readonly #session: RpcSession;
  readonly #running: Promise<void>;
  #isStopped = false;
  #told: (() => void)[] = [];

  private constructor(session: RpcSession) {
    this.#session = session;
    this.#running = this.#run(session.bootstrap());
  }

  static async connect(): Promise<HonestClient> {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    return new HonestClient(new RpcSession(new SocketStream(socket)));
  }

  nextAnswer(): Promise<void> {
    return Promise.race([new Promise<void>((resolve) => this.#told.push(resolve)), this.#running]);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
    this.#session.close();
  }

  async #run(peer: Capability): Promise<void> {
    while (!this.#isStopped) {
      const results = await peer.call(TestPeer.echo, (params) => params.setData(0, new Uint8Array(100)));
      assert.equal(results.getData(0).length, 100);
      this.answered++;
      for (const tell of this.#told.splice(0)) tell();
    }
  }
}
