/** What tests of this and other packages share: a peer to talk to, in TypeScript and in C++, and streams to it. */
export { type Listen, testCppClient } from "./cpp-client-suite.ts";
export { buildCpp } from "./cpp-program.ts";
export type { Connect } from "./cpp-server-rig.ts";
export { testCppServer } from "./cpp-server-suite.ts";
export { SocketStream } from "./socket-stream.ts";
