/** Keeps so many echo calls of our RPC outstanding over one TCP connection. */
import { once } from "node:events";
import { connect } from "node:net";
import { RpcSession } from "quicproquo-rpc";
import { SocketStream } from "quicproquo-rpc/testing";
import { closedLoop } from "../closed-loop.ts";
import { echo } from "../echo/echo-interface.ts";
import { readTask } from "./driver.ts";

export type EchoTask = {
  readonly port: number;
  readonly callers: number;
  readonly payloadBytes: number;
  readonly warmUpMs: number;
  readonly windowMs: number;
};

const { port, payloadBytes, ...loop } = await readTask<EchoTask>();
const socket = connect(port, "127.0.0.1");
await once(socket, "connect");
using session = new RpcSession(new SocketStream(socket));
using peer = session.bootstrap();
const payload = new Uint8Array(payloadBytes).fill(7);
const result = await closedLoop({
  ...loop,
  request: async () => {
    const results = await peer.call(echo, (params) => {
      params.data = payload;
    });
    if (results.data.length !== payloadBytes) throw new Error("wrong echo");
  },
});
process.stdout.write(`${JSON.stringify(result)}\n`);
