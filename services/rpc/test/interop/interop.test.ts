/** This package and the C++ reference implementation speak to each other over TCP, each as client and as server. */
import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { RpcByteStream } from "../../src/byte-stream.ts";
import { SocketStream, testCppClient, testCppServer } from "../../testing/index.ts";

testCppClient("over TCP", async (onStream: (stream: RpcByteStream) => void) => {
  const listener = createServer((socket) => onStream(new SocketStream(socket)));
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  return {
    port: (listener.address() as { port: number }).port,
    async [Symbol.asyncDispose]() {
      const closed = once(listener, "close");
      listener.close();
      await closed;
    },
  };
});

testCppServer("over TCP", async (port) => {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  return {
    stream: new SocketStream(socket),
    async [Symbol.asyncDispose]() {
      socket.destroy();
    },
  };
});
