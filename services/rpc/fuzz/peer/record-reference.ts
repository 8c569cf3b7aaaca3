/**
 * `node services/rpc/fuzz/peer/record-reference.ts` records sessions with the C++ reference implementation into
 * `reference/`: they hold what no peer of ours sends, as promises that are resolved, tail calls and messages of many
 * segments. To be run again when scenarios or the C++ peer changed; needs what the interop tests need.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CppPeer } from "../../testing/cpp-peer.ts";
import { FrameReader } from "../../src/message/index.ts";
import { type Op, textOf } from "../input.ts";
import type { Step } from "../recorder.ts";
import { referenceFolder } from "./reference.ts";
import { scenarios } from "./scenarios.ts";
import { PeerWorld } from "./world.ts";

/** Sessions of more messages, or with one that is larger, say nothing that shorter ones do not. */
const framesMax = 60;
const frameBytesMax = 8_192;
/** So long nothing has come: it is quiet. */
const quietMs = 60;

/** One side of a socket, written down. */
class Recorded {
  readonly ops: Op[] = [];
  readonly #world = new PeerWorld({});
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
    const frames = new FrameReader((frame) => this.#receive(frame.slice()));
    socket.on("data", (chunk: Uint8Array) => {
      frames.push(new Uint8Array(chunk));
      setImmediate(() => this.ops.push({ kind: "turn" }));
    });
    socket.on("error", () => {});
    this.#world.stream.onSent = (chunk) => socket.write(chunk);
  }

  get frames(): readonly Uint8Array[] {
    return this.ops.flatMap((op) => (op.kind === "bytes" ? [op.bytes] : []));
  }

  async act({ name, a, b }: Step): Promise<void> {
    this.ops.push({ kind: "act", name, a, b }, { kind: "turn" });
    this.#world.act(name, a, b);
    for (let count = -1; count !== this.ops.length; ) {
      count = this.ops.length;
      await sleep(quietMs);
    }
  }

  close(): void {
    this.#socket.destroy();
    this.#world.stream.cut();
    this.#world.endHandlers();
    this.#world.letGo();
  }

  #receive(bytes: Uint8Array): void {
    this.ops.push({ kind: "bytes", bytes });
    this.#world.stream.feed(bytes);
  }
}

function write(name: string, { ops, frames }: Recorded): void {
  if (frames.length > framesMax || frames.some(({ length }) => length > frameBytesMax)) return;
  writeFileSync(join(referenceFolder, `${name}.txt`), textOf({ target: "peer", variant: "plain", ops }));
}

const cpp = await CppPeer.build();
rmSync(referenceFolder, { recursive: true, force: true });
mkdirSync(referenceFolder);

for (const [index, steps] of scenarios.entries()) {
  await using server = await cpp.startServer();
  const socket = connect(server.port, "127.0.0.1");
  await once(socket, "connect");
  const recorded = new Recorded(socket);
  for (const step of steps) if (step.side === "left" && step.name !== "close") await recorded.act(step);
  write(`server-${index}`, recorded);
  recorded.close();
}

const clients: Recorded[] = [];
const listener = createServer((socket) => clients.push(new Recorded(socket)));
listener.listen(0, "127.0.0.1");
await once(listener, "listening");
await cpp.runClient((listener.address() as { port: number }).port);
for (const [index, recorded] of clients.entries()) {
  write(`client-${index}`, recorded);
  recorded.close();
}
listener.close();
