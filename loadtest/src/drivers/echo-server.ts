/** Echoes with our RPC over TCP on a free port of 127.0.0.1: prints "port N" and ends when its input does, like cpp/echo.cpp. */
import { type AddressInfo, createServer } from "node:net";
import { MethodTable, RpcSession } from "quicproquo-rpc";
import { SocketStream } from "quicproquo-rpc/testing";
import { echo } from "../echo/echo-interface.ts";

const bootstrap = new MethodTable().method(echo, (params, results) => {
  results.data = params.data;
});
const listener = createServer((socket) => {
  new RpcSession(new SocketStream(socket), { bootstrap });
});
listener.listen(0, "127.0.0.1", () => {
  process.stdout.write(`port ${(listener.address() as AddressInfo).port}\n`);
});
process.stdin.on("end", () => process.exit(0)).resume();
