/** The RPC and its C++ reference implementation speak to each other as in the RPC's own tests, with QUIC between them. */
import { testCppClient, testCppServer } from "quicproquo-rpc/testing";
import { closeCodes } from "quicproquo-transport";
import { createSelfSigned } from "../../src/self-signed.ts";
import { connectThroughQuic, serveQuic, TcpToQuic } from "./tcp-relays.ts";

const certificate = await createSelfSigned("localhost");

testCppClient("over QUIC", async (onStream) => {
  const listener = await serveQuic(certificate, onStream);
  const relay = await TcpToQuic.start({ port: listener.port, certificate: certificate.certificateDer });
  return {
    port: relay.port,
    async [Symbol.asyncDispose]() {
      await relay[Symbol.asyncDispose]();
      await listener.close(closeCodes.done, "test is done");
    },
  };
});

testCppServer("over QUIC", (port) => connectThroughQuic(port, certificate));
