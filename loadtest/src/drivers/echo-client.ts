/**
 * Measures echo calls of our RPC over TCP, like cpp/echo.cpp: for each line "PORT OUTSTANDING PAYLOAD_BYTES WARM_UP_MS
 * WINDOW_MS" of its input it connects, keeps so many calls outstanding and prints a LoopResult.
 */
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { RpcSession } from "quicproquo-rpc";
import { SocketStream } from "quicproquo-rpc/testing";
import { closedLoop, type LoopResult } from "../closed-loop.ts";
import { echo } from "../echo/echo-interface.ts";

for await (const line of createInterface(process.stdin)) {
  process.stdout.write(`${JSON.stringify(await measure(line.split(" ").map(Number)))}\n`);
}

async function measure(task: readonly number[]): Promise<LoopResult> {
  const [port = 0, callers = 0, payloadBytes = 0, warmUpMs = 0, windowMs = 0] = task;
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  using session = new RpcSession(new SocketStream(socket));
  using peer = session.bootstrap();
  const payload = new Uint8Array(payloadBytes).fill(7);
  const request = async (): Promise<void> => {
    const results = await peer.call(echo, (params) => {
      params.data = payload;
    });
    if (results.data.length !== payloadBytes) throw new Error("wrong echo");
  };
  return await closedLoop({ callers, warmUpMs, windowMs, request });
}
