/** What tests of this and other packages share: a peer to talk to, in TypeScript and in C++, and a stream over TCP. */
export { CppPeer, CppServer } from "./cpp-peer.ts";
export { SocketStream } from "./socket-stream.ts";
export { Session, TestPeer, TestServer, TestWatcher, Watcher } from "./test-peer.ts";
